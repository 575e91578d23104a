"""Item 7: each alert asks for what is really told, and leads to a page whose commands exist."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.live import CLONE, LiveCloud
from tests.rest import Rest

OPERATIONS = CLONE / "docs" / "operations"
RULES: list[dict[str, Any]] = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"][0]["rules"]
PAGES = sorted((OPERATIONS / "runbooks").glob("*.md"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_its_severity_and_its_page(rule: dict[str, Any]) -> None:
    """Item 7: one page an alert, with the expression that led there, what it means, how to see it and what to do."""
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    page = (CLONE / rule["annotations"]["runbook"]).read_text()
    assert page.startswith(f"# {rule['alert']}\n") and rule["expr"] in page and rule["annotations"]["summary"] in page
    assert all(f"## {part}\n" in page for part in ("What it means", "How to see it", "What to do"))


def test_no_page_is_without_an_alert() -> None:
    assert {rule["annotations"]["runbook"] for rule in RULES} == {str(page.relative_to(CLONE)) for page in PAGES}


def _openstack_commands() -> set[tuple[str, ...]]:
    known = entry_points()
    groups = [known.select(group=group) for group in known.groups if group.startswith("openstack.")]
    return {tuple(point.name.split("_")) for group in groups for point in group if "_" in point.name}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_tells_to_run_exists(page: Path) -> None:
    """Item 7: commands of ours, of `openstack`, names of settings and links to other pages."""
    text = page.read_text()
    ours = set(re.findall(r"manage\.py ([a-z_]+)", text))
    assert ours <= set(get_commands()), ours - set(get_commands())
    known = _openstack_commands()
    assert len(known) > 300
    for line in re.findall(r"`openstack ([^`]*)`", text):
        words = re.match(r"[a-z ]+", line + " ")[0].split()  # type: ignore[index]
        assert any(tuple(words[:n]) in known for n in range(2, len(words) + 1)), line
    example = (CLONE / ".env.example").read_text()
    for name in re.findall(r"STACKLING_[A-Z_]+|DATABASE_URL|BROKER_URL", text):
        assert f"{name}=" in example, name
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (page.parent / link).exists(), link


def _told(text: str) -> dict[str, set[str]]:
    """Name of a sample → names of its labels."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        match = re.match(r"([a-z_]+)(?:\{(.*)\})? ", line)
        if match:
            found.setdefault(match[1], set()).update(re.findall(r'(\w+)="', match[2] or ""))
    return found


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_what_alerts_and_pages_ask_for_is_told(fake_cloud: LiveCloud) -> None:
    """Item 7: every metric with its labels is in a live scrape; one that nothing counts would never fire."""
    rest = Rest(fake_cloud)
    rest.delete(rest.boot("counted"))
    wrong = {"user": {"name": "admin", "domain": {"id": "default"}, "password": "wrong"}}
    sent = {"auth": {"identity": {"methods": ["password"], "password": wrong}}}
    assert rest.ask("POST", "/api/identity/v3/auth/tokens", sent, token="").status == 401
    told = _told(fake_cloud.local("/metrics")[1])
    texts = {rule["alert"]: rule["expr"] for rule in RULES} | {page.stem: page.read_text() for page in PAGES}
    for name, text in texts.items():
        for metric, selector in re.findall(r"(stackling_[a-z_]+)(?:\{([^}]*)\})?", text):
            assert metric in told or f"{metric}_count" in told, f"{name}: nobody tells {metric}"
            labels = told.get(metric) or told.get(f"{metric}_count", set())
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= labels, f"{name}: {metric}{{{selector}}}"
    for rule in RULES:
        for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            for label in labels.split(", "):
                assert any(label in told[m] for m in told if m.startswith("stackling_") and m in rule["expr"]), label
