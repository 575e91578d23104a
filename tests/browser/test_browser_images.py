"""Images: docs/acceptance/images.tsv walked, each effect read back through the API as the same user.

In `make test` one action a panel is walked; the whole walks are slow.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.imagewalk import DISK, SHA256, ImageWalk, Site, site
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.rest import COMPUTE, IMAGE, Rest, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def images(walk: Callable[..., Walk], fake_cloud: LiveCloud) -> Callable[..., ImageWalk]:
    """`images("demo")` is a walk of the panel as that user."""
    return lambda walked, account="demo": ImageWalk(walked, Rest(fake_cloud, account))


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as found:
        yield found


def test_an_image_is_made_of_a_file(
    walk: Callable[..., Walk], images: Callable[..., ImageWalk], tmp_path: Path
) -> None:
    i = images(walk("images", "demo", table="images", expects=("400 (Bad Request)",)))
    _refused(i, "i-wrong", tmp_path)
    id = _upload(i, "i-quick", tmp_path)
    assert i.rest.ask("DELETE", f"{IMAGE}/images/{id}").status == 204


def _refused(i: ImageWalk, name: str, folder: Path) -> None:
    """Bytes of another format are refused, and no empty image stays of the try."""
    i.w.open("images/create")
    i.fill(name=name, disk_format="qcow2")
    path = folder / "no.qcow2"
    path.write_bytes(DISK)
    i.page.set_input_files("#file", path)
    i.page.select_option("#id_disk_format", "qcow2")
    i.page.click("[data-action=submit]")
    expect(i.page.locator("[data-upload-error]")).to_contain_text("qcow2", timeout=20_000)
    until(lambda: i.named(name) == [], 20, "what was refused is gone")


def _upload(i: ImageWalk, name: str, folder: Path) -> str:
    """Every field of a file's image; the first try has no file, the second is public, which demo may not make."""
    page, w = i.page, i.w
    kernel, ramdisk = (i.make(f"{name}-{kind}", disk_format=kind, container_format=kind) for kind in ("aki", "ari"))
    w.open("images/create")
    i.fill(
        name=name, description="Of the shop", disk_format="raw", visibility="public", min_disk="2", min_ram="128",
        architecture="aarch64", kernel_id=kernel, ramdisk_id=ramdisk, metadata="os_distro=debian\nteam=shop",
    )  # fmt: skip
    page.locator("label[data-action=step][data-id=about]").click()
    page.locator("#id_protected").check()
    page.click("[data-action=submit]")
    expect(page.locator("[data-upload-error]")).to_contain_text("Choose a file, or give an address.")
    path = folder / "disk.raw"
    path.write_bytes(DISK)
    page.set_input_files("#file", path)
    page.click("[data-action=submit]")
    expect(page.locator("[data-upload-error]")).to_contain_text("not permitted to make public")
    assert page.input_value("#id_architecture") == "aarch64", "a refused form keeps what was typed"
    i.fill(visibility="shared")
    with page.expect_request(re.compile("/api/image/v2/images/.*/file")):
        page.click("[data-action=submit]")
    page.wait_for_url(re.compile(r"/images/[0-9a-f-]{36}$"))
    id = str(page.url.rpartition("/")[2])
    found = i.shown(id)
    assert (found["name"], found["status"], found["size"]) == (name, "active", len(DISK))
    assert (found["disk_format"], found["visibility"], found["protected"]) == ("raw", "shared", True)
    assert (found["min_disk"], found["min_ram"], found["architecture"]) == (2, 128, "aarch64")
    assert (found["kernel_id"], found["ramdisk_id"], found["description"]) == (kernel, ramdisk, "Of the shop")
    assert (found["os_distro"], found["team"]) == ("debian", "shop")
    w.saw("bulk action", "create")
    w.saw("progress", "upload")
    w.saw("form field", "name", "description", "source file", "format", "kernel", "ramdisk", "architecture", "min disk")
    w.saw("form field", "min RAM", "visibility", "protected", "metadata")
    i.rest.ok("PATCH", f"{IMAGE}/images/{id}", [{"op": "replace", "path": "/protected", "value": False}],
              **{"Content-Type": "application/openstack-images-v2.1-json-patch"})  # fmt: skip
    for one in (kernel, ramdisk):
        i.rest.ask("DELETE", f"{IMAGE}/images/{one}")
    return id


