"""Rows of durable work. The broker only wakes processes: what is here is what happens."""

from typing import Self

from django.db import models

from common.clock import now
from common.ids import new_id


class State(models.TextChoices):
    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    FAILED = "failed"
    BROKEN = "broken"  # parked: it cannot go on by itself, and waits for an operator (operations.parking)


LIVE = (State.RUNNING, State.UNDOING)


class OperationQuerySet(models.QuerySet["Operation"]):
    def live(self) -> Self:
        """Query those that run."""
        return self.filter(state__in=LIVE)

    def broken(self) -> Self:
        """Query those that wait for an operator."""
        return self.filter(state=State.BROKEN)


class Operation(models.Model):
    """One long verb on one subject."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    flow = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    subject_kind = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=64)
    project_id = models.CharField(max_length=64, null=True)
    user_id = models.CharField(max_length=64, default="", blank=True)
    user_name = models.CharField(max_length=255, default="", blank=True)
    request_id = models.CharField(max_length=64, default="", blank=True, db_index=True)
    traceparent = models.CharField(
        max_length=55, default="", blank=True
    )  # of the span that began it (W3C Trace Context)
    action = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    step = models.IntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    wake_at = models.DateTimeField(null=True, default=now)
    data = models.JSONField(default=dict)
    has_subscriptions = models.BooleanField(default=False, db_column="has_waiters")
    error_code = models.CharField(max_length=64, default="", blank=True)
    error_data = models.JSONField(default=dict)
    #: Holds that a queued one waits for before its first step (operations.starting); None once it has them.
    queued_for = models.JSONField(null=True, default=None)
    #: Of a broken one, what a retry needs: {"state", "holds", "at"}.
    parked = models.JSONField(null=True, default=None)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "created_at"]),
            models.Index(fields=["project_id", "created_at"]),
            # not conditional: SQLite takes no condition with IN from a statement's parameters
            models.Index(fields=["state", "wake_at"], name="operation_due"),
            models.Index(fields=["finished_at"], name="operation_over"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.subject_kind}:{self.subject_id} {self.state}"


class Phase(models.TextChoices):
    DO = "do"
    UNDO = "undo"


class OperationStep(models.Model):
    """One step of an Operation as it went: when, where, with what answer."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    index = models.IntegerField()
    name = models.CharField(max_length=64)
    phase = models.CharField(max_length=4, choices=Phase.choices, default=Phase.DO)
    started_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=8, default="", blank=True)  # "" while it runs | done | failed
    tries = models.PositiveSmallIntegerField(default=0)  # how often it failed and was begun again, past a final step
    tried_at = models.DateTimeField(null=True)  # when the present try began, where it is not the first
    host = models.CharField(max_length=64, default="", blank=True)
    verb = models.CharField(max_length=32, default="", blank=True)
    generation = models.BigIntegerField(default=0)
    ordered_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    progress = models.FloatField(null=True)
    answer = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, default="", blank=True)
    error_data = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)  # what the step itself wants shown, such as scheduling's numbers

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["operation", "phase", "name"], name="one_row_a_step")]
        indexes = [
            models.Index(fields=["host"], condition=models.Q(finished_at=None), name="step_outstanding"),
        ]

    def __str__(self) -> str:
        return f"{self.phase} {self.name} {self.result}"


class Hold(models.Model):
    """An Operation's sole claim on a key such as ``server:<id>``."""

    key = models.CharField(primary_key=True, max_length=128)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="holds")

    def __str__(self) -> str:
        return self.key


class Subscription(models.Model):
    """Wakes an Operation when a channel is notified: `kind` and `key` of what changes."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="subscriptions")
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=128)

    class Meta:
        db_table = "operations_waiter"
        indexes = [models.Index(fields=["kind", "key"])]

    def __str__(self) -> str:
        return self.key


class BackgroundJob(models.Model):
    """Background work that is due: run `kind`'s function with `key`, at least once after it was last enqueued."""

    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=128)
    count = models.BigIntegerField(default=1)
    due_at = models.DateTimeField(default=now)
    tries = models.PositiveIntegerField(default=0)  # how often it failed since it last succeeded
    claimant = models.CharField(max_length=80, default="", blank=True)  # <host>:<pid>:<one run>, who is at it now
    claimed_until = models.DateTimeField(null=True)  # prolonged while it runs; then anybody may begin it anew

    class Meta:
        db_table = "operations_kick"
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_kick_a_key")]

    def __str__(self) -> str:
        return self.key


class Lease(models.Model):
    """Which process does what only one may do."""

    name = models.CharField(primary_key=True, max_length=32)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.holder}"


class Schedule(models.Model):
    """A periodic task of the code: when it is due next."""

    key = models.CharField(max_length=128, unique=True)  # the task's name
    seconds = models.FloatField()
    due_at = models.DateTimeField(db_index=True)
    last_run_at = models.DateTimeField(null=True)
    last_by = models.CharField(max_length=80, default="", blank=True)  # <host>:<pid> that claimed the last run
    last_error = models.CharField(max_length=300, default="", blank=True)  # "" where it went well

    def __str__(self) -> str:
        return self.key
