"""Every address of the portal's own table, with ids of things that are there, and what a page must be at every width.

`Addresses` asks each address once and tells pages, dialogs, and what is neither (parts of pages, files, verbs) apart. An
address that answers anything but what its kind answers is a fault, and so is a part of a page where no script asks. `Sheets`
keeps what the pages look like.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, TimeoutError

from cloud.run import vendor
from tests.live import CLONE, LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, IDENTITY, IMAGE, NETWORK, VOLUME, until

WIDTHS = (360, 768, 900, 1280, 1440)
#: Where axe looks.
AXE_WIDTHS = (360, 1440)
#: Contact sheets of a run.
SHEETS = CLONE / ".pytest_cache" / "sheets"
#: Addresses that only another site's answer makes a page of, or what a session has done before: a recording, a kept launch.
FOREIGN = (
    "sign-in-with", "sign-in-federated", "sign-in-done", "show-as", "recording-script", "launch-template-delete", "launch-snippet-delete",
)  # fmt: skip
#: How the address of a verb for several rows ends.
SEVERAL = ("s/delete", "/-/delete-several")
_PART = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass
class Addresses:
    pages: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def ask(self, page: Page, url: str, path: str) -> None:
        """Sort one address in."""
        answer = page.request.get(url + path, max_redirects=0)
        kind = answer.headers.get("content-type", "")
        if answer.status in (405, 302, 204) or (answer.ok and "html" not in kind):
            return
        if not answer.ok:
            self.faults.append(f"{path} answered {answer.status}: {words(answer.text())}")
        elif "<html" not in answer.text():
            self.faults.append(f"{path} is a part of a page to who opens it: {answer.text()[:200]}")
        else:
            self.pages.append(path)
            part = page.request.get(url + path, headers={"HX-Request": "true"}, max_redirects=0)
            if part.ok and 'id="dialog-title"' in part.text():
                self.dialogs.append(path)


def words(html: str) -> str:
    found = re.search(r"<main.*?</main>", html, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[0] if found else html).split())[:200]


# ── Things to look at ───────────────────────────────────────────────────────────────────────────────────────────────


class Seeds:
    """One thing of each kind in admin's project; `of` gives the values of an address's parts by its first word."""

    def __init__(self, cloud: LiveCloud) -> None:
        self.things = Things(cloud)
        self.api = self.things.admin
        self.of: dict[str, dict[str, str]] = {}
        self._networking()
        self._compute()
        self._volumes()
        self._identity()
        self._federation()
        self._shared()

    def _make(self, path: str, kind: str, **body: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.api.ok("POST", path, {kind: body})[kind]
        return made

    def _networking(self) -> None:
        name, api, public = unused("sweep"), self.api, ""
        public = api.named(f"{NETWORK}/networks", "networks", "public")
        self.network = self._make(f"{NETWORK}/networks", "network", name=name)["id"]
        subnet = self._make(
            f"{NETWORK}/subnets", "subnet", name=name, network_id=self.network, cidr="10.99.0.0/24", ip_version=4
        )["id"]
        port = self._make(
            f"{NETWORK}/ports", "port", name=name, network_id=self.network,
            allowed_address_pairs=[{"ip_address": "10.99.0.77", "mac_address": "fa:16:3e:00:00:77"}],
        )["id"]  # fmt: skip
        gateway = {"network_id": public}
        router = self._make(f"{NETWORK}/routers", "router", name=name, external_gateway_info=gateway)["id"]
        inside = api.ok("PUT", f"{NETWORK}/routers/{router}/add_router_interface", {"subnet_id": subnet})["port_id"]
        routes = [{"destination": "10.50.0.0/16", "nexthop": "10.99.0.9"}]
        api.ok("PUT", f"{NETWORK}/routers/{router}", {"router": {"routes": routes}})
        floating = self._make(f"{NETWORK}/floatingips", "floatingip", floating_network_id=public, port_id=port)["id"]
        group = self._make(f"{NETWORK}/security-groups", "security_group", name=name)["id"]
        rbac = self._make(
            f"{NETWORK}/rbac-policies", "rbac_policy", object_type="network", object_id=self.network,
            action="access_as_shared", target_tenant="*",
        )["id"]  # fmt: skip
        hosts = api.ok("GET", f"{NETWORK}/agents")["agents"]
        self.host = hosts[0]["host"]
        self.of["services"] = {"id": hosts[0]["id"]}
        self.of |= {
            "networks": {"id": self.network, "subnet": subnet, "host": self.host},
            "subnets-delete": {"id": self.network, "ids": subnet},
            "ports": {"id": port, "mac": "fa:16:3e:00:00:77", "ip": "10.99.0.77"},
            "routers": {"id": router, "port": inside, "hop": "10.99.0.9", "to": "10.50.0.0/16"},
            "floating-ips": {"id": floating},
            "security-groups": {"id": group},
            "rbac-policies": {"id": rbac},
            "topology": {"kind": "network", "id": self.network},
        }

    def _compute(self) -> None:
        name, api = unused("sweep"), self.api
        key = api.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": name}})["keypair"]["name"]
        private = {"os-flavor-access:is_public": False}
        flavor = self._make(f"{COMPUTE}/flavors", "flavor", name=name, vcpus=1, ram=128, disk=1, **private)["id"]
        group = self._make(f"{COMPUTE}/os-aggregates", "aggregate", name=name, availability_zone=name)["id"]
        together = {"name": name, "policy": "soft-affinity"}
        self.of["server-groups"] = {"id": self._make(f"{COMPUTE}/os-server-groups", "server_group", **together)["id"]}
        self.server = api.boot(name, network=self.network, key_name=key)
        api.until(self.server, "ACTIVE")
        nic = api.ok("GET", f"{NETWORK}/ports?device_id={self.server}")["ports"][0]["id"]
        done = api.ok("GET", f"{COMPUTE}/servers/{self.server}/os-instance-actions")["instanceActions"][0]["request_id"]
        image = api.ok(
            "POST",
            f"{IMAGE}/images",
            {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "shared"},
        )["id"]
        api.ok("PUT", f"{COMPUTE}/servers/{self.server}/metadata", {"metadata": {"kept": "yes"}})
        member = self.things.demo.token and self.things.demo.project_id
        api.ok("POST", f"{IMAGE}/images/{image}/members", {"member": member})
        taken = api.ok("POST", f"{COMPUTE}/servers/{self.server}/action", {"createImage": {"name": name}})["image_id"]
        server = {
            "image": taken,
            "id": self.server,
            "port": nic,
            "kind": "vnc",
            "verb": "stop",
            "flavor": "tiny",
            "who": "all",
            "link": "x",
        }
        self.of |= {
            "instances": server,
            "share": {"kind": "server", "id": self.server, "share": "x"},
            "images": {"id": image, "verb": "protect", "answer": "accepted", "member": member},
            "image-gallery-add": {"id": "debian-13"},
            "recording": {"form": "bash"},
            "key-pairs": {"id": key},
            "flavors": {"id": flavor},
            "aggregates": {"id": str(group)},
            "hosts": {"id": self.host},
            "requests": {"request_id": done},
            "default-quotas": {"id": "compute"},
        }  # fmt: skip

    def _volumes(self) -> None:
        name, api = unused("sweep"), self.api

        def whole(kind: str, **body: Any) -> str:
            path = f"{VOLUME}/{kind}s"
            id = str(self._make(path, kind, name=name, **body)["id"])
            until(lambda: api.ok("GET", f"{path}/{id}")[kind]["status"] == "available", 60, f"the {kind} is there")
            return id

        volume = whole("volume", size=1, metadata={"kept": "yes"})
        self.of["volumes"] = {"id": volume}
        self.of["volume-snapshots"] = {"id": whole("snapshot", volume_id=volume)}

    def _identity(self) -> None:
        name, api = unused("sweep"), self.api
        made = {
            kind: self._make(f"{IDENTITY}/{kind}s", kind, name=name, **more)["id"]
            for kind, more in (
                ("project", {}), ("user", {"password": "long enough 1"}), ("group", {}), ("role", {}), ("domain", {"enabled": False}),
            )
        }  # fmt: skip
        api.ask("PUT", f"{IDENTITY}/groups/{made['group']}/users/{made['user']}")
        self.me = me = api.ok("GET", f"{IDENTITY}/users?name=admin")["users"][0]["id"]
        credential = self._make(f"{IDENTITY}/credentials", "credential", user_id=me, type="cert", blob="any")
        key = self._make(f"{IDENTITY}/users/{me}/application_credentials", "application_credential", name=name)
        self.of["cloud"] = {"id": made["project"]}
        self.of |= {f"{kind}s": {"id": id, "to": "enable"} for kind, id in made.items()}
        self.of["groups"]["user"] = made["user"]
        self.of |= {
            "credentials": {"id": credential["id"]},
            "settings": {"id": credential["id"]},
            "application-credentials": {"id": key["id"]},
        }

    def _federation(self) -> None:
        name, api = unused("sweep"), self.api
        api.ok("POST", f"{IMAGE}/metadefs/namespaces", {"namespace": name})
        self.of["metadata-definitions"] = {"id": name}
        rules = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "HTTP_OIDC_SUB"}]}]
        api.ok("PUT", f"{IDENTITY}/OS-FEDERATION/mappings/{name}", {"mapping": {"rules": rules}})
        provider = f"{IDENTITY}/OS-FEDERATION/identity_providers/{name}"
        api.ok("PUT", provider, {"identity_provider": {"remote_ids": [f"https://{name}.example"]}})
        api.ok("PUT", f"{provider}/protocols/openid", {"protocol": {"mapping_id": name}})
        self.of |= {
            "identity-providers": {"id": name, "protocol": "openid", "to": "enable"},
            "mappings": {"id": name},
        }

    def _shared(self) -> None:
        """What demo shares with admin."""
        demo = self.things.demo
        network = demo.ok("POST", f"{NETWORK}/networks", {"network": {"name": unused("sweep")}})["network"]["id"]
        asked = {"object_type": "network", "object_id": network, "level": "view", "user": {"id": self.me}}
        demo.ok("POST", f"{IDENTITY}/shares", {"share": asked})
        self.of["share-give-up"] = {"kind": "network", "id": network}

    def _open_window(self) -> str:
        """A console's window: its ticket is over in minutes, and a look takes some."""
        console = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        made = self.api.ok("POST", f"{COMPUTE}/servers/{self.server}/remote-consoles", console)["remote_console"]
        return "/vnc/?" + str(made["url"]).partition("?")[2]

    def addresses(self, page: Page, url: str) -> Addresses:
        """Ask every address of the table that a part can be filled in of."""
        found = Addresses()
        self.of["audit"] = {"id": re.findall(r'href="/audit/([^"?]+)"', page.request.get(f"{url}/audit").text())[0]}
        for path in self.paths(found):
            found.ask(page, url, path)
        return found

    def paths(self, found: Addresses) -> Iterator[str]:
        from portal.urls import urlpatterns

        for one in urlpatterns:
            route = str(one.pattern)
            known = self.of.get(str(one.name)) or self.of.get(route.partition("/")[0], {})
            names = [name for name in _PART.findall(route) if name != "tab"]
            if one.name in FOREIGN:
                continue
            if missing := [name for name in names if name not in known]:
                found.faults.append(f"{route}: tests/browser/sweep.py has no {', '.join(missing)} for it")
                continue
            path = "/" + _PART.sub(lambda match, known=known: known.get(match[1], "{tab}"), route)
            path = self._open_window() if one.name == "vnc" else path
            path += f"?ids={known.get('ids') or known['id']}" if route.endswith(SEVERAL) else ""
            for tab in tabs(one.callback) if "{tab}" in path else ("",):
                yield path.replace("{tab}", tab)


