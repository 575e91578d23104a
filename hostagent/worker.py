"""The agent's process: `python -m hostagent.worker`. A Celery worker that takes orders and drops them into lanes.

One Celery thread unseals and sorts; the lanes (lanes.py) do the work, so a copy never blocks a stop. Orders are
acknowledged before they are done: control asks again what was lost with a process (contract: hello, silence).
"""

import logging
import os
import signal
import sys
import threading
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_ready, worker_shutting_down

from hostagent import broker, contract, memory
from hostagent.host import Host
from hostagent.outbox import Outbox
from hostagent.settings import Settings, SettingsError
from hostagent.timers import Timers

log = logging.getLogger("hostagent")

EXIT_STUCK = 70
TIDY_AFTER = 2.0  # seconds: by then everything that a host needs is imported
EXIT_SETTINGS = 78  # EX_CONFIG


def make_app(settings: Settings) -> Celery:
    url = settings.broker_url
    app = Celery("hostagent", broker=url, amqp=broker.PatientAMQP, set_as_current=True, fixups=[])
    names = [contract.host_queue(host.name, bulk=bulk) for host in settings.hosts for bulk in (False, True)]
    app.conf.update(
        task_queues=[broker.queue(name, url) for name in (*names, contract.CONTROL_QUEUE)],
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue=contract.CONTROL_QUEUE,
        accept_content=["json"],
        worker_prefetch_multiplier=64,  # orders go into lanes at once; nothing is gained by leaving them in the broker
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        enable_utc=True,
    )
    if broker.is_rabbitmq(url):
        app.conf.update(broker.rabbitmq_settings())
    else:
        app.conf.broker_transport_options = {"priority_steps": [0], "polling_interval": 5, "socket_keepalive": True}
    app.amqp.queues.select(names)
    return app


class Agent:
    """All hosts of this process, and what they share: the outbox and the timers."""

    def __init__(self, settings: Settings, app: Celery) -> None:
        self.app = app
        self.timers = Timers()
        self.outbox = Outbox(self.send)
        self.hosts = {own.name: Host(settings, own, self.outbox, self.timers, self.stuck) for own in settings.hosts}
        self._started = threading.Event()

    def send(self, report: dict[str, Any], expires: float | None) -> None:
        """Raises whatever the broker's client raises when the broker is away."""
        broker.send(self.app, contract.REPORT_TASK, report, contract.CONTROL_QUEUE, expires=expires)

    def start(self) -> None:
        """Hosts start once: Celery says `ready` again after each reconnection."""
        if self._started.is_set():
            return
        self._started.set()
        self.timers.start()
        self.outbox.start()
        for host in self.hosts.values():
            host.start()

    def stop(self) -> None:
        for host in self.hosts.values():
            host.stop()
        self.timers.stop()
        self.outbox.stop()

    def stuck(self, why: str) -> None:
        """A thread will not come back: end at once, the supervisor starts us afresh; guests do not notice."""
        log.critical("%s: the agent ends and is started again", why)
        logging.shutdown()
        os._exit(EXIT_STUCK)

    def receive(self, order: dict[str, Any]) -> None:
        host = self.hosts.get(order.get("host", ""))
        if host is None:
            log.warning("an order for host %r is dropped: it is not served here", order.get("host"))
            return
        host.receive(order)


def quieten() -> None:
    """What Celery says over and over and we know: that we are root, and each second that the broker is away (outbox.py says it once)."""
    warnings.simplefilter("ignore", SecurityWarning)
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.consumer.consumer").addFilter(
        lambda record: "Cannot connect to" not in str(record.msg)
    )


def main() -> int:
    memory.few_arenas()
    os.umask(0o077)  # what others may have is given to them by name
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_SETTINGS
    app = make_app(settings)
    agent = Agent(settings, app)

    @app.task(name=contract.ORDER_TASK, ignore_result=True)
    def order(message: dict[str, Any]) -> None:
        agent.receive(message)

    @worker_ready.connect(weak=False)
    def ready(**_: Any) -> None:
        agent.start()
        agent.timers.after(TIDY_AFTER, memory.tidy)

    @worker_shutting_down.connect(weak=False)
    def leaving(**_: Any) -> None:
        threading.Thread(target=leave, args=(agent,), name="leave", daemon=True).start()

    quieten()
    worker = app.Worker(
        pool="threads",
        concurrency=1,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
        hostname=f"hostagent@{settings.hosts[0].name}",
    )
    worker.start()
    return int(worker.exitcode or 0)


def leave(agent: Agent) -> None:
    """A job that runs now is left to its repetition: control asks again the agent that starts next."""
    agent.stop()
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main())
