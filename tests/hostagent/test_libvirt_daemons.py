"""What is done before a libvirtd of ours is started."""

from pathlib import Path

import pytest

from hostagent.drivers.hypervisor import libvirt_daemons


def test_a_guest_that_never_had_a_process_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("unborn", "<!-- by libvirt -->\n<domstatus state='paused' reason='starting up' pid='0'/>"),
        ("running", "<domstatus state='running' reason='booted' pid='4711'/>"),
        ("cut", "<domstatus state='run"),
    ):
        (tmp_path / f"{name}.xml").write_text(text)
    monkeypatch.setattr(libvirt_daemons, "STATUS", tmp_path)
    libvirt_daemons._forget_the_unborn()
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["cut", "running"]
