"""Queues of a process that serves many hosts: asked for in groups, each over a connection of its own.

Redis takes in, and drops again, every queue that a worker waits for, with each message: of 500 pretended hosts' thousand
queues that was more work than all of control's own.
"""

from typing import Any, Final

from celery import Celery, bootsteps

GROUP: Final = 128


def consume(app: Celery, names: list[str]) -> None:
    """Have the app's worker consume these queues, which the app knows."""
    app.amqp.queues.select(names[:GROUP])
    groups = [names[at : at + GROUP] for at in range(GROUP, len(names), GROUP)]
    if not groups:
        return

    class Groups(bootsteps.StartStopStep):
        """With the first group's consumer, and anew with it after each reconnection."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Any) -> None:
            for group in groups:
                channel = parent.connection.channel()
                queues = [app.amqp.queues[name] for name in group]
                more = app.amqp.TaskConsumer(channel, queues=queues, on_decode_error=parent.on_decode_error)
                more.on_message = parent.create_task_handler()
                more.consume()

    app.steps["consumer"].add(Groups)
