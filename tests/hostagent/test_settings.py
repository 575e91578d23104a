"""What the environment may say, and what an agent answers when it says nonsense."""

from pathlib import Path

import pytest

from hostagent.agent.faults import Fault
from hostagent.agent.settings import Settings, SettingsError, default_run


def environment(folder: Path, **more: str) -> dict[str, str]:
    keys = folder / "keys" / "hosts"
    keys.mkdir(parents=True, exist_ok=True)
    for name in ("h1", "h2"):
        (keys / f"{name}.key").write_text("ab" * 32 + "\n")
    return {"STACKLING_DATA": str(folder), "STACKLING_HOST": "h1", **more}


def test_defaults_follow_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.from_env(environment(tmp_path))
    run = default_run(tmp_path)
    assert settings.control == f"unix:{run}/nginx/agents.sock"
    assert settings.broker_url == f"redis+socket://{run}/redis/redis.sock"
    assert settings.hosts[0].run == run / "hosts" / "h1"
    assert settings.hosts[0].key == "ab" * 32


def test_one_process_may_serve_several_fake_hosts_each_with_its_key(tmp_path: Path) -> None:
    settings = Settings.from_env(environment(tmp_path, STACKLING_HOST="h1, h2", STACKLING_DRIVER="fake"))
    assert [host.name for host in settings.hosts] == ["h1", "h2"]


def test_a_host_may_have_several_backends_of_volumes(tmp_path: Path) -> None:
    drivers = Settings.from_env(
        environment(tmp_path, STACKLING_VOLUME_BACKENDS="fast=file:/srv/fast,slow=file:/srv/s")
    ).drivers
    assert [(one.name, one.driver, one.place) for one in drivers.of["volume"]] == [
        ("fast", "file", "/srv/fast"),
        ("slow", "file", "/srv/s"),
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"STACKLING_HOST": ""}, "STACKLING_HOST"),
        ({"STACKLING_HOST": "h1,h2"}, "only the fake driver"),
        ({"STACKLING_DRIVER": "xen"}, "STACKLING_DRIVER"),
        ({"STACKLING_HOST": "unknown"}, "STACKLING_HOST_KEY_FILE"),
    ],
)
def test_nonsense_names_its_variable(tmp_path: Path, change: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_env(environment(tmp_path, **change))


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    env = environment(tmp_path)
    (tmp_path / "keys" / "hosts" / "h1.key").write_text("abcd")
    with pytest.raises(SettingsError, match="32 bytes"):
        Settings.from_env(env)


def test_faults_need_testing(tmp_path: Path) -> None:
    assert Settings.from_env(environment(tmp_path, STACKLING_FAULT="host.x:kill")).fault == ""
    assert (
        Settings.from_env(environment(tmp_path, STACKLING_FAULT="host.x:kill", STACKLING_TESTING="1")).fault
        == "host.x:kill"
    )


@pytest.mark.parametrize("text", ["host.x", "x:kill", "host.x:dance", "host.x:kill:twice"])
def test_a_fault_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="STACKLING_FAULT"):
        Fault.parse(text)


def test_a_host_runs_the_first_driver_of_each_kind_unless_told(tmp_path: Path) -> None:
    drivers = Settings.from_env(environment(tmp_path)).drivers
    assert drivers.names == {"hypervisor": "libvirt", "network": "linux_bridge", "storage": "file", "volume": "file"}
    assert Settings.from_env(environment(tmp_path, STACKLING_DRIVER="fake")).drivers.is_fake


def test_a_host_may_have_several_named_pools(tmp_path: Path) -> None:
    drivers = Settings.from_env(environment(tmp_path, STACKLING_STORAGE="local=file, fast=file:/srv/fast")).drivers
    assert [(pool.name, pool.driver, pool.place) for pool in drivers.of["storage"]] == [
        ("local", "file", ""),
        ("fast", "file", "/srv/fast"),
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"STACKLING_STORAGE": "local=tape"}, "write <name>=<driver>"),
        ({"STACKLING_STORAGE": "file"}, "write <name>=<driver>"),
        ({"STACKLING_STORAGE": "a=file,a=file:/b"}, "have one name"),
        ({"STACKLING_STORAGE": "a=file:srv"}, "a folder from the root"),
        ({"STACKLING_NETWORK": "a=linux_bridge,b=linux_bridge"}, "one network driver"),
        ({"STACKLING_HYPERVISOR": "a=fake"}, "STACKLING_DRIVER=fake"),
    ],
)
def test_drivers_that_a_host_cannot_run_are_refused(tmp_path: Path, change: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_env(environment(tmp_path, **change))
