"""Signing in as people do: with a code, a key, a passkey; and again, in the middle of a form."""

import json
import re
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.identity.oidc_peer import CLIENT, SECRET, Peer
from tests.identity.oidc_peer import PASSWORD as PEERS_PASSWORD
from tests.live import LiveCloud
from tests.totp import code_of

FEDERATION = "/OS-FEDERATION"
People = Callable[[str], tuple[str, str]]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Admin:
    """The identity API as the cloud's administrator: the `openstack` client would take seconds for each of these."""

    def __init__(self, cloud: LiveCloud) -> None:
        self.base = f"{cloud.url}/api/identity/v3"
        user = {"name": "admin", "domain": {"id": "default"}, "password": cloud.password("admin")}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        with self._ask("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}}) as answer:
            self.token = answer.headers["X-Subject-Token"]
        self.demo = self.call("GET", "/projects?name=demo&domain_id=default")["projects"][0]["id"]
        self.member = self.call("GET", "/roles?name=member")["roles"][0]["id"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", "X-Auth-Token": getattr(self, "token", "")}
        headers = {name: value for name, value in headers.items() if value}
        return urllib.request.urlopen(
            urllib.request.Request(self.base + path, data, headers, method=method), timeout=20
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        with self._ask(method, path, body) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture(scope="module")
def admin(fake_cloud: LiveCloud) -> Admin:
    return Admin(fake_cloud)


@pytest.fixture(scope="module")
def people(admin: Admin) -> Iterator[People]:
    """`people("ann")` is a member of project demo with a password of her own."""
    made: list[str] = []

    def make(name: str) -> tuple[str, str]:
        password = f"{name}'s own password"
        body = {"name": name, "password": password, "default_project_id": admin.demo}
        made.append(admin.call("POST", "/users", {"user": body})["user"]["id"])
        admin.call("PUT", f"/projects/{admin.demo}/users/{made[-1]}/roles/{admin.member}")
        return name, password

    yield make
    for user_id in made:
        admin.call("DELETE", f"/users/{user_id}")


@pytest.fixture
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def at_localhost(cloud: LiveCloud) -> str:
    """A relying party has a name, so keys work at localhost and not at 127.0.0.1."""
    return f"http://localhost:{cloud.port}"


def sign_in(page: Page, url: str, name: str, password: str, path: str = "/") -> None:
    page.goto(f"{url}/sign-in?next={path}")
    page.fill("#u", name)
    page.fill("#p", password)
    page.click("[data-action=sign-in]")


def sign_out(page: Page) -> None:
    page.click("[data-action=account]")
    page.click("[data-action=sign-out]")
    page.wait_for_url("**/sign-in")


def authenticator(page: Page) -> Any:
    """A key that is always there and lets its user in: Chromium's own, by its debugging protocol."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    line.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return line


def codes_shown(page: Page) -> list[str]:
    codes = page.locator("#dialog .codes li")
    expect(codes).to_have_count(10)
    found = codes.all_inner_texts()
    page.click("#dialog [data-action=done]")
    page.wait_for_url("**/settings/security")
    return found


def set_up_app(page: Page, url: str) -> tuple[str, list[str]]:
    """The secret as the page shows it, and the recovery codes."""
    page.goto(f"{url}/settings/security")
    page.click("[data-action=set-up-app]")
    expect(page.locator("#dialog svg.qr path")).to_be_visible()
    secret = page.locator("#dialog [data-copy]").get_attribute("data-copy") or ""
    page.fill("#app-code", "000000" if code_of(secret) != "000000" else "000001")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog [role=alert]")).to_contain_text("does not fit")
    page.fill("#app-code", code_of(secret, steps=-1))  # each counts once: the present one is for signing in
    page.click("#dialog [data-action=submit]")
    return secret, codes_shown(page)


def test_a_code_after_the_password(fake_cloud: LiveCloud, people: People, profile: BrowserContext) -> None:
    page, (name, password) = profile.new_page(), people("ann")
    sign_in(page, fake_cloud.url, name, password)
    secret, codes = set_up_app(page, fake_cloud.url)
    expect(page.locator("[data-factor=totp][data-status=on]")).to_be_visible()
    sign_out(page)
    sign_in(page, fake_cloud.url, name, password, "/networks")
    page.fill("#code", "12345")
    page.click("[data-action=submit]")
    expect(page.locator("[role=alert]")).to_contain_text("This code is wrong")
    page.fill("#code", code_of(secret))
    page.click("[data-action=submit]")
    page.wait_for_url("**/networks")
    sign_out(page)
    sign_in(page, fake_cloud.url, name, password)
    page.fill("#code", codes[3])
    page.click("[data-action=submit]")
    page.wait_for_url(f"{fake_cloud.url}/")
    page.goto(f"{fake_cloud.url}/settings/security")
    expect(page.locator("[data-factor=recovery]")).to_contain_text("9 codes left")
    page.click("[data-action=remove-app]")
    page.fill("#dialog #id_current", "wrong")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog [role=alert]")).to_contain_text("This password is wrong.")
    page.fill("#dialog #id_current", password)
    page.click("#dialog [data-action=submit]")
    expect(page.locator("[data-factor=totp][data-status=off]")).to_be_visible()


def test_a_security_key_after_the_password_and_a_passkey_instead(
    fake_cloud: LiveCloud, people: People, profile: BrowserContext
) -> None:
    page, (name, password), url = profile.new_page(), people("ben"), at_localhost(fake_cloud)
    authenticator(page)
    sign_in(page, url, name, password)
    page.goto(f"{url}/settings/security")
    page.click("[data-action=add-key]")
    page.fill("#key-name", "Blue key")
    page.check("#dialog [name=passkey]")
    page.click("[data-action=create-key]")
    codes_shown(page)
    expect(page.locator("[data-kind=passkey]")).to_contain_text("Blue key")
    sign_out(page)
    sign_in(page, url, name, password, "/images")
    expect(page.locator("h1")).to_have_text("One more step")
    page.click("[data-action=use-key]")
    page.wait_for_url("**/images")
    sign_out(page)
    page.goto(f"{url}/sign-in?next=/routers")
    page.click("[data-action=passkey]")
    page.wait_for_url("**/routers")
    expect(page.locator("[data-action=account]")).to_have_attribute("aria-label", re.compile("ben"))


def end_session(cloud: LiveCloud, name: str) -> None:
    """The sessions of a user are over, as after two hours without use."""
    with closing(sqlite3.connect(cloud.data / "database" / "db.sqlite3", timeout=20)) as rows, rows:
        rows.execute(
            "UPDATE identity_portalsession SET expire_date = '2000-01-01 00:00:00' "
            "WHERE user_id = (SELECT id FROM identity_user WHERE name = ?)",
            [name],
        )


def send(page: Page, button: str) -> None:
    """Presses a button though the page may already, told by its socket, have laid its question over it."""
    page.locator(button).dispatch_event("click")


def test_a_session_that_ends_in_a_filled_form_loses_nothing(
    fake_cloud: LiveCloud, people: People, profile: BrowserContext
) -> None:
    page, (name, password) = profile.new_page(), people("cat")
    sign_in(page, fake_cloud.url, name, password, "/instances/launch")
    page.fill("#n", "typed-with-care")
    page.fill("textarea[name=user_data]", "#!/bin/sh\necho typed too")
    page.evaluate("window.stayed = true")
    end_session(fake_cloud, name)
    send(page, "[data-action=submit]")
    expect(page.locator("#again")).to_be_visible()
    page.fill("#again-p", "wrong")
    page.click("#again [data-action=sign-in]")
    expect(page.locator("#again [role=alert]")).to_be_visible()
    assert page.evaluate("window.stayed") is True
    page.fill("#again-p", password)
    page.click("#again [data-action=sign-in]")
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    expect(page.locator("h1")).to_contain_text("typed-with-care")
    server = page.url.rsplit("/", 1)[1]
    assert fake_cloud.openstack_json("server", "show", server)["name"] == "typed-with-care"
    fake_cloud.openstack("server", "delete", "--wait", server)


def test_a_dialog_of_an_ended_session_goes_on_where_it_was(
    fake_cloud: LiveCloud, people: People, profile: BrowserContext
) -> None:
    """htmx asks, the page asks for the password and the code, htmx asks again; the socket is back; other tabs go on."""
    page, (name, password) = profile.new_page(), people("dan")
    sign_in(page, fake_cloud.url, name, password, "/networks")
    tab = profile.new_page()
    tab.goto(f"{fake_cloud.url}/networks")
    page.bring_to_front()
    page.evaluate("window.stayed = true")
    page.click("[data-action=create]")
    page.fill("#id_name", "kept-through")
    page.fill("#id_cidr", "10.78.0.0/24")
    end_session(fake_cloud, name)
    send(page, "#dialog [data-action=submit]")
    expect(page.locator("#again")).to_be_visible()
    expect(page.locator("#id_name")).to_have_value("kept-through")
    page.fill("#again-p", password)
    page.click("#again [data-action=sign-in]")
    page.wait_for_url("**/networks/*-*")
    expect(page.locator("h1")).to_contain_text("kept-through")
    tab.bring_to_front()
    tab.click("[data-action=create]")  # this tab has the token of before
    tab.fill("#id_name", "from-the-other-tab")
    tab.fill("#id_cidr", "10.79.0.0/24")
    tab.click("#dialog [data-action=submit]")
    tab.wait_for_url("**/networks/*-*")
    for made in ("kept-through", "from-the-other-tab"):
        fake_cloud.openstack("network", "delete", made)


def test_somebody_else_there_gets_a_fresh_page(fake_cloud: LiveCloud, people: People, profile: BrowserContext) -> None:
    page, (name, password) = profile.new_page(), people("eve")
    sign_in(page, fake_cloud.url, name, password, "/instances/launch")
    page.fill("#n", "not-for-others")
    tab = profile.new_page()
    tab.goto(fake_cloud.url)
    sign_out(tab)
    sign_in(tab, fake_cloud.url, "demo", fake_cloud.password("demo"))
    tab.wait_for_url(f"{fake_cloud.url}/")
    page.bring_to_front()
    page.click("main [data-action=submit]")
    page.wait_for_url(f"{fake_cloud.url}/")
    expect(page.locator("[data-action=account]")).to_have_attribute("aria-label", re.compile("demo"))
    assert "not-for-others" not in fake_cloud.openstack("server", "list")


def test_signing_out_everywhere_reaches_an_open_page_within_a_second(
    fake_cloud: LiveCloud, people: People, chromium: Browser
) -> None:
    name, password = people("fay")
    contexts = [chromium.new_context(viewport={"width": 1440, "height": 900}) for _browser in range(2)]
    one, two = (context.new_page() for context in contexts)
    for page in (one, two):
        sign_in(page, fake_cloud.url, name, password, "/settings/security")
        page.wait_for_url("**/settings/security")
        page.wait_for_timeout(500)
    one.reload()
    expect(one.locator("[data-card=sessions] li[data-id]")).to_have_count(2)
    one.click("[data-action=sign-out-everywhere]")
    one.click("#dialog [data-action=confirm]")
    expect(two.locator("#again")).to_be_visible(timeout=2_000)  # a second, and the dialog's own request
    one.wait_for_url("**/sign-in")
    two.keyboard.press("Escape")
    expect(two.locator("#lost")).to_have_text("Signed out")
    for context in contexts:
        context.close()


@pytest.fixture
def provider(fake_cloud: LiveCloud, admin: Admin, tmp_path: Path) -> Iterator[Peer]:
    """django-allauth's own provider in a second process, known to the cloud as "Example Org"."""
    peer = Peer(tmp_path, "jwt", fake_cloud.url)
    group = admin.call("POST", "/groups", {"group": {"name": "people-of-the-peer"}})["group"]["id"]
    admin.call("PUT", f"/projects/{admin.demo}/groups/{group}/roles/{admin.member}")
    told = {"group": {"name": "people-of-the-peer", "domain": {"id": "default"}}}
    rules = [{"remote": [{"type": "preferred_username"}], "local": [{"user": {"name": "{0}"}}, told]}]
    openid = {"issuer": peer.issuer, "client_id": CLIENT, "client_secret": SECRET, "label": "Example Org"}
    known = {"enabled": True, "remote_ids": [peer.issuer], "openid": openid}
    admin.call("PUT", f"{FEDERATION}/identity_providers/peer", {"identity_provider": known})
    admin.call("PUT", f"{FEDERATION}/mappings/peer", {"mapping": {"rules": rules}})
    admin.call("PUT", f"{FEDERATION}/identity_providers/peer/protocols/openid", {"protocol": {"mapping_id": "peer"}})
    yield peer
    for path in ("identity_providers/peer/protocols/openid", "mappings/peer", "identity_providers/peer"):
        admin.call("DELETE", f"{FEDERATION}/{path}")
    admin.call("DELETE", f"/groups/{group}")
    peer.close()


def test_an_identity_provider_s_button(fake_cloud: LiveCloud, provider: Peer, profile: BrowserContext) -> None:
    page = profile.new_page()
    page.goto(f"{fake_cloud.url}/sign-in?next=/networks")
    page.click("text=Sign in with Example Org")
    page.wait_for_url(f"{provider.issuer}/**")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PEERS_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{fake_cloud.url}/networks")
    expect(page.locator("[data-action=account]")).to_have_attribute("aria-label", re.compile("alice"))
    page.goto(f"{fake_cloud.url}/settings/security")
    expect(page.locator("[data-card=factors]")).to_contain_text("an identity provider signs you in")
