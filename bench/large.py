"""500 fake hosts against four: boots, many at once, memory and rest. And one boot with 30,000 servers in the database."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from bench import procs
from bench.client import Client
from bench.cloud import Running, running
from bench.ground import big_network, create_body, filled, raise_quotas
from bench.result import at_least, at_most, put

HOSTS, FEW = 500, 4
MANY, LOT = 2000, 50


def settle(cloud: Running, seconds: float = 30) -> None:
    """Let what starting causes be over: inventories, first reports, the demo network on every host."""
    time.sleep(seconds)


def control_pids(cloud: Running) -> list[int]:
    """Every process of the control plane: not the agents', and not what serves guests."""
    pids = cloud.pids()
    return procs.tree([pid for name, pid in pids.items() if not name.startswith("agent")])


def rest(cloud: Running, seconds: float = 20) -> float:
    """Percent of a core that the control plane takes with nothing to do."""
    pids = control_pids(cloud)
    began, before = time.perf_counter(), procs.cpu_seconds(pids)
    time.sleep(seconds)
    return (procs.cpu_seconds(pids) - before) / (time.perf_counter() - began) * 100


def hundred(cloud: Running) -> float:
    """Servers a second: 100 boots, 10 at a time, deleted afterwards."""
    client = Client(cloud.data)
    raise_quotas(cloud, client.project_id, MANY + 200)
    body = create_body(client, "large", networks=[{"uuid": big_network(client)}])

    def one(_: int) -> str:
        server = str(client.json("POST", "/api/compute/v2.1/servers", body)["server"]["id"])
        client.wait_for(server, poll=0.25)
        return server

    began = time.perf_counter()
    with ThreadPoolExecutor(10) as pool:
        servers = list(pool.map(one, range(100)))
    seconds = time.perf_counter() - began
    for server in servers:
        client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
    for server in servers:
        client.wait_for(server, "", poll=0.1)
    return 100 / seconds


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


def lots(cloud: Running) -> None:
    """2,000 servers asked for in lots of 50, each lot when the one before is asked for."""
    client = Client(cloud.data)
    network = big_network(client)
    pids = procs.tree(list(cloud.pids().values()))
    before, began = procs.cpu_seconds(pids), time.perf_counter()
    for _ in range(MANY // LOT):
        body = create_body(client, "lot", networks=[{"uuid": network}])
        body["server"] |= {"min_count": LOT, "max_count": LOT}
        client.json("POST", "/api/compute/v2.1/servers", body)
    found: dict[str, int] = {}
    while time.perf_counter() - began < 900:
        found = statuses(client)
        if found.get("ACTIVE", 0) + found.get("ERROR", 0) >= MANY:
            break
        time.sleep(2)
    seconds = time.perf_counter() - began
    cpu = (procs.cpu_seconds(pids) - before) * 1000 / MANY
    at_least("large.lots.active", found.get("ACTIVE", 0), MANY, "servers", seconds=round(seconds, 1), statuses=found)
    at_most("large.lots.cpu", cpu, 120, "ms CPU each")


def compare() -> None:
    """Two clouds one after the other."""
    with running(fake=FEW) as cloud:
        settle(cloud)
        at_most(f"rest.{FEW}", rest(cloud), 3, "% of a core")
        few = hundred(cloud)
        put(f"boot.rate.{FEW}", few, "servers/s")
    with running(fake=HOSTS) as cloud:
        settle(cloud, 60)
        at_most(f"rest.{HOSTS}", rest(cloud), 10, "% of a core")
        many = hundred(cloud)
        at_least("large.rate", many / few, 0.8, f"x of {FEW} hosts", per_second=round(many, 1))
        lots(cloud)
        settle(cloud)
        table = sorted(
            ((round(procs.pss_mib(pid), 1), procs.name_of(pid)[:80]) for pid in control_pids(cloud)), reverse=True
        )
        control = procs.tree([cloud.pids()["control"]])
        at_most("large.control", sum(map(procs.pss_mib, control)), 250, "MiB", processes=table[:8])


def filled_boot(cloud: Running) -> None:
    """POST → ACTIVE with 30,000 servers in the database against the same cloud without them."""
    client = Client(cloud.data)
    raise_quotas(cloud, client.project_id, 40_000)

    pids = procs.tree(list(cloud.pids().values()))

    def one() -> tuple[float, float]:
        """Median milliseconds to ACTIVE, and milliseconds of CPU of a boot and a deletion."""
        body = create_body(client, "filled")
        times, before = [], 0.0
        for number in range(12):
            if number == 2:  # the first two warm caches up
                before = procs.cpu_seconds(pids)
            began = time.perf_counter()
            server = client.json("POST", "/api/compute/v2.1/servers", body)["server"]["id"]
            client.wait_for(server, poll=0.1)
            times.append((time.perf_counter() - began) * 1000)
            client.call("DELETE", f"/api/compute/v2.1/servers/{server}")
            client.wait_for(server, "", poll=0.1)
        return statistics.median(times[2:]), (procs.cpu_seconds(pids) - before) * 100

    empty = one()
    filled(cloud, 30_000)
    full = one()
    at_most(
        "boot.filled", full[1] / empty[1], 1.3, "x an empty database, CPU", cpu_ms=round(full[1], 1), ms=round(full[0], 1),
        empty_cpu_ms=round(empty[1], 1), empty_ms=round(empty[0], 1),
    )  # fmt: skip
