"""Requests of agents: sealed with all that they say, counted once, and open only what their host needs."""

import io
import json
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from hostagent.messaging import envelope
from hosts import agents, services
from hosts.models import Host

pytestmark = pytest.mark.django_db

RECORDED = json.loads((Path(__file__).parents[1] / "hostagent" / "recorded" / "version-1.json").read_text())
PATH = "/internal/images/x?a=1"


@pytest.fixture
def host(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    settings.KEYS = tmp_path
    settings.RUN = tmp_path
    monkeypatch.setattr(agents, "once", agents.Once(lambda: tmp_path / "nonces"))
    return services.enrol("h1", roles=["compute"])


def sealed(
    method: str = "GET", path: str = PATH, *, body: bytes = b"", at: float = 0.0, **identity: str
) -> dict[str, str]:
    moment, nonce, digest = f"{time.time() + at:.3f}", secrets.token_hex(12), envelope.body_digest(body)
    named = {f"HTTP_X_STACKLING_{name.upper()}": value for name, value in identity.items()}
    values = tuple(identity.get(name, "") for name in ("client", "network", "router"))
    made = envelope.http_signature(
        services.key_of("h1") or "", method=method, path=path, at=moment, nonce=nonce, digest=digest, identity=values
    )
    return {
        "HTTP_X_STACKLING_HOST": "h1", "HTTP_X_STACKLING_TIME": moment, "HTTP_X_STACKLING_NONCE": nonce,
        "HTTP_X_STACKLING_DIGEST": digest, "HTTP_X_STACKLING_SEAL_2": made, **named,
    }  # fmt: skip


def ask(headers: dict[str, str], method: str = "GET", path: str = PATH, body: bytes = b"", **how: Any) -> Host:
    request = RequestFactory().generic(method, path, body, "application/octet-stream", **headers)
    return agents.authenticate_agent(request, **how)


def test_a_request_under_the_hosts_seal_counts_once(host: Host) -> None:
    """C9: a captured request could be made again for 120 s."""
    headers = sealed()
    assert ask(headers).name == "h1"
    with pytest.raises(agents.AgentRepeated):
        ask(headers)


def test_it_counts_once_for_all_processes(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9, a sibling: each process of the web front had a memory of its own."""
    headers = sealed()
    assert ask(headers).name == "h1"
    monkeypatch.setattr(agents, "once", agents.Once(lambda: tmp_path / "nonces"))
    with pytest.raises(agents.AgentRepeated):
        ask(headers)


def test_nonces_are_forgotten_once_they_are_too_old_to_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = agents.Once(lambda: tmp_path / "nonces")
    real = time.time
    for turn in range(5):
        monkeypatch.setattr(time, "time", lambda turn=turn: real() + turn * agents.BUCKET)
        assert once.take(secrets.token_hex(12))
    assert len(list((tmp_path / "nonces").iterdir())) <= 3


def test_a_nonce_is_no_path(tmp_path: Path) -> None:
    once = agents.Once(lambda: tmp_path / "nonces")
    assert not once.take("../../../../../../../../../x")
    assert not once.take("")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "spoil", ["method", "path", "query", "body", "client", "network", "time", "nonce", "digest", "host"]
)
def test_the_seal_covers_all_that_a_request_says(host: Host, spoil: str) -> None:
    """C9: the seal covered neither body, client address nor network."""
    body = b"abc"
    headers = sealed("PUT", PATH, body=body, client="10.0.0.5", network="n1")
    method, path = "PUT", PATH
    changes = {
        "client": {"HTTP_X_STACKLING_CLIENT": "10.0.0.6"},
        "network": {"HTTP_X_STACKLING_NETWORK": "n2"},
        "time": {"HTTP_X_STACKLING_TIME": f"{time.time():.3f}1"},
        "nonce": {"HTTP_X_STACKLING_NONCE": secrets.token_hex(12)},
        "digest": {"HTTP_X_STACKLING_DIGEST": envelope.body_digest(b"other")},
        "host": {"HTTP_X_STACKLING_HOST": "h2"},
    }
    headers |= changes.get(spoil, {})
    if spoil == "method":
        method = "POST"
    if spoil in ("path", "query"):
        path = PATH.replace("images/x", "images/y") if spoil == "path" else PATH.replace("a=1", "a=2")
    with pytest.raises(agents.AgentRefused):
        ask(headers, method, path, b"xyz" if spoil == "body" else body)


@pytest.mark.parametrize("at", [-61.0, 61.0])
def test_a_request_of_another_time_is_refused_with_a_reason(host: Host, at: float) -> None:
    with pytest.raises(agents.AgentLate) as refused:
        ask(sealed(at=at))
    assert "Set the clock of the host" in refused.value.message


@pytest.mark.parametrize("at", ["", "nan", "inf", "-inf", "x", "1e400"])
def test_a_time_that_is_none_is_refused(host: Host, at: str) -> None:
    headers = sealed()
    headers["HTTP_X_STACKLING_TIME"] = at
    headers["HTTP_X_STACKLING_SEAL_2"] = envelope.http_signature(
        services.key_of("h1") or "", method="GET", path=PATH, at=at, nonce=headers["HTTP_X_STACKLING_NONCE"],
        digest=headers["HTTP_X_STACKLING_DIGEST"], identity=("", "", ""),
    )  # fmt: skip
    with pytest.raises(agents.AgentRefused):
        ask(headers)


def test_a_streamed_body_is_held_against_the_seal_at_its_end(host: Host) -> None:
    """C9: of a snapshot's bytes too, which are never whole in memory."""
    request = RequestFactory().put(PATH, b"true bytes", **sealed("PUT", PATH, body=b"true bytes"))
    agents.authenticate_agent(request, is_streamed=True)
    assert b"".join(agents.checked(request, iter([b"true ", b"bytes"]))) == b"true bytes"
    with pytest.raises(agents.AgentRefused):
        list(agents.checked(request, iter([b"other bytes"])))


def test_a_request_of_953748c_is_taken_of_a_host_that_speaks_version_1_only(
    host: Host, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Accept both, until the host is known to speak 2, or 2 is required."""
    said = RECORDED["http"]
    monkeypatch.setattr(services, "key_of", lambda name: RECORDED["key"])
    monkeypatch.setattr(time, "time", lambda: RECORDED["at"] + 1)
    headers = {
        "HTTP_X_STACKLING_HOST": "h1",
        "HTTP_X_STACKLING_TIME": said["at"],
        "HTTP_X_STACKLING_SEAL": said["seal"],
    }
    assert ask(headers, said["method"], said["path"]).name == "h1"
    Host.objects.update(speaks=2)
    with pytest.raises(agents.AgentRefused):
        ask(headers, said["method"], said["path"])
    Host.objects.update(speaks=1)
    settings.AGENT_CONTRACT = 2
    with pytest.raises(agents.AgentRefused):
        ask(headers, said["method"], said["path"])


def test_what_an_agent_sends_is_what_control_takes(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's own code on the other end: a download, an upload, and a guest's metadata request."""
    from hostagent.agent import control_link, metadata

    made: list[tuple[str, str, dict[str, str], bytes]] = []

    class Connection:
        def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> None:
            made.append((method, path, headers or {}, body.read() if hasattr(body, "read") else body or b""))

        def getresponse(self) -> Any:
            return type("Answer", (io.BytesIO,), {"status": 200, "reason": "OK", "getheaders": lambda self: []})(b"{}")

        def close(self) -> None: ...

    monkeypatch.setattr(control_link.ControlLink, "_connect", lambda self: Connection())
    link = metadata.MetadataLink("unix:/x", "h1", services.key_of("h1") or "")
    list(link.download("/internal/images/x", 0))
    link.append("/internal/servers/s/log?offset=3", b"log")
    link.forward("POST", "/internal/metadata/openstack/latest/password", {"X-Stackling-Client": "10.0.0.5"}, b"secret")
    link._clock.speaks = 2
    link.append("/internal/servers/s/log?offset=6", b"more")
    assert ["X-Stackling-Seal" in headers for _m, _p, headers, _b in made] == [True, True, True, False]
    for method, path, headers, body in made:
        request = RequestFactory().generic(
            method, path, body, **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
        )
        assert agents.authenticate_agent(request).name == "h1"


def test_nobody_needs_it_so_nobody_gets_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: every host's key opened every image."""
    monkeypatch.setattr(agents, "_may", {"read image": [lambda name, id: (name, id) == ("h1", "mine")]})
    agents.require(host, "read image", "mine")
    for kind, id in (("read image", "other"), ("write image", "mine")):
        with pytest.raises(agents.NotOfThisHost):
            agents.require(host, kind, id)  # type: ignore[arg-type]
