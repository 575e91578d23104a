"""Walking the tables of docs/acceptance: what they promise of the portal, done by hand in a browser.

A panel's test takes a `Walk`; each capability that it has seen to work is told to `walk.saw`. At its end every line of
the panel that says `works` must have been seen: a line without a step fails.
"""

import csv
import re

from playwright.sync_api import Locator, Page, expect

from tests.live import CLONE

FOLDER = CLONE / "docs" / "acceptance"
#: What the last column says. What waits names an issue, or the API without which the portal has nothing to show.
STATE = re.compile("works|missing|waits for .+|not here: .+")


def lines(table: str) -> list[dict[str, str]]:
    """The lines of docs/acceptance/<table>.tsv: panel, kind, name, where, test, state."""
    with (FOLDER / f"{table}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def promised(table: str, panel: str) -> set[tuple[str, str]]:
    """(kind, name) of what a table says works in a panel."""
    rows = lines(table)
    return {(row["kind"], row["name"]) for row in rows if row["panel"] == panel and row["state"] == "works"}


class Walk:
    """A page of one panel, and what was seen of it."""

    def __init__(self, page: Page, url: str, panel: str, table: str) -> None:
        self.page, self.url, self.panel, self.table = page, url, panel, table
        page.set_default_timeout(60_000)  # of a page on a machine with other work
        self.seen: set[tuple[str, str]] = set()

    def saw(self, kind: str, *names: str) -> None:
        self.seen |= {(kind, name) for name in names}

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.url}/{path or self.panel}")

    def row(self, name: str) -> Locator:
        return self.page.locator("main tbody tr").filter(
            has=self.page.locator("td.nm", has_text=re.compile(f"^{name}$"))
        )

    def menu(self, name: str, action: str) -> None:
        """A row's menu, and the verb in it."""
        self.row(name).locator("[data-menu]").click()
        self.page.click(f"#menu [data-action={action}]")

    def columns(self, *names: str) -> None:
        self.page.wait_for_load_state()
        heads = [text.strip() for text in self.page.locator("main thead th").all_inner_texts()]
        assert set(names) <= set(heads), heads

    def submit(self) -> None:
        self._send("#dialog [data-action=submit]")

    def _send(self, button: str) -> None:
        """Press it, and wait for the answer and for the page to which that leads: it may be at an address where one is already."""
        self.page.evaluate("window.sent = true")
        with self.page.expect_response(
            lambda answer: answer.request.method == "POST" and "/draft" not in answer.url, timeout=60_000
        ) as got:
            self.page.click(button)
        if "hx-redirect" in got.value.headers:
            self.page.wait_for_function("() => !window.sent", timeout=60_000)
            self.page.wait_for_load_state()

    def confirm(self, typed: str = "") -> None:
        if typed:
            self.page.fill("#typed", typed)
        self._send("#dialog [data-action=confirm]")

    def picked(self, name: str, roles: list[str], person: str) -> None:
        """One more line of who has which roles."""
        self.page.click(f"#dialog [data-action=add-line][data-id={name}]")
        line = self.page.locator("#dialog [data-line]:visible").last
        line.locator("[data-field=who]").select_option(label=person)
        for box in line.locator("[data-field=role]").all():
            box.set_checked(box.get_attribute("data-id") in roles, force=True)

    def finish(self) -> None:
        assert promised(self.table, self.panel) - self.seen == set(), "these lines say `works` and were not walked"


def make_user(walk: Walk, name: str, password: str = "a long password") -> None:
    walk.open("users")
    walk.page.click("main [data-action=create]")
    for field in ("password", "again"):
        walk.page.fill(f"#id_{field}", password)
    walk.page.fill("#id_name", name)
    walk.submit()
    walk.page.wait_for_url(re.compile(r"/users/[0-9a-f]{32}$"))


def make_group(walk: Walk, name: str) -> None:
    walk.open("groups")
    walk.page.click("main [data-action=create]")
    walk.page.fill("#id_name", name)
    walk.submit()
    walk.page.wait_for_url(re.compile(r"/groups/[0-9a-f]{32}$"))


def filters(walk: Walk, name: str, *, enabled: bool = True) -> None:
    """By name, by id and by state, each sent to the server."""
    page = walk.page
    walk.open()
    id = walk.row(name).get_attribute("data-id") or ""
    for field, value in (("name", name), ("id", id)):
        walk.open()
        page.click("[data-action=filters]")
        page.fill(f"#by-{field}", value)
        page.click("[data-action=apply-filters]")
        page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(page.locator("main tbody tr[data-id]")).to_have_count(1)
        walk.saw("filter", {"name": "name", "id": "ID"}[field])
    if enabled:
        walk.open()
        page.click("[data-action=filter][data-id=False]")
        page.wait_for_url("**enabled=False")
        expect(walk.row(name)).to_have_count(0)
        page.click("[data-action=filter][data-id=True]")
        expect(walk.row(name)).to_be_visible()
        walk.saw("filter", "enabled")


def delete_several(walk: Walk, *names: str) -> None:
    page = walk.page
    walk.open()
    for name in names:
        walk.row(name).locator("input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    walk.confirm(str(len(names)))
    page.wait_for_url(f"**/{walk.panel}")
    for name in names:
        expect(walk.row(name)).to_have_count(0)
    walk.saw("bulk action", "delete")


def credentials(w: Walk, *, own: bool) -> None:
    """EC2 keys and others: made, changed, deleted one by one and together."""
    page, prefix = w.page, "own credentials: " if own else ""
    path = "settings/credentials" if own else "credentials"
    w.open(path)
    page.click("main [data-action=create]")
    if not own:
        page.select_option("#id_user_id", label="demo")
    page.select_option("#id_type", "totp")
    w.submit()
    expect(page.locator("#dialog #id_blob[aria-invalid=true]")).to_be_focused()
    page.fill("#id_blob", "JBSWY3DPEHPK3PXP")
    page.select_option("#id_project_id", label="demo")
    w.submit()
    expect(w.row("TOTP")).to_be_visible()
    w.saw("form field", "user", "type", "data", "project")
    w.saw("bulk action", f"{prefix}create")
    w.menu("TOTP", "edit")
    page.select_option("#id_type", "cert")
    w.submit()
    expect(w.row("Certificate")).to_be_visible()
    w.saw("row action", f"{prefix}edit")
    w.menu("Certificate", "delete")
    w.confirm()
    expect(w.row("Certificate")).to_have_count(0)
    w.saw("row action", f"{prefix}delete")
