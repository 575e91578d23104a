"""What every list does (I11 of the review of the portal): pages, views, several at once, columns, files; and how it is sent."""

import csv
import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from audit.models import Event
from compute.keypairs import services as keypairs
from compute.keypairs.models import KeyPair
from compute.servers.models import Server
from identity.models import Project, User
from portal.session.views_kept import MOST
from portal.templatetags.lists import pages_near
from portal.ui.tables import Filter, Pager, chosen
from tests.portal.conftest import enter

HX = {"HTTP_HX_REQUEST": "true"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlr1GzVWwmhBw7pjcrqvGzPDBwFTTTUHnEtbrIe2hDq me@laptop"


@pytest.fixture
def pairs(demo: Client) -> list[str]:
    """45 key pairs of demo."""
    names = [f"pair-{number:02}" for number in range(45)]
    user = User.objects.get(name="demo")
    KeyPair.objects.bulk_create(
        KeyPair(user_id=user.pk, name=name, public_key=KEY, fingerprint=f"aa:{name}", type="ssh") for name in names
    )
    return names


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, **headers)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def shown(html: str) -> list[str]:
    import re

    return re.findall(r'<tr data-id="([^"]*)"', html)


def test_pages_have_numbers_and_a_size_that_the_address_says(demo: Client, pairs: list[str]) -> None:
    """I11: page numbers and page size; a size that is none of those offered is the reader's own."""
    html = text(demo, "/key-pairs?size=20&page=2")
    assert shown(html) == pairs[20:40]
    assert 'href="?size=20&amp;page=3"' in html and 'aria-current="page">2<' in html
    assert 'data-action="page-size"' in html and 'href="?size=100"' in html
    assert len(shown(text(demo, "/key-pairs?size=7"))) == 40
    assert pages_near(1, 3) == [1, 2, 3]
    assert pages_near(10, 20) == [1, 0, 8, 9, 10, 11, 12, 0, 20]
    assert Pager(3, 20).context(45) == {"total": 45, "number": 3, "pages": 3, "past": 0, "size": 20}


def test_a_view_is_kept_for_its_list_and_its_address_is_anyones(demo: Client, pairs: list[str], admin: Client) -> None:
    """I11: saved views, per user and list."""
    asked = {
        "of": "key-pairs",
        "name": "  the  ones ",
        "query": "q=pair-1&size=20&page=2&format=csv",
        "next": "/key-pairs",
    }
    assert demo.post("/views", asked).headers["Location"] == "/key-pairs"
    html = text(demo, "/key-pairs")
    assert 'href="?q=pair-1&amp;size=20"' in html and "the ones" in html
    assert "the ones" not in text(demo, "/security-groups") and "the ones" not in text(admin, "/key-pairs")
    assert shown(text(demo, "/key-pairs?q=pair-1&size=20")) == pairs[10:20]
    demo.post("/views", {**asked, "name": "the ones", "query": "q=pair-2"})
    assert text(demo, "/key-pairs").count('data-action="view"') == 1
    demo.post("/views", {"of": "key-pairs", "forget": "the ones", "next": "/key-pairs"})
    assert "the ones" not in text(demo, "/key-pairs")


def test_views_are_bounded_and_lead_nowhere_else(demo: Client) -> None:
    for number in range(MOST):
        demo.post("/views", {"of": "networks", "name": f"v-{number}", "query": ""})
    answer = demo.post("/views", {"of": "networks", "name": "one more", "query": ""})
    assert answer.status_code == 409 and f"keeps {MOST} views" in answer.content.decode()
    assert demo.post("/views", {"of": "routers", "name": "", "query": ""}).status_code == 400
    assert demo.post("/views", {"of": "routers", "name": "y", "query": "q=" + "y" * 1001}).status_code == 400
    assert (
        demo.post("/views", {"of": "routers", "name": "y", "next": "https://elsewhere.example/"}).headers["Location"]
        == "/"
    )