@pytest.mark.slow
def test_images(
    walk: Callable[..., Walk], images: Callable[..., ImageWalk], web: Site, tmp_path: Path, fake_cloud: LiveCloud
) -> None:
    i = images(walk("images", "demo", table="images"))
    operator = Rest(fake_cloud, "admin")
    id = _upload(i, "i-web", tmp_path)
    _lists(i)
    _by_address(i, web)
    _edit(i, id)
    _metadata(i, id, operator)
    _switches(i)
    _page_of_an_image(i, id)
    _shares(i, id, images(walk("images", "admin", table="images"), "admin"))
    _deletes(i)
    _gallery(i, web, fake_cloud)
    i.w.finish()


def _lists(i: ImageWalk) -> None:
    """Columns, filters and tabs."""
    w, page = i.w, i.page
    i.make("i-snap", image_type="snapshot")
    i.make("i-guarded", b"tiny", protected=True)
    i.make("i-empty", None, disk_format="qcow2", visibility="community")
    i.make("i-large", b"x" * (3 << 20))
    w.open()
    w.columns("Name", "Type", "Status", "Visibility", "Protected", "Format", "Size", "Project")
    w.saw("column", "owner", "name", "type", "status", "visibility", "protected", "disk format", "size")
    expect(w.row("i-web")).to_contain_text("demo")
    expect(w.row("i-snap")).to_have_count(0)
    w.saw("tab", "Images")
    page.click(".tabs a[href='/images/snapshots']")
    expect(w.row("i-snap")).to_contain_text("Snapshot")
    expect(w.row("i-web")).to_have_count(0)
    w.saw("tab", "Snapshots")
    i.narrowed("name", "i-we", "name", "i-web", "i-empty")
    i.narrowed("status", "queued", "status", "i-empty", "i-web")
    i.narrowed("protected", "True", "protected", "i-guarded", "i-web")
    i.narrowed("format", "qcow2", "format", "i-empty", "i-web")
    i.narrowed("least", "3", "min size", "i-large", "i-web")
    i.narrowed("most", "1", "max size", "i-guarded", "i-web")
    w.open()
    page.click("[data-field=visibility] [data-action=filter][data-id=community]")
    expect(w.row("i-empty")).to_be_visible()
    expect(w.row("i-web")).to_have_count(0)
    w.saw("filter", "visibility")


def _by_address(i: ImageWalk, web: Site) -> None:
    """From an address: one that may not be asked, one that is not there, and one with a bar."""
    w, page = i.w, i.page
    w.open("images/create")
    i.fill(name="i-far", disk_format="raw", uri="http://10.0.0.1/disk")
    page.click("[data-action=submit]")
    expect(page.locator("[data-upload-error]")).to_contain_text("not a public address")
    assert i.named("i-far") == [], "what may not be fetched leaves no image"
    i.fill(uri=f"{web.url}/nothing")
    page.click("[data-action=submit]")
    page.wait_for_url(re.compile(r"/images/[0-9a-f-]{36}$"))
    id = str(page.url.rpartition("/")[2])
    expect(page.locator("[data-card=import]")).to_contain_text("it answered 404")
    assert i.until(id, "queued")["name"] == "i-far"
    web.go.clear()
    page.click(".acts [data-action=menu]")
    page.click("#menu [data-action=import]")
    i.fill(uri="ftp://127.0.0.9/disk")
    i.refused("uri", "http or https")
    i.fill(uri=f"{web.url}/disk")
    w.submit()
    expect(page.locator("[data-card=import] svg.bar")).to_be_visible()
    expect(page.locator("[data-card=import] .num").first).to_contain_text("2")
    w.saw("row action", "import from an address")
    web.go.set()
    assert i.until(id, "active")["size"] == len(DISK)
    expect(page.locator("[data-card=import]")).to_have_count(0)
    expect(page.locator(".head .st")).to_contain_text("Active")
    w.saw("form field", "source URL")
    w.saw("progress", "import by address")


