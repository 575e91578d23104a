"""The portal: the Instances page, what a first visit loads, and pages that change by themselves."""

import asyncio
import re
import statistics
import time
from pathlib import Path

from bench import procs
from bench.browser import Session, Socket
from bench.client import Client
from bench.cloud import Running
from bench.ground import big_network, create_body, raise_quotas, servers
from bench.result import at_most
from cloud.run.ready import ask_web

#: How a page collects changes, read from its own script: milliseconds before it asks, and between two of its requests.
_TIMES = re.compile(r"COLLECT = (\d+), LEAST = (\d+)")


def page_times() -> tuple[float, float]:
    """Seconds (before asking, between requests)."""
    found = _TIMES.search((Path(__file__).resolve().parent.parent / "static/js/live.js").read_text())
    assert found, "live.js does not say how it collects"
    return int(found[1]) / 1000, int(found[2]) / 1000


#: The Instances page by the project's servers: milliseconds of a request.
MOST_MS = {100: 15, 1000: 20, 10_000: 20}


def instances_page(cloud: Running) -> None:
    """The Instances page of a project with 100, 1,000 and 10,000 instances, its HTML as made and as sent, and a first visit's bytes."""
    for count, limit in MOST_MS.items():
        servers(cloud, count)
        _one_page(cloud, count, limit)
    sizes = Session(cloud.data, visitor=True).first_load("/sign-in") | Session(cloud.data).first_load("/instances")
    largest = dict(sorted(sizes.items(), key=lambda item: -item[1])[:5])
    at_most("page.first_load", sum(sizes.values()) / 1000, 230, "KB compressed", files=len(sizes), largest=largest)


def _one_page(cloud: Running, count: int, limit: int) -> None:
    session, times = Session(cloud.data), []
    session.get("/instances")  # its rows are made once
    web = procs.tree([cloud.pids()["web"]])
    before, loaded = procs.cpu_seconds(web), session.loaded
    for _ in range(15):
        began = time.perf_counter()
        status, _headers, html = session.get("/instances")
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200 and html.count(b"<tr data-id=") >= 20, html[:300]
    cpu = (procs.cpu_seconds(web) - before) / 15 * 1000
    name, best = f"page.instances.{count}", round(min(times), 1)
    more = {"best": best, "cpu_ms": round(cpu, 1), **({"openstack": 5555} if count == 1000 else {})}
    at_most(f"{name}.ms", statistics.median(times), limit, "ms", **more)
    at_most(f"{name}.html", len(html) / 1000, 60, "KB", **({"openstack": 986} if count == 1000 else {}))
    at_most(f"{name}.sent", (session.loaded - loaded) / 15 / 1000, 12, "KB compressed")


def renders(cloud: Running) -> int:
    """How many rows of instances the web process has rendered since it started."""
    _, text = ask_web(Path(cloud.ready["run"]) / "web" / "web.sock", "/metrics")
    found = re.search(r'stackling_rows_rendered_total{process="web"} (\d+)', text)
    assert found, text[:300]
    return int(found[1])


def sockets(cloud: Running) -> None:
    """200 open sockets, 50 of whose pages show a row: when the last has its change, and how often the row was rendered."""
    client = Client(cloud.data)
    server = client.json("GET", "/api/compute/v2.1/servers?limit=1")["servers"][0]["id"]
    session = Session(cloud.data)
    seconds, rendered = asyncio.run(_all_see(cloud, client, session, server))
    at_most("sockets.seen", seconds, 1.0, "s until 50 pages of 200 show it")
    at_most("sockets.renders", rendered, 2, "renders")


async def _all_see(cloud: Running, client: Client, session: Session, server: str) -> tuple[float, int]:
    found = [Socket(session) for _ in range(200)]
    for some in range(0, 200, 20):
        await asyncio.gather(*(socket.open() for socket in found[some : some + 20]))
    name = f"seen-{time.time_ns() % 10**6}"
    collect, _ = page_times()
    before = renders(cloud)

    async def see(socket: Socket) -> None:
        """What live.js does: note the change, wait a little for more, fetch the row."""
        while True:
            kind, id = await socket.changed.get()
            if (kind, id) != ("server", server):
                continue
            await asyncio.sleep(collect)
            page = await asyncio.to_thread(session.get, f"/instances?rows={server}", **{"HX-Request": "true"})
            if name.encode() in page[2]:
                return

    pages = [asyncio.create_task(see(socket)) for socket in found[:50]]
    await asyncio.sleep(0.5)
    began = time.perf_counter()
    path = f"/api/compute/v2.1/servers/{server}"
    await asyncio.to_thread(client.json, "PUT", path, {"server": {"name": name}})
    await asyncio.wait_for(asyncio.gather(*pages), 30)
    seconds = time.perf_counter() - began
    for socket in found:
        socket.close()
    return seconds, renders(cloud) - before


def hundred_at_once(cloud: Running) -> None:
    """100 instances started by one request: how often a page that shows them asks for rows until all are active."""
    client = Client(cloud.data)
    raise_quotas(cloud, client.project_id, 2000)
    body = create_body(client, "once", networks=[{"uuid": big_network(client)}], min_count=100, max_count=100)
    session = Session(cloud.data)
    requests, seconds, ids = asyncio.run(_watch_starts(client, session, body))
    at_most("sockets.requests", requests, 20, "requests of a page", seconds=round(seconds, 1))
    for id in ids:
        client.call("DELETE", f"/api/compute/v2.1/servers/{id}")
    for id in ids:
        client.wait_for(id, "", poll=0.1)


async def _watch_starts(client: Client, session: Session, body: dict[str, object]) -> tuple[int, float, list[str]]:
    socket = Socket(session)
    await socket.open()
    began = time.perf_counter()
    await asyncio.to_thread(client.json, "POST", "/api/compute/v2.1/servers", body)
    listed = await asyncio.to_thread(client.json, "GET", "/api/compute/v2.1/servers?name=once&limit=100")
    ids = [row["id"] for row in listed["servers"]]
    shown = set(ids[:50])  # a page of the list
    collect, least = page_times()
    requests, last = 0, 0.0
    noted: set[str] = set()
    busy = True
    while busy:
        try:
            kind, id = await asyncio.wait_for(socket.changed.get(), 2.0)
        except TimeoutError:
            pass
        else:
            noted |= {id} & shown if kind == "server" else set()
            if not noted:
                continue
            await asyncio.sleep(max(collect, least - (time.perf_counter() - last)))
            while not socket.changed.empty():
                kind, id = socket.changed.get_nowait()
                noted |= {id} & shown if kind == "server" else set()
            path = f"/instances?rows={'&rows='.join(sorted(noted))}"
            await asyncio.to_thread(session.get, path, **{"HX-Request": "true"})
            requests, last = requests + 1, time.perf_counter()
            noted = set()
        listed = await asyncio.to_thread(client.json, "GET", "/api/compute/v2.1/servers?name=once&status=BUILD&limit=1")
        busy = bool(listed["servers"])
    socket.close()
    return requests, time.perf_counter() - began, ids
