"""C1: what one address and one user may ask; who asks more is told so at once."""

import threading
import time
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password

from cloud.run import limits, reverse_proxy, settings
from cloud.run.settings import Refused
from common.errors import TooMany
from common.rates import BURST, AtOnce, Rate
from identity import hashers
from openstackapi import faults


def test_a_user_who_asks_too_much_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """C1: by user, whatever the address; another user goes on."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    rate = Rate(3)
    for _ in range(3 * BURST):
        rate.take("mallory")
    with pytest.raises(TooMany) as refused:
        rate.take("mallory")
    rate.take("alice")
    assert faults.status_of(refused.value, "compute") == 429
    assert faults.headers_of(refused.value, 429, "compute", "")["Retry-After"] == "1"
    clock[0] += 1
    for _ in range(3):
        rate.take("mallory")
    with pytest.raises(TooMany):
        rate.take("mallory")


def test_a_rate_remembers_only_who_asks_now(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    rate = Rate(1)
    for number in range(20_000):
        clock[0] += 0.01
        rate.take(str(number))
    assert len(rate._spent) <= 10_001


def test_a_user_has_so_much_under_way_and_another_his_own() -> None:
    """C1, B1: uploads of a user, from however many addresses."""
    few = AtOnce(2)
    with few.one("mallory"), few.one("mallory"):
        with pytest.raises(TooMany), few.one("mallory"):
            pass
        with few.one("alice"):
            pass
    with few.one("mallory"):
        pass
    assert not few._under_way


def test_a_flood_of_passwords_takes_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """C1: at most N hashes at once; the next is refused without waiting, and all work afterwards."""
    hashed = make_password("right")
    inside, go_on = threading.Semaphore(0), threading.Event()
    real = hashers.Argon2PasswordHasher.verify

    def slow(self: Any, password: str, encoded: str) -> Any:
        inside.release()
        go_on.wait(20)
        return real(self, password, encoded)

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "verify", slow)
    from django.conf import settings as django

    threads = [threading.Thread(target=check_password, args=("x", hashed)) for _ in range(django.PASSWORD_HASHES)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=20)
    with pytest.raises(hashers.TooManyHashes) as refused:
        check_password("right", hashed)
    with pytest.raises(hashers.TooManyHashes):
        make_password("another")
    assert faults.status_of(refused.value, "identity") == 503 and refused.value.data["retry_after"]
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert check_password("right", hashed)


@pytest.mark.parametrize("text", ["address", "address=-1", "adress=5", "hashes=0", "user=1e3", "off,user=1"])
def test_a_limit_that_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Refused, match="STACKLING_RATE_LIMITS is wrong"):
        settings.read({"STACKLING_RATE_LIMITS": text})


def test_the_reverse_proxy_counts_by_address_and_prefix() -> None:
    """C1: an IPv6 address counts with its /64."""
    text = reverse_proxy.config(settings.read({"STACKLING_RATE_LIMITS": "address=7, authentication=3"}))
    assert "track-sc0 src,ipmask(32,64) table addresses" in text
    assert "sc0_http_req_rate gt 70" in text and "sc1_http_req_rate(authentications) gt 30" in text
    assert " status 429 " in text and "hdr Retry-After 2" in text
    without = reverse_proxy.config(settings.read({"STACKLING_RATE_LIMITS": "off"}))
    assert "http_req_rate gt" not in without and limits.NONE.hashes == 2
