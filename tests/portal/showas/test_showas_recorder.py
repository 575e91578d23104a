"""The recorder: what a session did, as a script."""

import ast
import subprocess
import tempfile
from collections.abc import Callable

import pytest
from django.test import Client

from compute.servers.models import Server
from identity.models import Role, User
from portal.showas import places, recorder, scripts
from portal.showas.places import made, secret
from portal.showas.registry import kinds
from tests.portal.conftest import enter
from tests.portal.showas.test_showas_forms import forms

FRAGMENT = {"HX-Request": "true"}


def script(client: Client, form: str = "sh") -> str:
    return client.get(f"/recording/script.{form}").content.decode()


def test_a_session_is_recorded_from_start_to_stop_and_forgotten(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    first, second, third = (server.id for server in make_servers(3))
    demo.post(f"/instances/{first}/do/lock", headers=FRAGMENT)
    demo.post("/recording", {"do": "start"}, headers=FRAGMENT)
    assert 'data-action="recording"' in demo.get("/instances").content.decode()
    demo.post(f"/instances/{second}/do/lock", headers=FRAGMENT)
    demo.post(f"/instances/{second}/edit", {"name": "renamed", "description": ""}, headers=FRAGMENT)
    demo.post(f"/instances/{second}/edit", {"name": "", "description": ""}, headers=FRAGMENT)
    demo.post("/recording", {"do": "stop"}, headers=FRAGMENT)
    demo.post(f"/instances/{third}/do/lock", headers=FRAGMENT)
    lines = [line for line in script(demo).replace(" \\\n ", "").splitlines() if line.startswith("openstack")]
    assert lines[0] == f"openstack server lock {second}"
    assert lines[1] == f"openstack server set --name renamed {second}", "what did not change is not said"
    assert len(lines) == 2, "neither what was done before or after, nor what was refused"
    assert "conn.compute.lock_server" in script(demo, "py") and ast.parse(script(demo, "py"))
    assert script(enter("demo")).count("openstack server") == 0, "each session has its own"
    demo.post("/recording", {"do": "forget"}, headers=FRAGMENT)
    assert "server lock" not in script(demo)


def test_a_script_names_what_it_makes_and_asks_for_secrets() -> None:
    calls = [
        {"uses": [["server.create", {"name": "a", "imageRef": "i", "flavorRef": "f"}, ""]], "ids": {"server": "id-a"}},
        {"uses": [["server.create", {"name": "b", "imageRef": "i", "flavorRef": "f"}, ""]], "ids": {"server": "id-b"}},
        {"uses": [["server.stop", {"id": "id-b"}, ""], ["server.lock", {"id": "other"}, ""]], "ids": {}},
    ]
    uses = recorder.replayed(calls)
    assert [use.label for use in uses] == ["server_1", "server_2", "", ""] and uses[2].values["id"] == made("server_2")
    text = scripts.as_cli(uses, waits=True)
    assert 'openstack server stop "$SERVER_2"' in text and "openstack server lock other" in text
    assert text.count("until STATE=") == 3, "the next call finds the server where the last one led it"
    assert kinds()["server.update"].keeps_empty and scripts.asked(
        [uses[0].__class__(uses[0].kind, {"name": secret("x")})]
    ) == ["x"]


@pytest.mark.parametrize("state", ["ACTIVE", "ERROR"])
def test_a_script_waits_for_no_server_that_has_failed(state: str) -> None:
    """It waited for ever for one in ERROR."""
    use = recorder.replayed([{"uses": [["server.create", {"name": "a"}, ""]], "ids": {"server": "id-a"}}])[0]
    client = f"openstack() {{ [ -e seen ] && echo {state} || {{ touch seen; echo BUILD; }}; }}; sleep() {{ :; }}"
    (wait,) = scripts._wait_in_shell(use)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["bash", "-ceu", f"{client}\nSERVER_1=id-a\n{wait}"], cwd=folder, check=True, timeout=60)


