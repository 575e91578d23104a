"""Many fake hosts: boots beside a cloud of four, 2,000 servers at once, memory and rest; and 30,000 servers in the database."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import procs
from bench.client import Client
from bench.cloud import Running, running
from bench.ground import big_network, create_body, filled, raise_quotas
from bench.result import Slowdown, at_least, at_most

HOSTS, FEW, MOST = 500, 4, 1000
MANY, LOT = 2000, 50
ROUNDS, ROUND = 5, 20  # 100 boots of each cloud, in turns


def settle(cloud: Running, seconds: float = 30) -> None:
    """Let what starting causes be over: inventories, first reports, the demo network on every host."""
    time.sleep(seconds)


def control_pids(cloud: Running) -> list[int]:
    """Every process of the control plane: not the agents', and not what serves guests."""
    pids = cloud.pids()
    agents = set(procs.tree([pid for name, pid in pids.items() if name.startswith("agent")]))
    return [pid for pid in procs.tree(list(pids.values())) if pid not in agents]


def rest(cloud: Running, seconds: float = 20) -> float:
    """Percent of a core that the control plane takes with nothing to do."""
    pids = control_pids(cloud)
    began, before = time.perf_counter(), procs.cpu_seconds(pids)
    time.sleep(seconds)
    return (procs.cpu_seconds(pids) - before) / (time.perf_counter() - began) * 100


class Boots:
    """A cloud in which servers are booted, 10 at a time, and deleted; what they took: seconds, and CPU seconds."""

    def __init__(self, cloud: Running) -> None:
        self.client = Client(cloud.data)
        raise_quotas(cloud, self.client.project_id, 40_000)
        self._body = create_body(self.client, "large", networks=[{"uuid": big_network(self.client)}])
        self._pids = procs.tree(list(cloud.pids().values()))
        self.seconds: list[float] = []
        self.cpu: list[float] = []

    def round(self) -> None:
        began, before = time.perf_counter(), procs.cpu_seconds(self._pids)
        with ThreadPoolExecutor(10) as pool:
            servers = list(pool.map(lambda _: self._one(), range(ROUND)))
        self.seconds.append(time.perf_counter() - began)
        self.cpu.append(procs.cpu_seconds(self._pids) - before)
        for server in servers:
            self.client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
        for server in servers:
            self.client.wait_for(server, "", poll=0.1)

    def _one(self) -> str:
        server = str(self.client.json("POST", "/api/compute/v2.1/servers", self._body)["server"]["id"])
        self.client.wait_for(server, poll=0.25)
        return server


def in_turns(small: Boots, large: Boots) -> dict[str, Any]:
    """The same boots in two clouds, in turns, so that what else the machine does befalls both. What to print beside."""
    for boots in (small, large):  # caches warm up
        boots.round()
        boots.seconds, boots.cpu = [], []
    for turn in range(ROUNDS):
        for boots in (small, large) if turn % 2 else (large, small):
            boots.round()
    return {
        "rounds": [round(a / b, 2) for a, b in zip(small.seconds, large.seconds, strict=True)],
        "per_second": round(ROUND * ROUNDS / sum(large.seconds), 1),
        "cpu_ms": round(sum(large.cpu) * 1000 / ROUND / ROUNDS, 1),
        "small_cpu_ms": round(sum(small.cpu) * 1000 / ROUND / ROUNDS, 1),
    }


def statuses(client: Client) -> dict[str, int]:
    found: dict[str, int] = {}
    path = "/api/compute/v2.1/servers/detail?limit=1000&name=lot"
    while path:
        answer = client.json("GET", path)
        for server in answer["servers"]:
            found[server["status"]] = found.get(server["status"], 0) + 1
        links = answer.get("servers_links") or []
        path = "/api" + links[0]["href"].split("/api", 1)[1] if links else ""
    return found


