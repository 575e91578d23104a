"""The worker's consumer without what this cloud never uses. Loaded by workers only: Celery's consumer is large."""

from celery.worker.consumer import Consumer as CeleryConsumer


class Consumer(CeleryConsumer):
    class Blueprint(CeleryConsumer.Blueprint):
        #: Delayed delivery would make 28 exchanges and 28 replicated queues in RabbitMQ; no task here has a later time.
        default_steps = [
            step for step in CeleryConsumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        ]