def test_a_script_waits_for_volumes_and_snapshots(demo: Client) -> None:
    """Both work on after the answer: a snapshot of a volume that is not there yet is refused."""
    calls = [
        {"uses": [["volume.create", {"name": "a", "size": 1}, ""]], "ids": {"volume": "id-a"}},
        {
            "uses": [["volume snapshot.create", {"name": "b", "volume_id": "id-a"}, ""]],
            "ids": {"volume_snapshot": "id-b"},
        },
        {"uses": [["server.attach-volume", {"id": "s", "volumeId": "id-a"}, ""]], "ids": {}},
        {"uses": [["server.detach-volume", {"id": "s", "volume": "id-a"}, ""]], "ids": {}},
        {"uses": [["volume.upload", {"id": "id-a", "image_name": "i"}, ""]], "ids": {"image": "id-i"}},
        {"uses": [["image.delete", {"id": "id-i"}, ""]], "ids": {}},
    ]
    uses = recorder.replayed(calls)
    lines = scripts.as_cli(uses, waits=True).splitlines()
    waits = [line for line in lines if line.startswith("until")]
    shown = ["volume", "volume snapshot", "volume", "volume", "volume"]
    assert [line.partition("openstack ")[2].partition(" show")[0] for line in waits] == shown
    ends = [line.partition('"$STATE" = ')[2].partition(" ]")[0] for line in waits]
    assert ends == ["available", "available", "in-use", "available", "available"]
    assert all('[ "$STATE" != error ]' in line for line in waits)
    assert all('"$VOLUME_1"' in line for line in (lines[2], waits[0], waits[2])) and '"$VOLUME_SNAPSHOT_1"' in waits[1]
    cloud = scripts.Cloud(lambda kind: f"http://x/{kind}")
    text = scripts.as_python(uses, cloud, waits=True)
    assert ast.parse(text) and "conn.block_storage.get_snapshot(volume_snapshot_1.id)" in text
    assert 'conn.image.delete_image(image_1["image_id"])' in text, "what the SDK answers there is no resource"
    asked = scripts.as_curl(uses, cloud)
    assert 'curl -sS -H "X-Auth-Token: $OS_TOKEN" http://x/volume/volumes/"$VOLUME_1"' in asked
    assert '["os-volume_upload_image"]["image_id"]' in asked


def test_the_oldest_calls_go_first(
    demo: Client, make_servers: Callable[..., list[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [server.id for server in make_servers(4)]
    monkeypatch.setattr(recorder, "MOST", 2)
    demo.post("/recording", {"do": "start"}, headers=FRAGMENT)
    for id in ids:
        demo.post(f"/instances/{id}/do/lock", headers=FRAGMENT)
    text = script(demo)
    assert [id in text for id in ids] == [False, False, True, True] and "Earlier calls are not kept." in text


def test_switching_people_off_and_on_is_recorded(cloud_rows: None) -> None:
    admin, id = enter("admin"), User.objects.get(name="demo").pk
    admin.post("/recording", {"do": "start"}, headers=FRAGMENT)
    admin.post(f"/users/{id}/switch", headers=FRAGMENT)
    admin.post("/users/switch/enable", {"ids": id}, headers=FRAGMENT)
    lines = [line for line in script(admin).splitlines() if line.startswith("openstack")]
    assert lines == [f"openstack user set --disable {id}", f"openstack user set --enable {id}"]


def test_an_image_is_recorded_with_its_file(demo: Client) -> None:
    demo.post("/recording", {"do": "start"}, headers=FRAGMENT)
    typed = {"name": "it's", "disk_format": "raw", "visibility": "private", "architecture": "x86_64"}
    answer = demo.post("/images/create", typed, headers=FRAGMENT)
    assert answer.status_code == 200, answer.content
    text = script(demo)
    fetched = {"name": "far", "uri": "http://example.org/a b", "disk_format": "raw", "visibility": "private"}
    assert forms(demo, "/images/create", fetched)["cli"].endswith("far")
    assert "< <(curl -fsSL 'http://example.org/a b')" in forms(demo, "/images/create", fetched)["cli"]
    assert ': "${FILE:?}"' in text and '--file "$FILE"' in text and "--property architecture=x86_64" in text


def test_secrets_of_a_recording_outlive_the_clouds_own(demo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.post("/recording", {"do": "start"}, headers=FRAGMENT)
    typed = {"name": "ci", "secret": "s3cret", "roles": [str(Role.objects.get(name="member").pk)]}
    demo.post("/application-credentials/create", typed, headers=FRAGMENT)
    assert '--secret "$SECRET"' in script(demo)
    for module in (places, recorder):
        monkeypatch.setattr(module, "mark", lambda: "another")
    assert '--secret "$SECRET"' in script(demo)
