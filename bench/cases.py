"""What is measured. Each case takes a running cloud with fake hosts only, unless it says otherwise."""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import alone, large, many, pages, procs, virsh
from bench.client import Client
from bench.cloud import Running
from bench.ground import big_network, create_body, raise_quotas, thousand
from bench.pound import pound
from bench.result import at_least, at_most, put

OPENSTACK = json.loads((Path(__file__).parent / "openstack.json").read_text())


def boot_one(cloud: Running) -> None:
    """POST → ACTIVE on a fake host, one at a time."""
    client = Client(cloud.data)
    body = create_body(client, "one")
    times = []
    for number in range(12):
        began = time.perf_counter()
        server = client.json("POST", "/api/compute/v2.1/servers", body)["server"]["id"]
        client.wait_for(server)
        if number >= 2:  # the first two warm caches up
            times.append((time.perf_counter() - began) * 1000)
        client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
        client.wait_for(server, "")
    at_most("boot.fake.one", statistics.median(times), 150, "ms", openstack=OPENSTACK["boot_one_ms"])


def boot_hundred(cloud: Running) -> None:
    """100 servers, 10 at a time, and the CPU of all processes together."""
    client = Client(cloud.data)
    raise_quotas(cloud, client.project_id, 200)
    network = big_network(client)
    body = create_body(client, "many", networks=[{"uuid": network}])
    pids = procs.tree(list(cloud.pids().values()))
    before, began = procs.cpu_seconds(pids), time.perf_counter()

    def one(_: int) -> str:
        server = str(client.json("POST", "/api/compute/v2.1/servers", body)["server"]["id"])
        client.wait_for(server, poll=0.25)
        return server

    with ThreadPoolExecutor(10) as pool:
        servers = list(pool.map(one, range(100)))
    seconds = time.perf_counter() - began
    cpu = procs.cpu_seconds(pids) - before
    at_least("boot.fake.rate", 100 / seconds, 12, "servers/s", openstack=OPENSTACK["boot_100_per_second"])
    at_most("boot.fake.cpu", cpu * 10, 130, "ms CPU each", openstack=OPENSTACK["boot_cpu_ms"])
    for server in servers:
        client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
    for server in servers:
        client.wait_for(server, "", poll=0.1)


def list_thousand(cloud: Running) -> None:
    """GET /servers/detail with 1,000 servers against a raw cursor and against OpenStack."""
    thousand(cloud)
    client = Client(cloud.data)
    path = "/api/compute/v2.1/servers/detail"
    pairs = []
    for _ in range(7):
        began = time.perf_counter()
        status, _, raw = client.call("GET", path)
        pairs.append((time.perf_counter() - began) * 1000)
        assert status == 200, raw[:300]
    count = len(json.loads(raw)["servers"])
    assert count >= 1000, f"{count} servers are listed"
    best = min(pairs)
    measure = f"from bench.baseline_list import main; main({client.address!r}, {client.token!r})"
    api, bare = map(float, cloud.manage("shell", "-v0", "-c", measure).splitlines()[-1].split())
    at_most("list.1000.ratio", api / bare, 2.0, "x baseline, CPU", cpu_ms=round(api, 1), baseline_ms=round(bare, 1))
    faster = OPENSTACK["list_1000_ms"] / best
    at_least("list.1000.openstack", faster, 100, "x faster", ms=round(best, 1), bytes=len(raw))


#: Rows as the services make them, copied: 1,000 boots would only measure boots.


def tokens(cloud: Running) -> None:
    """A password token against the bare Argon2 verify; validation over HTTP at 16 clients."""
    client = Client(cloud.data)
    given = json.dumps(client.password_body())
    script = f"from bench.sign_in import main; main({client.address!r}, {given!r})"
    ours, bare = map(float, cloud.manage("shell", "-v0", "-c", script).splitlines()[-1].split())
    more = {"cpu_ms": round(ours, 1), "argon2_ms": round(bare, 1)}
    at_most("token.password", ours / bare, 1.2, "x Argon2 verify, CPU", **more)
    headers = {"X-Auth-Token": client.token, "X-Subject-Token": client.token}
    rate = pound(client.address, "/api/identity/v3/auth/tokens", headers, clients=16, seconds=4)
    keystone = OPENSTACK["token_validation_per_second"]
    at_least("token.validation", rate / keystone, 5, "x Keystone", per_second=round(rate))
    cached = float(cloud.manage("shell", "-v0", "-c", CACHED.format(token=client.token)).splitlines()[-1])
    at_most("token.cached", cached, 50, "us")


