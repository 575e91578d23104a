"""Menus: the verbs of a row or a page, and why one is greyed."""

from dataclasses import dataclass

from common.actor import Actor
from identity import policy
from portal.ui import Text


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


def gate(actor: Actor, rule: str, target: object, why: Text = "") -> Text:
    """Why a verb is greyed: the state's reason first, else policy's; "" when it may run."""
    if why:
        return why
    return "" if policy.allows(actor, rule, target) else policy.explain(actor, rule, target).sentence
