"""Whether a cloud that starts is ready: asked of web itself, and of the reverse proxy."""

import http.client
import json
import os
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.run import supervise
from cloud.run.settings import Cloud, Refused

if TYPE_CHECKING:
    import ssl

READY_SECONDS = 90.0  # without a sign of progress
BUSY_SECONDS = 10.0  # of processor time within them are progress: a slow machine, not one that stands still
LONGEST_SECONDS = 1800.0


def ask_web(listener: Path, path: str) -> tuple[int, str]:
    """Status and text of web's answer to GET `path` at its unix socket, which hides nothing.

    Raises: OSError, http.client.HTTPException.
    """
    link = http.client.HTTPConnection("localhost", timeout=5)
    link.sock = socket.socket(socket.AF_UNIX)
    link.sock.settimeout(5)
    try:
        link.sock.connect(str(listener))
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read(1 << 20).decode(errors="replace")
    finally:
        link.close()


def wait_until_ready(cloud: Cloud, names: list[str], stopping: list[int]) -> dict[str, int]:
    """Waits until web says that all is ready and the reverse proxy leads to it. Gives program → pid.

    As long as something moves it goes on waiting, and says what for.

    Raises: Refused after 90 s without progress, naming the programs that do not run and what /readyz said.
    """
    begun, said = time.monotonic(), "nothing"
    progress = Progress(begun)
    while not stopping:
        found = {n: i for name in names for n, i in (supervise.states(cloud, name) or {}).items()}
        running = found and all(info["statename"] == "RUNNING" for info in found.values())
        if running and (said := _not_ready(cloud)) == "":
            return {name: info["pid"] for name, info in found.items()}
        moment = time.monotonic()
        pids = {name: int(info["pid"]) for name, info in found.items() if info["pid"]}
        if not progress.is_seen(moment, said, pids) or moment - begun > LONGEST_SECONDS:
            break
        time.sleep(0.15)
    if stopping:
        return {}
    down = [
        f"{n} is {i['statename'].lower()} ({i['spawnerr'] or 'see ' + i['stdout_logfile']})"
        for n, i in found.items()
        if i["statename"] != "RUNNING"
    ]
    raise Refused(
        f"The cloud is not ready after {time.monotonic() - begun:.0f} s. {'; '.join(down)}\n/readyz said: {said}\nLogs are in {cloud.logs}."
    )


class Progress:
    """Whether programs that are not ready yet are on the way: they work, and none has to be started again."""

    def __init__(self, moment: float) -> None:
        self._since = moment
        self._pids: dict[str, int] = {}
        self._worked = 0.0

    def is_seen(self, moment: float, said: str, pids: dict[str, int]) -> bool:
        """False when nothing has moved for READY_SECONDS. `pids`: of the programs that run."""
        if moment - self._since <= READY_SECONDS:
            return True
        worked = sum(map(processor_seconds, pids.values()))
        if worked - self._worked < BUSY_SECONDS or (self._pids and pids != self._pids):
            return False
        print(
            f"  Still waiting after {moment - self._since:.0f} s: {said.splitlines()[0][:200] if said else 'no answer'}",
            flush=True,
        )
        self._since, self._pids, self._worked = moment, pids, worked
        return True


def processor_seconds(pid: int) -> float:
    """Processor seconds that a process and its ended children used; 0 for one that is gone. Source: proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _not_ready(cloud: Cloud) -> str:
    """Say why the cloud is not ready, "" if it is."""
    try:
        status, said = ask_web(cloud.web_socket, "/readyz")
        if status != 200:
            return f"{status} {said}"
        if missing := hosts_missing(cloud):
            return missing
        url = f"{cloud.scheme}://{_reach(cloud)}:{cloud.port}/readyz"
        with urllib.request.urlopen(url, timeout=5, context=_tls_without_name(cloud)) as answer:
            return "" if answer.status == 200 else f"the reverse proxy answers {answer.status}"
    except urllib.error.HTTPError as error:
        return f"the reverse proxy answers {error.code} {error.read(600).decode(errors='replace')}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"


def _tls_without_name(cloud: Cloud) -> "ssl.SSLContext | None":
    """TLS context for our own reverse proxy, asked by its address, which its certificate need not name. None: plain http."""
    if not cloud.tls_pem:
        return None
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def hosts_missing(cloud: Cloud) -> str:
    """Say how many of this machine's hosts are up, by /readyz, while some are not; "" once all are.

    Raises: OSError, ValueError, http.client.HTTPException.
    """
    up, wanted = (
        json.loads(ask_web(cloud.web_socket, "/readyz")[1]).get("hosts_up", 0),
        cloud.hosts + cloud.fake_hosts,
    )
    return "" if up >= wanted else f"{up} of {wanted} hosts are up"


def _reach(cloud: Cloud) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(cloud.listen, cloud.listen)
