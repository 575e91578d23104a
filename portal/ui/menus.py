"""Menus: the verbs of a row or a page, why one is greyed, and those that run without asking anything first."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from authorization import policy
from authorization.context import RequestContext
from authorization.targets import Target
from operations.subject import Refusal
from portal.ui import Text
from portal.ui.calls import Call, Declared, DeclaredPage, Next, Said, carry_out, stay, told
from portal.ui.status import Status


@dataclass(frozen=True)
class Action:
    """A verb in a menu or header. `how`: dialog (GET shows it) | wide (a wide one) | post | link. A `why` greys it."""

    name: str
    label: Text
    icon: str
    url: str
    how: str = "dialog"
    why: Text = ""
    risk: bool = False
    count: int = 0
    leads: bool = False  # what the state waits for: its button is filled
    group: Text = ""  # over it in a menu, and over those of the same group that follow


def grouped(group: Text, actions: Iterable[Action]) -> list[Action]:
    """Return actions as one group of a menu."""
    return [replace(action, group=group) for action in actions]


def in_words(refusal: Refusal | None, status: Status) -> str:
    """Why a verb may not begin, with the state as the page calls it rather than the API; "" when it may."""
    return refusal.words.replace(status.api, f"“{status.word}”") if refusal else ""


def gate(actor: RequestContext, rule: str, target: Target, why: Text = "") -> Text:
    """Say why a verb is greyed: the state's reason first, else policy's; "" when it may run."""
    if why:
        return why
    return "" if policy.allows(actor, rule, target) else policy.explain(actor, rule, target).sentence


class MenuPage(DeclaredPage):
    about: "Menu"

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        call = self.called(keys)
        return self.show_menu(self.about.actions(call), call.id)


@dataclass(frozen=True, kw_only=True)
class Menu(Declared):
    """The menu of a row that has no page of its own: its verbs."""

    actions: Callable[[Call], Sequence[Action]]
    view: ClassVar = MenuPage


class VerbPage(DeclaredPage):
    about: "Verb"

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        call = self.called(keys)
        made = carry_out(call, lambda: self.about.do(call))
        url, said = self.onward(call, made), told(self.about.said, made)
        return self.go(url, said) if url else self.done(said)


@dataclass(frozen=True, kw_only=True)
class Verb(Declared):
    """A button: POST is one service call, then `next`."""

    do: Callable[[Call], object]
    next: Next = stay
    said: Said = ""
    view: ClassVar = VerbPage
