"""No text of the portal is without its Chinese: what templates write, what panels declare, and ages."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from common.clock import now
from portal import urls
from portal.templatetags.look import short_age, took
from portal.ui import panels
from portal.ui.lists import ListPanel
from tests.live import CLONE

#: Names of programs, files, formats and keys, which no language has words of its own for.
_NAMES = """
Stackling CSV EN ID UUID MAC IP IPv4 IPv6 CIDR MTU DNS DHCP SNAT TCP UDP ICMP SSH HTTP HTTPS OpenID Connect vCPU vCPUs CPU RAM URL VLAN
openrc openrc.sh clouds.yaml kubeconfig CLI curl Python Terraform Bash Ctrl Alt Del Esc Tab chmod pem AAAA MiB GiB QCOW2 ISO
BEGIN RSA PRIVATE KEY EC2 TOTP role web different_host bin sh v2.1 servers
"""
NAMES = set(_NAMES.split())
SHOWN = ("title", "aria-label", "placeholder", "alt")
_WORD = re.compile(r"[A-Za-z][\w.]+")


def foreign(text: str) -> list[str]:
    """The words of a text that is in no catalog."""
    return [word.strip(".") for word in _WORD.findall(text) if word.strip(".") not in NAMES]


def written(path: Path) -> Iterator[str]:
    """The words that a template writes itself."""
    text = re.sub(r"{% comment.*?endcomment %}|{#.*?#}|<!--.*?-->", "", path.read_text(), flags=re.S)
    text = re.sub(r"{% blocktranslate\b.*?{% endblocktranslate %}|{%.*?%}|{{.*?}}", "", text, flags=re.S)
    for name, value in re.findall(r'([\w-]+)="([^"]*)"', text):
        if name in SHOWN or name.startswith("data-said"):
            yield from foreign(value)
    text = re.sub(r"<(script|style|code|kbd|pre|svg)\b.*?</\1>|&#?\w+;", "", text, flags=re.S)
    yield from foreign(re.sub(r"<[^>]*>", "\n", text))


def test_templates_write_no_words_of_their_own() -> None:
    found = {str(path.relative_to(CLONE)): list(written(path)) for path in CLONE.glob("portal/templates/**/*.html")}
    assert len(found) > 90
    assert {path: words for path, words in found.items() if words} == {}


def declared() -> Iterator[tuple[str, Any]]:
    """(whose, text) of what panels, lists and dialogs declare."""
    for panel in panels.panels():
        yield panel.name, panel.label
        yield panel.name, panel.group
        yield from ((panel.name, text) for text in panel.recorded.values())
        yield from ((panel.name, text) for one in panel.subjects for words in one.verbs.values() for text in words)
        yield from ((panel.name, one.label) for quotas in panel.quotas for one in quotas.limits)
    for url in urls.urlpatterns:
        view, about = (
            getattr(url.callback, "view_class", None),
            getattr(url.callback, "view_initkwargs", {}).get("about"),
        )
        if isinstance(view, type) and issubclass(view, ListPanel):
            name = view.__name__
            yield from ((name, column.label) for column in view.columns)
            yield from ((name, one.label) for one in view.filters)
            yield from ((name, text) for one in view.filters for value, text in one.choices if text != value)
            yield from ((name, text) for text in (view.title, view.empty.title, view.empty.text))
            yield from ((name, view.new.label) for _ in "1" if view.new)
        for field in ("title", "submit", "hint", "text", "keep", "said", "one", "bulk", "gone"):
            yield str(url.name), getattr(about, field, "")
        for field in getattr(getattr(about, "form", None), "base_fields", {}).values():
            yield str(url.name), field.label
            yield str(url.name), field.help_text


def test_what_panels_declare_is_translated() -> None:
    """A text that is a plain string would stay English."""
    found = [(whose, text) for whose, text in declared() if text]
    assert len(found) > 500
    assert "; ".join(f"{whose}: {text}" for whose, text in found if isinstance(text, str) and foreign(text)) == ""


@pytest.mark.parametrize(
    ("ago", "said"), [(12, "12 秒"), (18 * 60, "18 分钟"), (3 * 3600, "3 小时"), (41 * 86400, "41 天")]
)
def test_ages_are_chinese(ago: int, said: str) -> None:
    with translation.override("zh-hans"):
        assert short_age(now() - timedelta(seconds=ago)) == said
        assert took(7.8) == "7.8 秒"