def lots(cloud: Running, count: int = MANY) -> None:
    """2,000 servers asked for in lots of 50, each lot when the one before is asked for."""
    client = Client(cloud.data)
    network = big_network(client)
    pids = procs.tree(list(cloud.pids().values()))
    slowdown = Slowdown()
    before, began = procs.cpu_seconds(pids), time.perf_counter()
    for _ in range(count // LOT):
        body = create_body(client, "lot", networks=[{"uuid": network}])
        body["server"] |= {"min_count": LOT, "max_count": LOT}
        client.json("POST", "/api/compute/v2.1/servers", body)
    building = "/api/compute/v2.1/servers?name=lot&status=BUILD&limit=1"  # whole lists would be what is measured
    while client.json("GET", building)["servers"] and time.perf_counter() - began < 1200:
        time.sleep(2)
        slowdown.look()
    seconds = time.perf_counter() - began
    cpu = (procs.cpu_seconds(pids) - before) * 1000 / count
    found = statuses(client)
    at_least("large.lots.active", found.get("ACTIVE", 0), count, "servers", seconds=round(seconds, 1), statuses=found)
    at_most("large.lots.cpu", cpu, 120, "ms CPU each", slowed=slowdown.factor)


def compare() -> None:
    """500 hosts beside four."""
    with running(fake=FEW) as few, running(fake=HOSTS) as many:
        settle(many, 60)
        at_most(f"rest.{FEW}", rest(few), 3, "% of a core")
        at_most(f"rest.{HOSTS}", rest(many), 10, "% of a core")
        small, large = Boots(few), Boots(many)
        noise = in_turns(small, large)
        at_least("large.rate", sum(small.seconds) / sum(large.seconds), 0.8, f"x of {FEW} hosts", **noise)
        verdicts(many)
        lots(many)
        settle(many)
        table = sorted(
            ((round(procs.pss_mib(pid), 1), procs.name_of(pid)[:80]) for pid in control_pids(many)), reverse=True
        )
        control = procs.tree([many.pids()["control"]])
        at_most("large.control", sum(map(procs.pss_mib, control)), 250, "MiB", processes=table[:8])


VERDICTS = """
import json
from operations.models import OperationStep
found = OperationStep.objects.filter(operation__flow="server.boot", operation__state="done", phase="do")
print(max(len(json.dumps(step.detail)) for step in found if "scheduling" in step.detail))
"""


def verdicts(cloud: Running) -> None:
    """The longest of what is kept of where a server went, of boots that succeeded."""
    longest = float(cloud.manage("shell", "-v0", "-c", VERDICTS).splitlines()[-1])
    at_most("large.verdict", longest, 2048, "bytes")


def heartbeats() -> None:
    """1,000 hosts that only live: what control takes for it, and whether one of them is called down."""
    with running(fake=MOST) as cloud:
        settle(cloud, 90)
        admin = Client(cloud.data, "admin")
        pids = procs.tree([cloud.pids()["control"]])
        began, before, up = time.perf_counter(), procs.cpu_seconds(pids), []
        for _ in range(4):
            time.sleep(15)
            services = admin.json("GET", "/api/compute/v2.1/os-services?binary=nova-compute")["services"]
            up.append(sum(service["state"] == "up" for service in services))
        cpu = (procs.cpu_seconds(pids) - before) / (time.perf_counter() - began) * 100
        at_most(f"heartbeats.{MOST}", cpu, 20, "% of a core")
        at_least("heartbeats.up", min(up), MOST, "hosts", looks=up)


def filled_boot() -> None:
    """Boots with 30,000 servers in the database beside boots in an empty cloud: CPU of all processes of each."""
    with running() as empty, running() as full:
        filled(full, 30_000)
        settle(full, 60)
        at_most("rest.filled", rest(full), 3, "% of a core", empty=round(rest(empty), 1))
        small, large = Boots(empty), Boots(full)
        noise = in_turns(small, large)
        wall = statistics.median(b / a for a, b in zip(small.seconds, large.seconds, strict=True))
        at_most(
            "boot.filled",
            sum(large.cpu) / sum(small.cpu),
            1.3,
            "x an empty database, CPU",
            wall=round(wall, 2),
            **noise,
        )
