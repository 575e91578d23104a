"""Cases that users of other clouds reported, the image service's part."""

import re
import struct
from collections.abc import Callable

import pytest

from images import inspection
from tests.images.conftest import Client

pytestmark = [pytest.mark.django_db, pytest.mark.process]


def fixed_vhd(size: int = 1 << 20) -> bytes:
    """A fixed VHD: the bytes of the disk, then its footer."""
    footer = bytearray(512)
    footer[:8] = b"conectix"
    struct.pack_into(">IIQ", footer, 8, 2, 0x10000, 0xFFFFFFFFFFFFFFFF)
    footer[28:32] = b"win "  # Hyper-V: QEMU then takes the size as written, not as cylinders make it
    struct.pack_into(">QQ", footer, 40, size, size)
    struct.pack_into(">HBBI", footer, 56, 30, 4, 17, 2)
    struct.pack_into(">I", footer, 64, ~sum(footer) & 0xFFFFFFFF)
    return bytes(size) + bytes(footer)


def test_a_fixed_vhd_is_taken_for_what_it_is(red: Client) -> None:
    """Case 41: as Azure and Hyper-V write it; as raw it is refused with the format to choose."""
    image = red.create(disk_format="vhd")
    assert red.upload(image["id"], fixed_vhd()).status_code == 204
    assert red.show(image["id"])["virtual_size"] == 1 << 20
    other = red.create(disk_format="raw")
    answer = red.upload(other["id"], fixed_vhd())
    assert answer.status_code == 400 and "disk format vhd" in answer.json()["message"]
    for broken in (fixed_vhd()[512:], fixed_vhd()[:-1], fixed_vhd()[:-440] + b"\1" + fixed_vhd()[-439:]):
        assert red.upload(red.create(disk_format="vhd")["id"], broken).status_code == 400


def test_the_end_of_a_file_excuses_nothing_at_its_beginning(red: Client, disk: Callable[..., bytes]) -> None:
    """Case 41: a qcow2 that refers to another file stays refused with a VHD's footer behind it, whatever it claims."""
    chain = disk("qcow2", "-u", "-b", "/etc/passwd", "-F", "raw")
    size = len(chain)
    content = chain + fixed_vhd(size)[size:]
    for claimed in ("vhd", "qcow2", "raw"):
        assert red.upload(red.create(disk_format=claimed)["id"], content).status_code == 400, claimed


def test_a_qcow2_with_extended_l2_entries_is_taken(red: Client, disk: Callable[..., bytes]) -> None:
    """Case 42: QEMU boots it. A bit that nobody knows is refused."""
    content = disk("qcow2", "-o", "extended_l2=on,cluster_size=128k")
    image = red.create(disk_format="qcow2")
    answer = red.upload(image["id"], content)
    assert answer.status_code == 204, answer.content
    for bit in (2, 5, 9, 63):
        bits = struct.unpack(">Q", content[72:80])[0] | 1 << bit
        strange = content[:72] + struct.pack(">Q", bits) + content[80:]
        assert red.upload(red.create(disk_format="qcow2")["id"], strange).status_code == 400, bit


def test_a_hint_names_only_formats_that_can_be_chosen(red: Client) -> None:
    """Case 21: LUKS is none of them."""
    luks = b"LUKS\xba\xbe\x00\x01" + bytes(4096)
    answer = red.upload(red.create(disk_format="raw")["id"], luks)
    assert answer.status_code == 400
    assert "disk format luks" not in answer.json()["message"] and "qemu-img convert" in answer.json()["message"]
    for name in ("luks", "qed", "gpt", "bochs"):
        assert isinstance(inspection._wrong("raw", name), inspection.ForeignFormat)
    for name in ("qcow2", "vpc", "vhdx", "vmdk"):
        assert isinstance(inspection._wrong("raw", name), inspection.WrongFormat)


@pytest.mark.parametrize("accept", ["*/*", "text/html", None, "text/html, application/json;q=0.5"])
def test_faults_are_html_where_no_json_is_asked(red: Client, accept: str | None) -> None:
    """Case 43: Glance's older clients read a JSON fault as objects of objects and crash."""
    headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    if accept is None:
        red.defaults.pop("HTTP_ACCEPT")
    answer = red.ask("get", "images/nothing", **headers)
    assert answer.status_code == 404 and answer["Content-Type"].startswith("text/html")
    # as python-glanceclient reads it
    lines = [re.sub(r"<.+?>", "", line.strip()) for line in answer.content.decode().splitlines()]
    assert ": ".join(dict.fromkeys(line for line in lines if line)) == ("404 Not Found: No image found with ID nothing")
    assert answer["X-Openstack-Request-Id"]
    hostile = red.ask("get", "images/<script>", **headers)
    assert b"<script>" not in hostile.content


def test_faults_are_json_or_text_where_that_is_asked(red: Client) -> None:
    """Case 43: {message, code, title} when JSON is asked for, plain text for anything else."""
    json = red.ask("get", "images/nothing", HTTP_ACCEPT="application/json")
    assert json.json() == {"message": "No image found with ID nothing", "code": "404 Not Found", "title": "Not Found"}
    text = red.ask("get", "images/nothing", HTTP_ACCEPT="image/png")
    assert text["Content-Type"].startswith("text/plain") and b"No image found" in text.content
    gone = red.get("/api/image/v2/nothing-like-it", HTTP_ACCEPT="*/*")
    assert gone.status_code == 404 and gone["Content-Type"].startswith("text/html")


def test_times_are_found_as_they_are_shown(red: Client) -> None:
    """Case 31: each comparison is of whole seconds."""
    from datetime import UTC, datetime

    from images.images.models import Image

    for name, second in (("a", 5), ("b", 6)):
        id = red.create(name=name)["id"]
        Image.objects.filter(id=id).update(created_at=datetime(2026, 1, 2, 3, 4, second, 500_000, UTC))

    def names(query: str) -> list[str]:
        return sorted(row["name"] for row in red.ask("get", f"images?{query}").json()["images"])

    first = "2026-01-02T03:04:05Z"
    assert red.show(Image.objects.get(name="a").id)["created_at"] == first
    assert names(f"created_at=eq:{first}") == names(f"created_at={first}") == names(f"created_at=lte:{first}") == ["a"]
    assert names(f"created_at=gt:{first}") == names(f"created_at=neq:{first}") == ["b"]
    assert names(f"created_at=gte:{first}") == ["a", "b"] and names(f"created_at=lt:{first}") == []


def test_stores_and_quotas_are_told(red: Client, admin: Client) -> None:
    """Case 32, sibling: routes of Glance's reference up to the version that is advertised."""
    assert admin.ask("get", "info/stores/detail").json()["stores"][0]["type"] == "file"
    assert red.ask("get", "info/stores/detail").status_code == 403
    before = red.ask("get", "info/usage").json()["usage"]["image_count_total"]
    image = red.create()
    after = red.ask("get", "info/usage").json()["usage"]["image_count_total"]
    assert after == {"limit": before["limit"], "usage": before["usage"] + 1}
    assert red.ask("delete", f"stores/file/{image['id']}").status_code == 409, "it has no data"
    red.upload(image["id"], b"x" * 512)
    assert red.ask("delete", f"stores/file/{image['id']}").status_code == 403, "it is the only copy"
    assert red.ask("delete", f"stores/other/{image['id']}").status_code == 404
    assert red.show(image["id"])["status"] == "active"
