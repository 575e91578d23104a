"""The worker's consumer without what this cloud never uses, and which outlives a message that is none.

Loaded by workers only: Celery's consumer is large.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

log = logging.getLogger(__name__)
celery: Any = consumer  # its types tell of little that is asked here


class Consumer(celery.Consumer):  # type: ignore[misc]
    class Blueprint(celery.Consumer.Blueprint):  # type: ignore[misc]
        #: Delayed delivery would make 28 exchanges and 28 replicated queues in RabbitMQ; no task here has a later time.
        default_steps = [
            step for step in celery.Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        ]

    def create_task_handler(self, *args: Any, **more: Any) -> Callable[[Any], None]:
        """Have a message of a form that Celery does not think of cost itself: it ended the process, and came again where it was
        not acknowledged."""
        take = super().create_task_handler(*args, **more)

        def alone(message: Any) -> None:
            try:
                take(message)
            except self.connection_errors:
                raise
            except Exception as error:  # noqa: BLE001 whatever is wrong with it, the next one may be well
                log.error(
                    "a message that nobody can read was dropped: %s: %.300s", type(error).__name__, ascii(str(error))
                )
                message.reject_log_error(log, self.connection_errors)

        return alone