def tabs(view: Any) -> list[str]:
    """The names of tabs that an address of a thing's page takes."""
    from portal.servers.detail import TABS

    declared = getattr(view.view_class, "tabs", ()) or TABS
    return [name for name, _label in declared if name]


def soon(path: str) -> bool:
    """Sorts first what is over soon: a console's ticket, and pages that ask for the password once it was given long ago."""
    return not path.startswith(("/vnc/", "/settings/security"))


# ── What is looked at ───────────────────────────────────────────────────────────────────────────────────────────────


def sideways(page: Page, width: int) -> bool:
    """Whether the page scrolls sideways at this width, once what follows a window's size has followed."""
    page.set_viewport_size({"width": width, "height": 900})
    try:
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=2000)
    except TimeoutError:
        return True
    return False


def without_exact_time(page: Page) -> list[str]:
    """The ages and times that say no exact time when one points at them."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('time:not([title])')].map(one => one.outerHTML)")
    return found


def spills(page: Page) -> bool:
    """Whether the open dialog scrolls sideways."""
    return bool(page.evaluate("(one => one.scrollWidth > one.clientWidth)(document.querySelector('#dialog'))"))


def axe(page: Page, within: str = "") -> list[str]:
    """Violations of WCAG 2.1 A and AA, as text."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(vendor.tool("axe-core/axe.min.js").read_text())
    found = page.evaluate(
        "within => axe.run(within || document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'], resultTypes: ['violations'] })",
        within,
    )
    return [
        f"{one['id']} at {one['nodes'][0]['target']}: {one['nodes'][0]['failureSummary'][:200]}"
        for one in found["violations"]
    ]


