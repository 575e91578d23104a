"""Preferences of a reader: language, time zone, theme, density, page size. In cookies, and in the user's row once signed in."""

import functools
import zoneinfo
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

THEMES = ("auto", "light", "dark")
DENSITIES = ("normal", "compact", "roomy")
PAGE_SIZES = (20, 40, 100, 200)
LOG_LINES = (50, 100, 500, 1000, 5000)
YEAR = 365 * 24 * 3600
KEY = "prefs"  # in the session: a copy of User.settings


@functools.cache
def known_zones() -> frozenset[str]:
    """Names of time zones. Python reads hundreds of files to tell."""
    return frozenset(zoneinfo.available_timezones())


@dataclass(frozen=True)
class Prefs:
    language: str
    zone: str
    theme: str
    density: str
    page_size: int
    log_lines: int  # of a server's log that are shown first
    keys: bool  # single-letter keys are on
    hidden: dict[str, list[str]]  # panel → columns of its list that are put away
    views: dict[str, list[tuple[str, str]]]  # panel → saved views of its list: (name, query)
    region: str
    first_steps: bool  # the list of first steps is not put away
    folded: frozenset[str]  # groups of the rail that are folded, by their first panels


def read(request: HttpRequest) -> Prefs:
    """Read the preferences: from the session's copy of the user's settings, else from cookies, else defaults."""
    own: dict[str, Any] = request.session.get(KEY, {}) if hasattr(request, "session") else {}

    def pick(name: str, allowed: tuple[Any, ...], default: Any) -> Any:
        for value in (own.get(name), request.COOKIES.get(name)):
            if value in allowed:
                return value
        return default

    theme = request.COOKIES.get("theme", "")
    zone = own.get("zone") or request.COOKIES.get("zone") or settings.TIME_ZONE
    return Prefs(
        language=translation.get_language() or settings.LANGUAGE_CODE,
        zone=zone if zone in known_zones() else settings.TIME_ZONE,
        theme=theme if theme in THEMES else "auto",
        density=pick("density", DENSITIES, "normal"),
        page_size=next((size for size in PAGE_SIZES if size == own.get("page_size")), 40),
        log_lines=next((lines for lines in LOG_LINES if lines == own.get("log_lines")), 1000),
        hidden=own.get("hidden") or {},
        views={panel: [(name, query) for name, query in kept] for panel, kept in (own.get("views") or {}).items()},
        region=own.get("region") or settings.REGION,
        keys=own.get("keys", True) is not False,
        first_steps=own.get("first_steps", True) is not False,
        folded=frozenset(filter(None, request.COOKIES.get("folded", "").split("."))),
    )


def apply(request: HttpRequest) -> Prefs:
    """Activate the reader's language and time zone for this request."""
    own: dict[str, object] = request.session.get(KEY, {}) if hasattr(request, "session") else {}
    language = own.get("language") or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if language in dict(settings.LANGUAGES):
        translation.activate(language)
    found = read(request)
    timezone.activate(zoneinfo.ZoneInfo(found.zone))
    request.prefs = found  # type: ignore[attr-defined]
    return found


def remember(request: HttpRequest, response: HttpResponse, **chosen: Any) -> None:
    """Keep choices in cookies, and in the user's row when somebody is signed in.

    One that is a function is called with what the row has: other sessions may have changed it. It may raise.
    """
    if "language" in chosen:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen["language"], max_age=YEAR, samesite="Lax")
    for name in ("theme", "density"):
        if name in chosen:
            response.set_cookie(name, chosen.pop(name), max_age=YEAR, samesite="Lax")
    actor = getattr(request, "actor", None)
    if actor is not None and chosen:
        from identity.models import User

        with transaction.atomic():
            user = User.objects.select_for_update().filter(pk=actor.user_id).only("settings").first()
            if user is not None:
                new = {
                    name: value(user.settings.get(name)) if callable(value) else value for name, value in chosen.items()
                }
                user.settings = {**user.settings, **new}
                user.save(update_fields=["settings"])
                request.session[KEY] = user.settings
