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