def open_dialog(page: Page, path: str) -> None:
    """Open the dialog as a link of the page does."""
    page.evaluate(
        """path => {
          const link = Object.assign(document.createElement("a"), { href: path, textContent: "open" });
          link.dataset.dialog = "";
          document.querySelector("main").append(link);
          link.click();
          link.remove();
        }""",
        path,
    )
    page.locator("#dialog #dialog-title").wait_for()


class Sheets:
    """Small pictures of pages, side by side, a few files a name."""

    columns, rows, thumb = 8, 5, 240

    def __init__(self) -> None:
        self._kept: dict[str, list[bytes]] = {}

    def take(self, page: Page, name: str) -> None:
        self._kept.setdefault(name, []).append(page.screenshot(type="jpeg", quality=60))

    def write(self) -> list[Path]:
        SHEETS.mkdir(parents=True, exist_ok=True)
        return [
            self._sheet(name, at, shots[at : at + self.columns * self.rows])
            for name, shots in self._kept.items()
            for at in range(0, len(shots), self.columns * self.rows)
        ]

    def _sheet(self, name: str, at: int, shots: list[bytes]) -> Path:
        side = self.thumb + 4
        sheet = Image.new("RGB", (self.columns * side, self.rows * side), "#808080")
        for number, shot in enumerate(shots):
            picture = Image.open(BytesIO(shot))
            picture.thumbnail((self.thumb, self.thumb))
            sheet.paste(picture, (number % self.columns * side, number // self.columns * side))
        path = SHEETS / f"{name}-{at // (self.columns * self.rows) + 1}.png"
        sheet.quantize(256).save(path)
        return path
