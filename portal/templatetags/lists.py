"""What stands around every list: its saved views, how dense it is, its columns, and the numbers of its pages."""

from typing import Any

from django import template

from portal import prefs
from portal.session.views_kept import cleaned

register = template.Library()
#: Pages beside the present one whose numbers are shown.
NEAR = 2


@register.inclusion_tag("ui/list_tools.html", takes_context=True)
def list_tools(context: dict[str, Any]) -> dict[str, Any]:
    """Show the buttons at the end of a list's filters."""
    return {"choosable": context.get("choosable")}


@register.inclusion_tag("ui/list_windows.html", takes_context=True)
def list_windows(context: dict[str, Any]) -> dict[str, Any]:
    """Show what those buttons open."""
    here = cleaned(context["request"].GET.urlencode())
    kept = context["prefs"].views.get(context["panel"], ())
    return {
        **{name: context.get(name) for name in ("panel", "choosable", "request", "csrf_token")},
        "views": [(name, query, query == here) for name, query in kept],
        "here": here,
    }


@register.simple_tag
def pages_near(number: int, pages: int) -> list[int]:
    """List the pages that have a link: the first, the last and those near `number`; 0 where some are left out."""
    shown = sorted({1, pages, *range(max(1, number - NEAR), min(pages, number + NEAR) + 1)})
    found: list[int] = []
    for page in shown:
        if found and page - found[-1] > 1:
            found.append(0)
        found.append(page)
    return found


@register.simple_tag
def page_sizes() -> tuple[int, ...]:
    return prefs.PAGE_SIZES
