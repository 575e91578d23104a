"""The agent's process: `python -m hostagent.agent.worker`. A Celery worker that takes casts and puts them into serial queues.

One Celery thread opens and sorts them; the queues (serial_queues.py) do the work, so a copy never blocks a stop. Casts are
acknowledged before they are done: control asks again what was lost with a process (contract: hello, silence).
"""

import logging
import os
import signal
import sys
import threading
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_ready, worker_shutting_down

from hostagent.agent import guard
from hostagent.agent.host import Host, take_casts
from hostagent.agent.outbox import Outbox
from hostagent.agent.settings import Settings, SettingsError
from hostagent.contract import messages
from hostagent.contract.reports import QUEUES
from hostagent.messaging import broker, groups
from hostagent.process import logs, memory, tracing
from hostagent.process.threads import Threads
from hostagent.process.timers import Timers

log = logging.getLogger("hostagent")

EXIT_START = 1
EXIT_STUCK = 70
TIDY_AFTER = 2.0  # seconds: by then everything that a host needs is imported
EXIT_SETTINGS = 78  # EX_CONFIG


def make_app(settings: Settings) -> Celery:
    url = settings.broker_url
    app = Celery("hostagent", broker=url, amqp=broker.PatientAMQP, set_as_current=True, fixups=[])
    names = [messages.host_queue(host.name, bulk=bulk) for host in settings.hosts for bulk in (False, True)]
    app.conf.update(
        task_queues=[broker.queue(name, url) for name in (*names, messages.CONTROL_QUEUE, *QUEUES.values())],
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue=messages.CONTROL_QUEUE,
        accept_content=["json"],
        worker_prefetch_multiplier=64,  # casts go into serial queues at once; nothing is gained by leaving them in the broker
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_consumer=broker.CONSUMER,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        enable_utc=True,
    )
    if broker.is_rabbitmq(url):
        app.conf.update(broker.rabbitmq_settings())
    else:
        app.conf.broker_transport_options = {"priority_steps": [0], "polling_interval": 5, "socket_keepalive": True}
    groups.consume(app, names)
    return app


class Agent:
    """All hosts of this process, and what they share: the outbox and the timers."""

    def __init__(self, settings: Settings, app: Celery) -> None:
        self.app = app
        self.threads = Threads()
        self.timers = Timers(self.threads)
        self.outbox = Outbox(threads=self.threads, app=app, on_heartbeat=self._spoke)
        self.hosts = {own.name: Host(settings, own, self.outbox, self.timers, self.stuck) for own in settings.hosts}
        for host in self.hosts.values():
            self.threads.on_death(host.thread_died)
        self._is_real = not settings.drivers.is_fake
        self._started = threading.Event()

    def _spoke(self, host: str) -> None:
        """A heartbeat of a host has left."""
        if self._is_real:
            self.hosts[host].standing.spoke()

    def start(self) -> None:
        """Hosts start once: Celery says `ready` again after each reconnection. Raises: whatever a driver raises."""
        if self._started.is_set():
            return
        self._started.set()
        self.timers.start()
        self.outbox.start()
        for host in self.hosts.values():
            host.start()

    def forget_old_orders(self) -> None:
        """Empty the queues of this process. Casts in them were for the agent before; control repeats those that still count at our hello."""
        names = [messages.host_queue(name, bulk=bulk) for name in self.hosts for bulk in (False, True)]
        try:
            if gone := broker.purge(self.app, names):
                log.info("%d casts for the agent before this one were thrown away", gone)
        except Exception as error:  # noqa: BLE001 whatever a broker's client raises: casts have an end of their own
            log.warning("old casts were not thrown away: %s: %s", type(error).__name__, error)

    def stop(self) -> None:
        self.threads.stop()
        for host in self.hosts.values():
            host.stop()
        self.timers.stop()
        self.outbox.stop()

    def stuck(self, why: str) -> None:
        """End at once because a thread will not come back: the supervisor starts us afresh; guests do not notice."""
        log.critical("%s: the agent ends and is started again", why)
        logging.shutdown()
        os._exit(EXIT_STUCK)


def quieten() -> None:
    """Silence two warnings of Celery: that we are root, and each second that the broker is away (outbox.py says it once)."""
    warnings.simplefilter("ignore", SecurityWarning)
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.consumer.consumer").addFilter(
        lambda record: "Cannot connect to" not in str(record.msg)
    )


def main() -> int:
    memory.few_arenas()
    memory.without_telemetry()
    os.umask(0o077)  # what others may have is given to them by name
    logs.configure()
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(error, file=sys.stderr)
        guard.stand_in_by_environment(os.environ)
        return EXIT_SETTINGS
    tracing.start("agent", **{"host.name": ",".join(host.name for host in settings.hosts)[:200]})
    app = make_app(settings)
    try:
        agent = Agent(settings, app)
    except Exception:
        log.exception("the agent cannot start")
        guard.stand_in(settings)
        return EXIT_START
    agent.forget_old_orders()
    serve(settings, app, agent)
    return 0


def begin(settings: Settings, agent: Agent) -> None:
    """Celery would only log what goes wrong here, and an agent would live that says nothing."""
    try:
        agent.start()
    except Exception:
        log.exception("the agent cannot start")
        guard.stand_in(settings)
        logging.shutdown()
        os._exit(EXIT_START)


def serve(settings: Settings, app: Celery, agent: Agent) -> None:
    """Take casts until the process is told to end."""

    take_casts(app, agent.hosts)

    @worker_ready.connect(weak=False)
    def ready(**_: object) -> None:
        begin(settings, agent)
        agent.timers.after(TIDY_AFTER, memory.tidy)

    @worker_shutting_down.connect(weak=False)
    def leaving(**_: object) -> None:
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


def leave(agent: Agent) -> None:
    """Leave a job that runs now to its repetition: control asks again the agent that starts next."""
    agent.stop()
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main())