def test_several_are_deleted_and_each_that_stays_says_why(
    demo: Client, pairs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I11: bulk delete, a result per item: what refuses stays, what does not goes."""
    assert 'data-bulk-dialog="/key-pairs/-/delete-several?ids="' in text(demo, "/key-pairs")
    one, other = pairs[:2]
    path = f"/key-pairs/-/delete-several?ids={one},{other}"
    real = keypairs.delete

    def refuses(actor: Any, name: str, **more: Any) -> None:
        if name == one:
            raise keypairs.KeyPairNotFound(name=name)
        real(actor, name=name, **more)

    monkeypatch.setattr(keypairs, "delete", refuses)
    answer = demo.post(path, {"typed": "2"}, **HX)  # type: ignore[arg-type]
    html = answer.content.decode()
    assert answer.status_code == 200 and "1 of 2 deleted" in html
    assert html.count('data-done="yes"') == 1 and html.count('data-done="no"') == 1
    assert set(KeyPair.objects.values_list("name", flat=True)) == set(pairs) - {other}
    monkeypatch.setattr(keypairs, "delete", real)
    answer = demo.post(f"/key-pairs/-/delete-several?ids={one},{pairs[2]}", {"typed": "2"}, **HX)  # type: ignore[arg-type]
    assert answer.headers["HX-Redirect"] == "/key-pairs"
    assert set(KeyPair.objects.values_list("name", flat=True)) == set(pairs[3:])


def test_columns_of_instances_are_chosen(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    """I11: columns on Instances; a row that is sent again has the same ones."""
    (row,) = make_servers(1)
    html = text(demo, "/instances")
    assert "Flavor" in html and "128 MiB" in html and 'value="flavor" checked' in html
    assert 'value="host"' not in html
    shown = ["status", "fixed-ip", "floating-ip", "image", "cpu"]
    asked = {"of": "instances", "all": " ".join([*shown, "flavor", "age"]), "shown": shown, "next": "/instances"}
    demo.post("/columns", asked)
    for path in ("/instances", f"/instances?rows={row.pk}"):
        html = demo.get(path, headers={"HX-Request": "true"} if "rows" in path else {}).content.decode()
        assert row.name in html and "128 MiB" not in html and "<time" not in html and "data-spark" in html


def test_a_file_holds_no_formula_and_says_when_it_is_cut(
    demo: Client, make_servers: Callable[..., list[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I11: CSV of what is filtered; a spreadsheet takes a name for text, also one of full-width signs."""
    for name in ("=1+1", "＝1+1", "+31", "@x", "plain", "a;=1+1", "b; ＋1", "c\td"):
        make_servers(1, name=name)
    answer = demo.get("/instances?format=csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    texts = {"'=1+1", "'＝1+1", "+31", "'@x", "plain", "a;'=1+1", "b; '＋1", "c\td"}
    assert {row[0] for row in rows[1:]} == texts, "a spreadsheet may take a semicolon for the end of a cell"
    assert len(list(csv.reader(io.StringIO(demo.get("/instances?format=csv&q=plain").content.decode())))) == 2
    assert 'filename="instances.csv"' in answer.headers["Content-Disposition"]
    monkeypatch.setattr("portal.ui.tables.MOST", 3)
    cut = demo.get("/instances?format=csv")
    assert 'filename="instances-first-3.csv"' in cut.headers["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(cut.content.decode())))
    assert len(lines) == 5 and lines[-1] == ["The list goes on: only its first 3 lines are here. Narrow it for others."]


@pytest.mark.parametrize(("path", "name"), [("/activity", "activity"), ("/audit", "audit")])
def test_a_file_of_records_says_when_it_is_cut(
    admin: Client, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    """And is not called cut where it has just as many as a file may have."""
    project = Project.objects.get(name="admin", is_domain=False).pk
    values = {
        "action": "update",
        "outcome": "success",
        "target_type": "service/network/networks",
        "project_id": project,
    }
    Event.objects.write([Event(target_id="n", **values) for _ in range(4)])
    for most, named in ((4, f'filename="{name}.csv"'), (3, f'filename="{name}-first-3.csv"')):
        monkeypatch.setattr("portal.ui.tables.MOST", most)
        answer = admin.get(f"{path}?format=csv&object=n&q=n")
        assert named in answer.headers["Content-Disposition"]


def test_a_filter_by_what_no_choice_is_narrows_nothing(demo: Client) -> None:
    """An address that somebody typed: no chip without a word; small letters are as good as capitals."""
    one = Filter("state", "State", choices=(("ACTIVE", "Active"), ("ERROR", "Error")))
    asked = {text: one.read(QueryDict(f"state={text}")) for text in ("active", "ACTIVE", "zarquon", "")}
    assert asked == {"active": "ACTIVE", "ACTIVE": "ACTIVE", "zarquon": "", "": ""}
    assert [part["value"] for part in chosen([one], QueryDict("state=zarquon"))] == [""]
    assert (
        "data-field"
        not in text(demo, "/images?status=zarquon").partition('<form class="filters"')[2].split("</form>")[0]
    )


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/views", {"of": "networks", "name": "a\0b", "query": ""}),
        ("/instances/launch/templates", {"template_name": "a\0b"}),
        ("/instances/launch/snippets", {"snippet_name": "a", "user_data": "x\0"}),
        ("/instances/launch/draft", {"name": "a\0"}),
        ("/columns", {"of": "networks", "all": "a\0 b", "shown": "b"}),
        ("/sign-in", {"username": "a\0", "password": "b"}),
        ("/networks/create", {"name": "a\0"}),
    ],
)
def test_a_nul_that_is_sent_is_refused_with_a_sentence(demo: Client, path: str, fields: dict[str, str]) -> None:
    answer = demo.post(path, fields)
    assert answer.status_code == 400 and "(NUL)" in answer.content.decode()


def test_pages_go_compressed_and_secrets_do_not(demo: Client, pairs: list[str]) -> None:
    """HTML is compressed with random bytes; what holds a secret, and the APIs, are not."""
    asks = {"HTTP_ACCEPT_ENCODING": "gzip"}
    sizes = set()
    for _ in range(6):
        answer = demo.get("/key-pairs", **asks)  # type: ignore[arg-type]
        assert answer.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer.headers["Vary"]
        sizes.add(len(answer.content))
        assert b"pair-00" in gzip.decompress(answer.content)
    assert len(sizes) > 1, "each answer has as many random bytes"
    made = demo.post("/key-pairs/-/create", {"name": "mine", "public_key": ""}, **asks)  # type: ignore[arg-type]
    assert b"PRIVATE KEY" in made.content and "no-transform" in made.headers["Cache-Control"]
    for path in ("/settings/credentials", "/settings/security/app", "/api/identity/v3"):
        answer = demo.get(path, **asks)  # type: ignore[arg-type]
        assert answer.status_code == 200 and "Content-Encoding" not in answer.headers, path


def test_a_menu_is_a_page_where_no_script_asks(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    """Without scripts the dots of a row lead to its verbs, and a verb leads back."""
    (row,) = make_servers(1)
    html = text(demo, "/instances")
    assert f'href="/instances/{row.pk}?menu=1"' in html
    menu = text(demo, f"/instances/{row.pk}?menu=1")
    assert "<html" in menu and f'action="/instances/{row.pk}/do/stop"' in menu and "csrfmiddlewaretoken" in menu
    assert "<html" not in text(demo, f"/instances/{row.pk}?menu=1", **HX)
    answer = demo.post(f"/instances/{row.pk}/do/stop", HTTP_REFERER="http://testserver/instances?q=w")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/instances?q=w")
    answer = demo.post(f"/instances/{row.pk}/do/lock", HTTP_REFERER="https://elsewhere.example/instances")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("address", ["/views", "/columns"])
def test_what_is_no_list_keeps_nothing(demo: Client, address: str) -> None:
    assert demo.post(address, {"of": "invented", "name": "a", "query": "q=a", "all": "x"}).status_code == 400
    assert User.objects.get(name="demo").settings.get("views") in (None, {})


def test_views_of_two_sessions_stay(demo: Client) -> None:
    other = enter("demo")
    for client, name in ((demo, "one"), (other, "two")):
        client.post("/views", {"of": "instances", "name": name, "query": "q=a", "next": "/instances"})
    kept = User.objects.get(name="demo").settings["views"]["instances"]
    assert [name for name, _query in kept] == ["one", "two"]
