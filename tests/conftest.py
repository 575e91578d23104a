"""Fixtures for all tests: real clouds of their own, and the time that each folder took."""

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest

from tests.live import LiveCloud

pytest_plugins = ["tests.answers", "tests.browsing", "tests.budget", "tests.emptied", "tests.resume", "tests.unit"]

#: What a mark needs on this machine. A missing one fails the test by name; nothing is skipped.
NEEDS = {
    "lab": ("ip", "nft", "dnsmasq", "nsenter"),
    "vm": (
        "ip",
        "nft",
        "dnsmasq",
        "libvirtd",
        "virsh",
        "qemu-system-x86_64",
        "qemu-img",
        "haproxy",
        "nginx",
        "redis-server",
        "ssh",
    ),
    "browser": ("ip", "haproxy", "nginx", "redis-server", "chromium"),
    "machine": ("ip", "setpriv", "mmdebstrap", "mke2fs", "qemu-system-x86_64", "qemu-img", "cpio", "ssh"),
}


def pytest_configure(config: pytest.Config) -> None:
    """Static files are found as they are asked for: else every new client of a test would list them all first.

    A busy machine fails no property for being slow, and CI tries the same examples each time.
    """
    from django.conf import settings

    settings.WHITENOISE_AUTOREFRESH = True
    hypothesis.settings.register_profile("stackling", deadline=None, derandomize=os.environ.get("CI") == "true")
    hypothesis.settings.load_profile("stackling")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, programs in NEEDS.items():
        if not item.get_closest_marker(mark):
            continue
        missing = [name for name in programs if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
        if missing:
            what = "slow" if mark == "machine" else "test"
            pytest.fail(f"{mark} tests need {', '.join(missing)}; `./setup.sh {what}` installs them", pytrace=False)
        if os.geteuid() != 0:
            pytest.fail(f"{mark} tests make network namespaces and need root", pytrace=False)


@pytest.fixture(scope="session")
def cloud() -> Iterator[LiveCloud]:
    """One cloud with one real host, for the whole run."""
    with LiveCloud(hosts=1) as found:
        yield found


@pytest.fixture(scope="session")
def two_hosts() -> Iterator[LiveCloud]:
    """One cloud with two real hosts."""
    with LiveCloud(hosts=2) as found:
        yield found


@pytest.fixture(scope="session")
def fake_cloud() -> Iterator[LiveCloud]:
    """One cloud with three fake hosts and no real one, with faults allowed: quick, and a full citizen."""
    # 127.0.0.9: where tests serve what the cloud is asked to fetch; nothing else near is reached
    with LiveCloud(hosts=0, fake_hosts=3, STACKLING_TESTING="1", STACKLING_FETCH_ALLOW="127.0.0.9") as found:
        yield found
