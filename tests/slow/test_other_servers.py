"""A cloud whose database is PostgreSQL and whose broker is RabbitMQ, both started here; fake hosts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.live import LiveCloud
from tests.rest import COMPUTE, Rest, until
from tests.servers import RabbitMQ, postgres, rabbitmq

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.timeout(600)]


@contextmanager
def a_cloud() -> Iterator[tuple[LiveCloud, RabbitMQ, str]]:
    with (
        postgres() as database,
        rabbitmq() as broker,
        LiveCloud(hosts=0, fake_hosts=2, DATABASE_URL=database, BROKER_URL=broker.url) as cloud,
    ):
        yield cloud, broker, database


def ready(cloud: LiveCloud) -> bool:
    return Rest(cloud).ask("GET", "/readyz", token="", timeout=10).status == 200


def test_servers_boot_survive_the_broker_and_go() -> None:
    with a_cloud() as (cloud, broker, database):
        rest = Rest(cloud)
        ids = [rest.boot(f"first-{n}") for n in range(3)]
        for server_id in ids:
            rest.until(server_id, "ACTIVE")
        assert not (cloud.data / "database" / "db.sqlite3").exists()
        with psycopg.connect(database) as link:
            found = {row[0] for row in link.execute("SELECT id FROM compute_server")}
        assert found == set(ids), "the servers are not in PostgreSQL"
        assert rest.ask("GET", f"{COMPUTE}/servers/detail").json["servers"], "the list does not read PostgreSQL"

        broker.stop()
        begin = time.monotonic()
        waiting = rest.boot("no-broker")  # with its look-ups and all wake-ups on the way
        assert time.monotonic() - begin < 3.0
        answer = rest.act(ids[0], {"os-stop": None})
        assert answer.status == 202 and answer.seconds < 1.0, "an API call waited for the broker"
        assert rest.ask("GET", "/readyz", token="", timeout=10).status == 503
        broker.start()
        rest.until(waiting, "ACTIVE")
        rest.until(ids[0], "SHUTOFF")
        until(lambda: ready(cloud), 30, "/readyz says yes")

        for server_id in [*ids, waiting]:
            rest.delete(server_id)
        clean = until(
            lambda: (d := cloud.manage("doctor", "--json", check=False)).returncode == 0 and d,
            40,
            "doctor finds nothing",
        )
        assert '"findings": []' in clean.stdout
        for program in ("control", "agent-fake", "web"):
            log = cloud.log(program)
            assert "Traceback" not in log and "PRECONDITION" not in log, f"{program}: {log[-3000:]}"
