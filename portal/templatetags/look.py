"""The small pieces of the look: icons, status words, ages, sizes, meters, things that copy themselves."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from common.clock import now
from common.units import human_bytes
from portal.ui.kept import part
from portal.ui.status import Status

register = template.Library()


@lru_cache(maxsize=1)
def _sprite() -> str:
    return static("vendor/icons.svg")


@register.simple_tag
def kept(template: str) -> SafeString:
    """Include a template that needs no context, rendered once in each language."""
    return part(template)


@register.simple_tag(takes_context=True)
def kept_of(context: template.Context, name: str, *values: object) -> SafeString:
    """Include a template that shows `values` of this context and the page's address, and nothing else of it; rendered once for them."""
    request = context["request"]
    shown = {str(key): value for key, value in context.flatten().items()}
    return part(name, (request.get_full_path(), *values), shown)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Render one icon of the sprite; a word or an aria-label stands beside it."""
    classes = f"ti {css}".strip()
    return mark_safe(f'<svg class="{classes}" aria-hidden="true"><use href="{_sprite()}#{name}"/></svg>')


@register.simple_tag
def sprite(name: str) -> SafeString:
    """Render the icon inside a symbol of the page's own, for what is repeated in each row."""
    return mark_safe(f'<use href="{_sprite()}#{name}"/>')


@register.simple_tag
def st(status: Status | None, css: str = "") -> SafeString:
    """Shape, colour and word."""
    if status is None:
        return mark_safe('<span class="mut">–</span>')
    note = format_html(" <small>{}</small>", status.note) if status.note else ""
    if not note and status.since is not None:
        note = format_html(" <small>{}</small>", _time(status.since, short_age(status.since), live=True))
    return format_html(
        '<span class="st {} {}" data-status="{}" title="{}"><i aria-hidden="true"></i>{}{}</span>',
        status.kind, css, status.api, status.api, status.word, note,
    )  # fmt: skip


@register.filter
def counted(total: int) -> SafeString:
    """Render a number of rows that goes down by itself when rows go (live.js)."""
    return format_html("<span data-total>{}</span>", total)


