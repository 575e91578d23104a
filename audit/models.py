"""The table of records. Nothing changes or deletes one but the purge; refusals of one minute are counted in one."""

from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from common.clock import now
from common.ids import new_ordered_id


class EventQuerySet(models.QuerySet["Event"]):
    def page(self, size: int, *, before: str = "") -> list["Event"]:
        """List the newest, or those older than the one with the id `before`: ids are in the order of time."""
        rows = self.filter(pk__lt=before) if before else self
        return list(rows.order_by("-pk")[:size])

    def write(self, records: list["Event"]) -> None:
        """Write records, the one way by which they come to be, in the transaction that is open: one statement, whatever their number."""
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.executemany(_insert(connection), [row.prepared(connection) for row in records])


class Event(models.Model):
    """One record. Columns are what lists are narrowed by; the rest of CADF's fields are in `body` (audit.cadf)."""

    id = models.CharField(primary_key=True, max_length=36, default=new_ordered_id, editable=False)
    event_time = models.DateTimeField(default=now)
    action = models.CharField(max_length=96)
    outcome = models.CharField(max_length=8)  # success | failure | pending
    initiator_id = models.CharField(max_length=64, blank=True)
    initiator_name = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=45, blank=True)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=255, blank=True)
    target_name = models.CharField(max_length=255, blank=True)
    #: Whose managers may see it; "" for none's but the operators.
    project_id = models.CharField(max_length=64, blank=True)
    domain_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    operation_id = models.CharField(max_length=36, blank=True)
    count = models.PositiveIntegerField(default=1)
    body = models.JSONField(default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "id"], name="audit_by_project"),
            models.Index(fields=["domain_id", "id"], name="audit_by_domain"),
            models.Index(fields=["initiator_id", "id"], name="audit_by_initiator"),
            models.Index(fields=["target_id", "id"], name="audit_by_target"),
            models.Index(fields=["request_id"], name="audit_by_request"),
            models.Index(fields=["operation_id"], condition=~models.Q(operation_id=""), name="audit_by_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.outcome}"

    def prepared(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """List the columns as the database takes them."""
        return [one.get_db_prep_save(getattr(self, one.attname), connection) for one in self._meta.concrete_fields]


def _insert(connection: BaseDatabaseWrapper) -> str:
    quote = connection.ops.quote_name
    names = [quote(str(one.column)) for one in Event._meta.concrete_fields]
    places = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {quote(Event._meta.db_table)} ({', '.join(names)}) VALUES ({places})"
