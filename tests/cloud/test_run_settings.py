"""cloud.run.settings: what the environment may say, and what is refused with a sentence."""

import sys

import pytest

from cloud.run import settings
from cloud.run.settings import Refused


def test_two_data_folders_are_two_clouds(tmp_path):
    one = settings.read({"STACKLING_DATA": str(tmp_path / "a")})
    two = settings.read({"STACKLING_DATA": str(tmp_path / "b")})
    assert one.id != two.id and one.run != two.run
    assert len(f"{one.run}/hosts/host1/serial-{'0' * 36}.sock") < 108  # a unix socket's path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STACKLING_PORT", "eighty"),
        ("STACKLING_PORT", "70000"),
        ("STACKLING_HOSTS", "-1"),
        ("STACKLING_EXTERNAL_CIDR", "172.24.4.1/24"),
        ("STACKLING_EXTERNAL_CIDR", "172.24.4.0/30"),
        ("STACKLING_LISTEN", "example.org"),
        ("STACKLING_PUBLIC_URL", "ftp://x"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value, tmp_path):
    with pytest.raises(Refused, match=name):
        settings.read({"STACKLING_DATA": str(tmp_path), name: value})


def test_a_cloud_without_any_host_is_refused(tmp_path):
    with pytest.raises(Refused, match="needs a host"):
        settings.read({"STACKLING_DATA": str(tmp_path), "STACKLING_HOSTS": "0"})
    assert (
        settings.read({"STACKLING_DATA": str(tmp_path), "STACKLING_HOSTS": "0", "STACKLING_FAKE_HOSTS": "2"}).hosts == 0
    )


def test_listening_beyond_loopback_needs_tls_or_a_word(tmp_path):
    open_to_all = {"STACKLING_DATA": str(tmp_path), "STACKLING_LISTEN": "0.0.0.0"}
    with pytest.raises(Refused, match="STACKLING_TLS_PEM"):
        settings.read(open_to_all)
    assert settings.read({**open_to_all, "STACKLING_INSECURE": "1"}).public_url == "http://127.0.0.1:8000"
    assert settings.read({**open_to_all, "STACKLING_TLS_PEM": "/x.pem"}).public_url == "https://127.0.0.1:8000"


def test_the_environment_wins_over_the_env_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text('# ours\nSTACKLING_PORT=8111\nSTACKLING_REGION="North"\n')
    monkeypatch.setattr(settings, "CLONE", tmp_path)
    found = settings.read({"STACKLING_PORT": "8222"})
    assert found.port == 8222 and found.environment["STACKLING_REGION"] == "North"


def test_children_are_told_where_everything_is(tmp_path):
    child = settings.read({"STACKLING_DATA": str(tmp_path), "STACKLING_REGION": "North"}).child_environment()
    assert child["STACKLING_DATA"] == str(tmp_path) and child["STACKLING_REGION"] == "North"
    assert child["STACKLING_RUN"].startswith("/run/stackling/")


def test_children_inherit_what_is_named_and_no_secret(tmp_path):
    """A5, case 56: TMPDIR and the like are the starter's own; passwords and addresses that hold some lie in files."""
    starter = {
        "TMPDIR": "/root/tmp", "HOME": "/root", "XDG_RUNTIME_DIR": "/run/user/0", "PYTHONPATH": "/root/lib", "LD_PRELOAD": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "SSH_AUTH_SOCK": "x", "OS_PASSWORD": "x", "PATH": "/root/bin", "MAIL": "x",
        "LANG": "de_DE.UTF-8", "LC_TIME": "C", "TZ": "Asia/Shanghai", "https_proxy": "http://proxy:3128",
        "STACKLING_DATA": str(tmp_path), "STACKLING_ADMIN_PASSWORD": "hidden-1", "STACKLING_SECRET_KEY": "hidden-2",
        "STACKLING_METRICS_TOKEN": "hidden-3", "DATABASE_URL": "postgres://u:hidden-4@h/d", "BROKER_URL": "amqp://u:hidden-5@h/v",
        "CHANNEL_URL": "redis://:hidden-6@h/1", "STACKLING_SOMETHING_SECRET": "hidden-7",
    }  # fmt: skip
    child = settings.read(starter).child_environment()
    assert not [
        name for name, value in child.items() if "hidden" in value or "/root" in value.replace(sys.executable, "")
    ]
    assert {n: child[n] for n in ("LANG", "LC_TIME", "TZ", "https_proxy")} == {
        n: starter[n] for n in ("LANG", "LC_TIME", "TZ", "https_proxy")
    }
    assert set(child) - {"PATH", "HOME", "PYTHONUNBUFFERED", "DJANGO_SETTINGS_MODULE", "LANG", "LC_TIME", "TZ", "https_proxy"} == {
        name for name in child if name.startswith("STACKLING_")
    }  # fmt: skip