def short_age(at: datetime) -> str:
    """Format the time since `at`: ``12 s``, ``2 min``, ``3 h``, ``41 d``."""
    seconds = max(0, int((now() - at).total_seconds()))
    if seconds < 60:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 3600:
        return _("%(n)s min") % {"n": seconds // 60}
    if seconds < 86400:
        return _("%(n)s h") % {"n": seconds // 3600}
    return _("%(n)s d") % {"n": seconds // 86400}


def _time(at: datetime, text: str, *, live: bool = True) -> SafeString:
    local = timezone.localtime(at)
    stamp = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        stamp, local.strftime("%Y-%m-%d %H:%M:%S %Z"), mark_safe(" data-age") if live else "", text,
    )  # fmt: skip


@register.simple_tag
def age(at: datetime | None) -> SafeString:
    return _time(at, short_age(at)) if at else mark_safe("–")


@register.simple_tag
def when(at: datetime | None) -> SafeString:
    """Render the local date and time."""
    if at is None:
        return mark_safe("–")
    return _time(at, timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S"), live=False)


@register.simple_tag
def age_lean(at: datetime) -> SafeString:
    """Render an age like `age`, for the rows of a long list: the script adds the exact time as a tooltip."""
    return format_html('<time datetime="{}Z" data-age>{}</time>', at.isoformat(timespec="seconds")[:19], short_age(at))


@register.simple_tag
def st_lean(status: Status) -> SafeString:
    """Render a status like `st`, in a row that carries data-status itself."""
    note = format_html(" <small>{}</small>", status.note) if status.note else ""
    if not note and status.since is not None:
        note = format_html(" <small>{}</small>", age_lean(status.since))
    return format_html('<span class="st {}"><i></i>{}{}</span>', status.kind, status.word, note)


@register.filter
def took(seconds: float | None) -> str:
    """Return a duration: under 10 s with a decimal, steps with two when tiny."""
    if seconds is None:
        return ""
    if seconds < 1:
        return _("%(n)s s") % {"n": f"{seconds:.2f}"}
    if seconds < 10:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    if seconds < 120:
        return _("%(n)s s") % {"n": f"{seconds:.0f}"}
    return _("%(n)s min") % {"n": f"{seconds / 60:.0f}"}


@register.filter
def size(value: Any) -> str:
    return human_bytes(float(value)) if value is not None else "–"


@register.filter
def mib(value: Any) -> str:
    return human_bytes(float(value) * 1024**2) if value is not None else "–"


@register.filter
def gib(value: Any) -> str:
    return human_bytes(float(value) * 1024**3) if value is not None else "–"


@register.simple_tag
def copy(text: str, shown: str = "", icon_name: str = "copy") -> SafeString:
    """Text that copies itself on click."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" title="{}">{}{}</button>',
        text, _("Copy"), shown or text, icon(icon_name) if icon_name else "",
    )  # fmt: skip


@register.simple_tag
def copy_id(text: str) -> SafeString:
    """Render an id, shortened; all of it in the clipboard."""
    return copy(text, f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text)


@register.simple_tag
def req(request_id: str) -> SafeString:
    """Render a request id that leads to its timeline."""
    if not request_id:
        return mark_safe("")
    return format_html(
        '<a class="mono sm" href="/requests/{}" data-action="timeline">{}</a>', request_id, request_id[:16]
    )


@register.simple_tag
def cmd(text: str) -> SafeString:
    """Render a command line with its copy button."""
    return format_html(
        '<div class="cmd"><code>{}</code><button type="button" class="ib sq" data-copy="{}" aria-label="{}">{}</button></div>',
        text, text, _("Copy command"), icon("copy"),
    )  # fmt: skip


def _said(label: str) -> str:
    """A bar beside its own number needs no words."""
    return f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'


@register.simple_tag
def meter(used: float, limit: float, plus: float = 0, label: str = "", grey: bool = False) -> SafeString:
    """Render a bar of what is used, amber from 80 %, hatched what would be added. No limit: an empty bar."""
    top = float(limit) if limit and limit > 0 else 0.0
    share = min(100.0, 100.0 * float(used) / top) if top else 0.0
    more = min(100.0 - share, 100.0 * float(plus) / top) if top else 0.0
    kind = "off" if grey else "bad" if share >= 100 else "warn" if share >= 80 else "use"
    hatch = f'<rect class="plus" x="{share:.1f}%" width="{more:.1f}%" height="100%"/>' if more else ""
    return mark_safe(
        f'<svg class="bar" {_said(label)}><rect class="{kind}" width="{share:.1f}%" height="100%"/>{hatch}</svg>'
    )


@register.simple_tag
def progress(share: float, label: str = "") -> SafeString:
    """Render a bar of how far something has come: 0 to 100."""
    return mark_safe(f'<svg class="bar" {_said(label)}><rect class="use" width="{share:.1f}%" height="100%"/></svg>')


@register.simple_tag
def parts(shares: list[tuple[str, float]], label: str = "") -> SafeString:
    """Render a bar of several kinds side by side: [(kind, number)]."""
    total = sum(number for _kind, number in shares) or 1
    at, rects = 0.0, ""
    for kind, number in shares:
        width = 100.0 * number / total
        rects += f'<rect class="{kind}" x="{at:.2f}%" width="{max(0.0, width - 0.3):.2f}%" height="100%"/>'
        at += width
    return mark_safe(f'<svg class="bar big" {_said(label)}>{rects}</svg>')


@register.simple_tag
def span(start: float, width: float, kind: str = "ok") -> SafeString:
    """Render one bar of a timeline, in percent of the whole."""
    return mark_safe(
        f'<svg class="bar" aria-hidden="true"><rect class="{kind}" x="{start:.1f}%" width="{max(width, 0.6):.1f}%" height="100%"/></svg>'
    )


@register.filter
def getitem(mapping: object, key: object) -> object:
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.simple_tag(takes_context=True)
def querystring_page(context: dict[str, Any], number: int, step: int) -> str:
    """Return the address's query with another page."""
    query = context["request"].GET.copy()
    query["page"] = str(number + step)
    return str(query.urlencode())


def _with(context: dict[str, Any], name: str, value: str) -> str:
    query = context["request"].GET.copy()
    query.pop("page", None)
    query[name] = value
    return str(query.urlencode())


@register.simple_tag(takes_context=True)
def querystring_sort(context: dict[str, object], name: str) -> str:
    """Return the address's query sorted by another column; by the same one the other way round."""
    return _with(context, "sort", f"-{name}" if context.get("sort") == name else name)


@register.simple_tag(takes_context=True)
def querystring_set(context: dict[str, Any], name: str, value: str) -> str:
    """Return the address's query with another choice of one thing; without it where the value is ""."""
    query = context["request"].GET.copy()
    for one in ("page", name):
        query.pop(one, None)
    if value:
        query[name] = value
    return str(query.urlencode())


@register.simple_tag(takes_context=True)
def querystring_csv(context: dict[str, object]) -> str:
    """Return the same rows as a file."""
    return _with(context, "format", "csv")


@register.simple_tag
def aria_sort(name: str, sort: str) -> SafeString:
    """Render the attribute of the head of the column `name` that says that the list is sorted by it, and which way."""
    way = {name: "ascending", f"-{name}": "descending"}.get(sort, "") if name else ""
    return mark_safe(f' aria-sort="{way}"' if way else "")


@register.simple_tag
def dialog_attr(action: Any) -> SafeString:
    """Render the attribute by which a link opens in a dialog, a wide one where the action says so."""
    return mark_safe({"dialog": " data-dialog", "wide": ' data-dialog="wide"'}.get(action.how, ""))


@register.filter
def beside(cells: Any, columns: Any) -> list[tuple[Any, str]]:
    """List each cell with the classes of its column; the first column is the name's."""
    rest = list(columns)[1:]
    css = [f"{column.css} w-{column.hide}" if column.hide else column.css for column in rest]
    return [(cell, css[at] if at < len(css) else "") for at, cell in enumerate(cells)]


@register.filter
def initials(name: str) -> str:
    """Return two letters for the round tile of a person."""
    words = [word for word in name.replace(".", " ").replace("-", " ").split() if word]
    return ("".join(word[0] for word in words[:2]) or name[:2] or "?").upper()
