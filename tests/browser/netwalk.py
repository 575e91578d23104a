"""A walk of the network service's panels whose effects are read back through the API, as the same user."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.acceptance import Walk
from tests.rest import NETWORK, Rest

ID = r"/[0-9a-f-]{36}"


class NetWalk:
    """A walk whose effects are read back as the same user."""

    def __init__(self, walk: Walk, rest: Rest) -> None:
        self.w, self.page, self.rest = walk, walk.page, rest

    def found(self, plural: str, **query: str) -> list[dict[str, Any]]:
        """What the API lists."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        answer: dict[str, list[dict[str, Any]]] = self.rest.ok("GET", f"{NETWORK}/{plural}?{asked}")
        return answer[plural.replace("-", "_")]

    def one(self, plural: str, **query: str) -> dict[str, Any]:
        found = self.found(plural, **query)
        assert len(found) == 1, (plural, query, found)
        return found[0]

    def make(self, single: str, plural: str, **fields: object) -> dict[str, Any]:
        made: dict[str, dict[str, Any]] = self.rest.ok("POST", f"{NETWORK}/{plural}", {single: fields})
        return made[single]

    def network(self, name: str, cidr: str) -> tuple[dict[str, Any], dict[str, Any]]:
        network = self.make("network", "networks", name=name)
        return network, self.make("subnet", "subnets", network_id=network["id"], cidr=cidr, ip_version=4)

    def create(self, **fields: str) -> None:
        """The dialog that makes one, its text fields filled."""
        self.page.click("main [data-action=create]")
        self.fill(**fields)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"#dialog #id_{name}", value)

    def refused(self, field: str, saying: str) -> None:
        """The dialog stays, its wrong field has the focus and says why."""
        self.w.submit()
        expect(self.page.locator(f"#dialog #id_{field}[aria-invalid=true]")).to_be_focused()
        expect(self.page.locator(f"#dialog [data-field={field}]")).to_contain_text(saying)

    def made(self, path: str) -> str:
        """Submitted, and at the page of what was made: its id."""
        self.w.submit()
        self.page.wait_for_url(re.compile(f"/{path}{ID}$"))
        return str(self.page.url.rpartition("/")[2])

    def narrowed(self, field: str, value: str, row: str, name: str, left: int = 1) -> None:
        """A filter by a text, sent to the server: the row stays, of `left` in all."""
        self.w.open()
        self.page.click("[data-action=filters]")
        self.page.fill(f"#by-{field}", value)
        self.page.click("[data-action=apply-filters]")
        self.page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(self.w.row(row)).to_be_visible()
        expect(self.page.locator("main tbody tr[data-id]")).to_have_count(left)
        self.w.saw("filter", name)

    def chosen(self, field: str, value: str, row: str, name: str) -> None:
        """A filter by a choice, sent to the server: the row stays."""
        self.w.open()
        self.page.click(f"[data-field={field}] [data-action=filter][data-id='{value}']")
        self.page.wait_for_url(re.compile(f"[?&]{field}={value}"))
        expect(self.w.row(row)).to_be_visible()
        self.w.saw("filter", name)