def _edit(i: ImageWalk, id: str) -> None:
    page = i.page
    i.menu_verb("i-web", "edit")
    expect(page.locator("#dialog #id_disk_format")).to_be_disabled()
    i.fill(name="i-web-2", description="", visibility="public", min_disk="3", min_ram="256", architecture="x86_64",
           kernel_id="", ramdisk_id="")  # fmt: skip
    i.refused("visibility", "not permitted to make public")
    assert page.input_value("#dialog #id_name") == "i-web-2", "a refused dialog keeps what was typed"
    i.fill(visibility="shared")
    page.locator("#dialog #id_protected").check()
    i.w.submit()
    expect(i.w.row("i-web-2")).to_be_visible()
    found = i.shown(id)
    assert (found["name"], found["visibility"], found["protected"]) == ("i-web-2", "shared", True)
    assert (found["min_disk"], found["min_ram"], found["architecture"]) == (3, 256, "x86_64")
    assert not {"description", "kernel_id", "ramdisk_id"} & found.keys()
    i.w.saw("row action", "edit")
    i.w.saw("form field", *(f"edit: {name}" for name in ("name", "description", "kernel", "ramdisk", "architecture")))
    i.w.saw("form field", *(f"edit: {name}" for name in ("min disk", "min RAM", "visibility", "protected")))
    i.menu_verb("i-empty", "edit")
    i.fill(disk_format="vmdk")
    i.w.submit()
    expect(i.w.row("i-empty")).to_contain_text("vmdk")
    assert i.named("i-empty")[0]["disk_format"] == "vmdk"
    i.w.saw("form field", "edit: format")


def _metadata(i: ImageWalk, id: str, operator: Rest) -> None:
    """A key of one's own, and one that a definition knows and holds its value against."""
    space = {
        "namespace": "walk", "display_name": "Of the walk", "visibility": "public",
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
        "properties": {"colour": {"title": "Colour", "type": "string", "enum": ["red", "blue"]}},
    }  # fmt: skip
    operator.ok("POST", f"{IMAGE}/metadefs/namespaces", space)
    i.menu_verb("i-web-2", "metadata")
    i.fill(properties="no equals sign")
    i.refused("properties", "name=value")
    i.fill(properties="team=bakery\nos_distro=debian", known="hw_colour", value="green")
    i.refused("value", "red, blue")
    i.fill(value="blue")
    i.w.submit()
    i.page.wait_for_function("() => !document.querySelector('#dialog[open]')")
    found = i.shown(id)
    assert (found["team"], found["os_distro"], found["hw_colour"]) == ("bakery", "debian", "blue")
    assert "architecture" not in found, "what was taken away is removed"
    i.w.saw("row action", "update metadata")
    i.w.saw("form field", "metadata: custom key", "metadata: definition")
    operator.ok("DELETE", f"{IMAGE}/metadefs/namespaces/walk")


def _switches(i: ImageWalk) -> None:
    """Off and on again; launching from what is off is greyed with the reason."""
    page, w = i.page, i.w
    i.menu_verb("i-large", "deactivate")
    expect(w.row("i-large")).to_have_attribute("data-status", "deactivated")
    assert i.named("i-large")[0]["status"] == "deactivated"
    w.saw("row action", "deactivate")
    w.row("i-large").locator("[data-menu]").click()
    expect(page.locator("#menu [data-action=launch]")).to_have_attribute("data-why", re.compile("Deactivated"))
    page.click("#menu [data-action=reactivate]")
    expect(w.row("i-large")).to_have_attribute("data-status", "active")
    assert i.named("i-large")[0]["status"] == "active"
    w.saw("row action", "reactivate")
    demo = next(one for one in i.named("demo") if one["visibility"] == "public")
    w.open()
    w.menu("demo", "launch")
    page.wait_for_url(f"**/instances/launch?image={demo['id']}")
    expect(page.locator("[name=image]:checked")).to_have_value(demo["id"])
    w.saw("row action", "launch")


