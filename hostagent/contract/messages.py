"""How casts and reports are wrapped, signed, encrypted and counted. On the wire a cast is an `order`.

Every message is a JSON object that only the host's key opens or makes (hex, 32 bytes, made at enrolment). Version 2, which
both speak once they know it of each other (envelope.py encrypts it whole, so the broker reads nothing)::

    {"v": 2, "host": "host1", "nonce": "<24 hex>", "box": "<base64>"}

In the box of a cast (control → queue ``host.<name>`` or ``host.<name>.bulk``, Celery task ``hostagent.order``)::

    {"host": "host1", "verb": a name of VERBS, "operation": "<id>|''", "step": "start_domain", "flow": "server.boot",
     "cloud": host.Cloud, "subject": "server:<id>", "generation": 3, "deadline": 120, "sent": 1763900000.0,
     "expires": 1763900060.0, "turn": 1763899999.9, "body": {...}}

and, where control traces (STACKLING_OTLP_ENDPOINT), ``traceparent``: the W3C Trace Context of the step that asks.

In the box of a report (agent → queue ``control``, Celery task ``operations.report``; some kinds: reports.QUEUES)::

    {"host": "host1", "boot": "<id>", "kind": a reports.Kind, "operation": ..., "step": ..., "generation": 3, "subject": ...,
     "sent": ..., "seq": 1763900000000000, "body": {...}}

``sent`` and ``expires`` are unix seconds by control's clock, which an agent learns from the answer to its hello. A cast is
done once (its nonce is remembered beyond the agent's restart), not after ``expires``, and not when a cast of a later
``turn`` for the same server was done: ``turn`` is when its step was asked, by control's clock. ``seq`` grows with each report
of a host, over restarts too: a report that is not newer is a replay.

Version 1 is what agents spoke first: the cast or report itself with ``"v": 1`` and a ``seal``, an HMAC over its
canonical form; no ``expires``, ``turn`` or ``seq``. Control accepts both and sends 2 to hosts whose hello says
``"speaks": 2``; an agent says hello in version 1, which any control reads, and speaks 2 once it was welcomed in 2.
STACKLING_AGENT_CONTRACT=2 refuses version 1 on both sides (but a hello).

A challenge (of a hello or a heartbeat) is answered by the cast ``host.welcome`` (WELCOME), which is no verb: nothing is done
or reported. body = {"challenge": the host's, "time": unix seconds, "others": whether another host could take this one's
routers}. Without a challenge it comes when a heartbeat is wrong about the others; it then has an end and a nonce as every
cast.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final, Required, TypedDict

from hostagent.contract.host import Cloud

VERSION: Final = 2
ACCEPTED_VERSIONS: Final = (1, 2)

CAST_TASK: Final = "hostagent.order"
REPORT_TASK: Final = "operations.report"
CONTROL_QUEUE: Final = "control"
# Plain messages, no Celery task: one thread of control reads each.
HEARTBEAT_QUEUE: Final = "control.heartbeats"
SAMPLES_QUEUE: Final = "control.samples"
WELCOME: Final = "host.welcome"

SILENCE: Final = 12.0  # seconds without a word about a step before control asks again
CAST_LIFE: Final = 60.0  # seconds in which a cast must have arrived; control asks again what still counts
WINDOW: Final = 60.0  # seconds by which the two clocks may differ


class Cast(TypedDict, total=False):
    """A cast as a host opens it. An older control leaves out the keys that its version did not have."""

    v: int
    host: str
    verb: Required[str]
    body: Required[dict[str, Any]]  # as the row of its verb says
    operation: str
    step: str
    flow: str
    cloud: Cloud
    subject: str
    generation: int
    deadline: float
    sent: float
    expires: float
    turn: float
    traceparent: str
    nonce: str
    seal: str


class Report(TypedDict):
    """A reply or report of a host before it is signed; a report that replies to no cast has empty texts."""

    host: str
    boot: str  # the agent's, a new one each time it starts
    kind: str  # a reports.Kind
    operation: str
    step: str
    generation: int
    subject: str
    body: Mapping[str, object]


class Welcome(TypedDict, total=False):
    """The body of a cast of WELCOME."""

    challenge: str
    time: float  # unix seconds by control's clock
    others: Required[bool]


class Closed(TypedDict, total=False):
    """A message as it leaves: version 2 in its box, version 1 open and signed."""

    v: Required[int]
    host: Required[str]
    nonce: str
    box: str
    seal: str


def host_queue(host: str, *, bulk: bool = False) -> str:
    return f"host.{host}.bulk" if bulk else f"host.{host}"


def canonical(message: Mapping[str, object]) -> bytes:
    """Return the bytes that a signature covers: the message without it (`seal`), keys sorted, no spaces, UTF-8."""
    body = {k: v for k, v in message.items() if k != "seal"}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(message: Mapping[str, object], key: str) -> dict[str, object]:
    """Version 1: the message with its signature (HMAC-SHA256), as `seal`. `key` is the host's key in hex."""
    return {**message, "seal": hmac.new(bytes.fromhex(key), canonical(message), hashlib.sha256).hexdigest()}


def is_signed(message: Mapping[str, object], key: str) -> bool:
    want = hmac.new(bytes.fromhex(key), canonical(message), hashlib.sha256).hexdigest()
    return hmac.compare_digest(str(message.get("seal", "")).encode(), want.encode())


def http_signature(key: str, method: str, path: str, at: str) -> str:
    """Version 1 of the `X-Stackling-Seal` of an agent's HTTP request to control's /internal/ paths.

    Sent with `X-Stackling-Host` (its name) and `X-Stackling-Time` (unix seconds as text; refused beyond 60 s of skew).
    `path` holds the query string. A guest's metadata request goes to /internal/metadata/<its path> and says, besides, in
    `X-Stackling-Client` the guest's address and in `X-Stackling-Network` or `X-Stackling-Router` (an id) where it was asked.
    Version 2, which covers all of that and the body, and counts once: envelope.http_signature.
    """
    return hmac.new(bytes.fromhex(key), f"{method}\n{path}\n{at}".encode(), hashlib.sha256).hexdigest()