CACHED = """
import time
from identity import tokens
text = {token!r}
tokens.validate(text)
best = 9e9
for _ in range(9):
    began = time.perf_counter()
    for _ in range(1000):
        tokens.validate(text)
    best = min(best, time.perf_counter() - began)
print(best * 1000)
"""


def idle(cloud: Running) -> None:
    """Memory and CPU of the control plane at rest, by process. No guests; libvirtd and dnsmasq are the host's own.

    A host with a /dev/kvm proves it once by a kernel that it runs: at rest is after that.
    """
    time.sleep(5)
    while any("qemu-system" in procs.name_of(pid) for pid in procs.tree(list(cloud.pids().values()))):
        time.sleep(1)
    pids = procs.tree(list(cloud.pids().values()))
    skipped = ("libvirtd", "virtlogd", "dnsmasq", "qemu-system")
    counted = [pid for pid in pids if not any(word in procs.name_of(pid).split(" ")[0] for word in skipped)]
    began, before = time.perf_counter(), procs.cpu_seconds(counted)
    time.sleep(20)
    cpu = (procs.cpu_seconds(counted) - before) / (time.perf_counter() - began) * 100
    table = sorted(((round(procs.pss_mib(pid), 1), procs.name_of(pid)[:90]) for pid in counted), reverse=True)
    total = sum(row[0] for row in table)
    at_most("idle.pss", total, 500, "MiB", openstack=OPENSTACK["idle_pss_mib"], processes=table)
    at_most("idle.cpu", cpu, 2.0, "% of a core")


def start(cloud: Running) -> None:
    """Seconds of each step of `make run`, as its ready file tells them."""
    seconds = cloud.ready.get("seconds", {})
    total = sum(value for value in seconds.values() if isinstance(value, (int, float)))
    put("run.first", total, "s", steps=seconds)


def second_start(cloud: Running) -> None:
    """Seconds until a cloud that has run before answers again."""
    at_most("run.second", cloud.restart(), 15, "s", steps=cloud.ready.get("seconds", {}))


def boot_real(cloud: Running) -> None:
    """A real guest: POST → ACTIVE against `virsh define` and `start` of the same domain on the same host."""
    client = Client(cloud.data)
    body = create_body(client, "real")
    ours, plain = [], []
    for number in range(3):
        began = time.perf_counter()
        server = client.json("POST", "/api/compute/v2.1/servers", body)["server"]["id"]
        client.wait_for(server, poll=0.02)
        seconds = time.perf_counter() - began
        client.call("DELETE", f"/api/compute/v2.1/servers/{server}") if not number else None
        if number:  # the first one fetches the image
            ours.append(seconds)
            client.json("POST", f"/api/compute/v2.1/servers/{server}/action", {"os-stop": None})
            client.wait_for(server, "SHUTOFF", poll=0.1)
            plain.append(virsh.define_and_start(cloud, f"instance-{server[:8]}"))
            client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
        client.wait_for(server, "", poll=0.1)
    limit = 1.5 * min(plain) + 1.0
    at_most("boot.real", min(ours), round(limit, 2), "s", virsh=round(min(plain), 2))


FAKE = {
    "boot_one": boot_one,
    "boot_hundred": boot_hundred,
    "tokens": tokens,
    "hundred_at_once": pages.hundred_at_once,
    "list_thousand": list_thousand,
    "instances_page": pages.instances_page,
    "sockets": pages.sockets,
    "users": many.users,
    "role_change": many.role_change,
}
REAL = {"start": start, "idle": idle, "boot_real": boot_real, "second_start": second_start}
#: These start what they need themselves.
ALONE = {**alone.ALONE, "large": large.compare, "heartbeats": large.heartbeats, "filled_boot": large.filled_boot}
ALL = {**ALONE, **FAKE, **REAL}