def _page_of_an_image(i: ImageWalk, id: str) -> None:
    page, w = i.page, i.w
    demo = next(one for one in i.named("demo") if one["visibility"] == "public")
    server = i.rest.boot("i-server")
    i.rest.until(server, "ACTIVE")
    w.open(f"images/{id}")
    expect(page.locator("[data-card=details]")).to_contain_text("256 MiB")
    w.saw("tab of an image", "overview")
    page.click(".tabs [data-tab=properties]")
    expect(page.locator("[data-card=properties]")).to_contain_text("bakery")
    w.saw("tab of an image", "properties")
    w.open(f"images/{demo['id']}/instances")
    expect(w.row("i-server")).to_contain_text("Active")
    w.saw("tab of an image", "instances")
    i.rest.ask("DELETE", f"{COMPUTE}/servers/{server}")


def _shares(i: ImageWalk, id: str, other: ImageWalk) -> None:
    """Offered to another project, which accepts and rejects it; taken back."""
    page, w = i.page, i.w
    _ = other.rest.token
    w.open(f"images/{id}/members")
    page.click("[data-card=members] [data-action=add-member]")
    i.fill(project=other.rest.project_id)
    w.submit()
    expect(page.locator("[data-card=members] tbody tr")).to_contain_text("Not answered")
    members = i.rest.ok("GET", f"{IMAGE}/images/{id}/members")["members"]
    assert [(one["member_id"], one["status"]) for one in members] == [(other.rest.project_id, "pending")]
    w.saw("member action", "add")
    w.saw("tab of an image", "members")
    page.click("[data-card=members] [data-action=add-member]")
    i.fill(project=other.rest.project_id)
    i.refused("project", "duplicated")
    for answer, verb, seen, now in (
        ("accepted", "Accepted", 1, "accept a share"),
        ("rejected", "Rejected", 0, "reject a share"),
    ):
        other.w.open("images/shared")
        expect(other.w.row("i-web-2")).to_be_visible()
        other.w.menu("i-web-2", answer)
        expect(other.w.row("i-web-2")).to_contain_text(verb)
        assert i.rest.ok("GET", f"{IMAGE}/images/{id}/members")["members"][0]["status"] == answer
        other.w.open()
        expect(other.w.row("i-web-2")).to_have_count(seen)
        w.saw("row action", now)
    w.saw("tab", "Shared with me")
    w.open(f"images/{id}/members")
    page.locator("[data-card=members] tbody [data-menu]").click()
    page.click("#menu [data-action=remove]")
    w.confirm()
    expect(page.locator("[data-card=members] tbody tr")).to_have_count(0)
    assert i.rest.ok("GET", f"{IMAGE}/images/{id}/members")["members"] == []
    w.saw("member action", "remove")


