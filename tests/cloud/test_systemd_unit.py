"""The unit that `make systemd` prints: systemd itself finds nothing wrong with it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cloud.run import settings, systemd


def made(tmp_path: Path, **more: str) -> str:
    return systemd.unit(settings.read({"STACKLING_DATA": str(tmp_path / "100% mine"), **more}))


def test_the_unit_holds_what_the_environment_says_and_no_secret(tmp_path: Path) -> None:
    text = made(
        tmp_path,
        STACKLING_PORT="8443",
        STACKLING_ADMIN_PASSWORD="hidden-one",
        DATABASE_URL="postgres://u:hidden-two@h/d",
    )
    assert f'Environment="STACKLING_DATA={tmp_path}/100%% mine"' in text
    assert 'Environment="STACKLING_PORT=8443"' in text
    assert "hidden" not in text
    assert "# DATABASE_URL is not here" in text
    assert "# STACKLING_ADMIN_PASSWORD is not here" in text
    assert "KillMode=process" in text, "guests outlive the cloud's own processes"
    assert "-m hostagent.machine.cgroups" in text, "the unit could not be started again while a guest runs"


@pytest.mark.process
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is missing: install the Debian package systemd"
    path = tmp_path / "stackling.service"
    path.write_text(made(tmp_path, STACKLING_HOST_MODE="machine"))
    done = subprocess.run([analyze, "verify", "--man=no", str(path)], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "stackling.service" in line]
    assert complaints == []