def _deletes(i: ImageWalk) -> None:
    """A protected one is greyed, and stays where many go: the page says so of it alone."""
    page, w = i.page, i.w
    w.open()
    w.row("i-guarded").locator("[data-menu]").click()
    expect(page.locator("#menu [data-action=delete]")).to_have_attribute("data-why", re.compile("protected"))
    page.keyboard.press("Escape")
    i.menu_verb("i-far", "delete")
    w.confirm()
    expect(w.row("i-far")).to_have_count(0)
    assert i.named("i-far") == []
    w.saw("row action", "delete")
    w.open()
    for name in ("i-large", "i-guarded", "i-empty"):
        w.row(name).locator("input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    w.confirm("3")
    expect(page.locator("#dialog [data-results] li[data-done=no]")).to_contain_text(
        "is protected and cannot be deleted"
    )
    expect(page.locator("#dialog [data-results] li[data-done=yes]")).to_have_count(2)
    page.click("#dialog [data-action=done]")
    page.wait_for_url("**/images")
    assert (i.named("i-large"), i.named("i-empty"), len(i.named("i-guarded"))) == ([], [], 1)
    w.saw("bulk action", "delete")


def _gallery(i: ImageWalk, web: Site, cloud: LiveCloud) -> None:
    """I13: cards from our list and the operator's; the right bytes become an image, wrong ones leave nothing."""
    page, w = i.page, i.w
    table = '[{0}]\nname = "{0}"\nurl = "{1}/disk"\nformat = "raw"\nsha256 = "{2}"\nlogin = "me"\n'
    offers = {"walk-sums": f"{web.url}/sums", "walk-wrong": f"{web.url}/wrong", "walk-digest": SHA256}
    (cloud.data / "gallery.toml").write_text("".join(table.format(key, web.url, sha) for key, sha in offers.items()))
    w.open()
    page.click("[data-action=gallery]")
    for name in ("Debian 12", "Ubuntu 24.04", "Alpine", "Fedora", "CirrOS"):
        expect(page.locator("[data-card] h2", has_text=name)).to_be_visible()
    w.saw("gallery", "card", "operator's list")
    web.go.clear()
    page.click("[data-action=add][data-id=walk-sums]")
    expect(page.locator("[data-card=walk-sums] svg.bar")).to_be_visible()
    expect(page.locator("[data-action=add][data-id=walk-sums]")).to_have_attribute("data-why", "It is being added")
    assert i.named("walk-sums")[0]["status"] == "importing"
    web.go.set()
    expect(page.locator("[data-card=walk-sums] a")).to_have_text("Open the image")
    found = i.named("walk-sums")[0]
    assert (found["status"], found["size"], found["visibility"], found["os_admin_user"]) == (
        "active", len(DISK), "private", "me",
    )  # fmt: skip
    w.saw("gallery", "add", "checksum")
    page.click("[data-action=add][data-id=walk-wrong]")
    expect(page.locator("[data-card=walk-wrong] [role=status]")).to_contain_text("not 1111111111111111")
    assert i.named("walk-wrong") == [], "nothing half-made stays"
    w.saw("gallery", "mismatch")


@pytest.mark.slow
def test_the_images_of_all_projects(
    walk: Callable[..., Walk], images: Callable[..., ImageWalk], fake_cloud: LiveCloud
) -> None:
    a = images(walk("all-images", "admin", table="images"), "admin")
    demo = ImageWalk(a.w, Rest(fake_cloud, "demo"))
    id, snapshot = demo.make("a-theirs", b"x" * (3 << 20)), demo.make("a-snap", image_type="snapshot")
    a.make("a-own", None, disk_format="qcow2")
    a.w.open()
    a.w.columns("Name", "Project", "Type", "Status", "Visibility", "Protected", "Format", "Size")
    a.w.saw("column", "project", "name", "type", "status", "visibility", "protected", "disk format", "size")
    expect(a.w.row("a-theirs")).to_contain_text("another project's own")
    expect(a.w.row("a-own")).not_to_contain_text("another project's own")
    expect(a.w.row("a-snap")).to_contain_text("Snapshot")
    a.w.saw("mark", "private image of another project")
    for field, value, name, row, other in (
        ("project", "demo", "project", "a-theirs", "a-own"), ("name", "a-the", "name", "a-theirs", "a-own"),
        ("status", "queued", "status", "a-own", "a-theirs"), ("format", "qcow2", "format", "a-own", "a-theirs"),
        ("least", "3", "min size", "a-theirs", "a-snap"), ("most", "1", "max size", "a-snap", "a-theirs"),
    ):  # fmt: skip
        a.narrowed(field, value, name, row, other)
    a.menu_verb("a-theirs", "edit")
    a.fill(min_ram="-1")
    a.refused("min_ram", "0")
    a.fill(min_ram="64", name="a-ours")
    a.w.submit()
    expect(a.w.row("a-ours")).to_be_visible()
    assert (a.shown(id)["name"], a.shown(id)["min_ram"]) == ("a-ours", 64)
    a.w.saw("row action", "edit")
    a.menu_verb("a-ours", "metadata")
    a.fill(properties="seen=yes")
    a.w.submit()
    a.page.wait_for_function("() => !document.querySelector('#dialog[open]')")
    assert a.shown(id)["seen"] == "yes"
    a.w.saw("row action", "update metadata")
    a.menu_verb("a-snap", "delete")
    a.w.confirm()
    expect(a.w.row("a-snap")).to_have_count(0)
    assert a.rest.ask("GET", f"{IMAGE}/images/{snapshot}").status == 404
    a.w.saw("row action", "delete")
    delete_several(a.w, "a-ours", "a-own")
    assert a.named("a-ours") == []
    a.w.finish()


def test_others_have_no_list_of_all_images(fake_cloud: LiveCloud, enter: Enter) -> None:
    """The panel's refusal, without the slow walk."""
    page: Page = enter(fake_cloud, "demo", expects=("403",))
    page.goto(f"{fake_cloud.url}/all-images")
    expect(page.locator("h1")).to_have_text("Not allowed")
