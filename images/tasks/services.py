"""Reading tasks."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound
from images.tasks.models import Task
from openstackapi.fields import iso_z
from openstackapi.pagination import Page

SORT_KEYS = {key: key for key in ("id", "type", "status", "created_at", "updated_at", "expires_at")}


class TaskNotFound(NotFound):
    template = _("No task found with ID %(id)s")


def render(task: Task, *, brief: bool = False) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": task.pk,
        "type": task.type,
        "status": task.status,
        "owner": task.project_id,
        "created_at": iso_z(task.created_at),
        "updated_at": iso_z(task.updated_at),
        "self": f"/v2/tasks/{task.pk}",
        "schema": "/v2/schemas/task",
    }
    if task.expires_at:
        shown["expires_at"] = iso_z(task.expires_at)
    if not brief:
        shown |= {"input": task.input, "result": task.result, "message": task.message, "image_id": task.image_id}
        shown |= {"request_id": task.request_id, "user_id": task.user_id}
    return shown


def _visible(actor: RequestContext, rule: str) -> "QuerySet[Task]":
    policy.require(actor, rule)
    return Task.objects.all() if actor.is_admin else Task.objects.filter(project_id=actor.project_id or "")


def get(actor: RequestContext, *, task_id: str) -> Task:
    """Raises: TaskNotFound, Forbidden."""
    task = _visible(actor, "get_task").filter(pk=task_id).first()
    if task is None:
        raise TaskNotFound(id=task_id)
    return task


def index(actor: RequestContext, request: HttpRequest) -> dict[str, object]:
    """Build the answer of GET /v2/tasks."""
    page = Page.from_request(request, sort_keys=SORT_KEYS)
    rows = _visible(actor, "get_tasks")
    for key in ("type", "status"):
        if key in request.GET:
            rows = rows.filter(**{key: request.GET[key]})
    found = page.read(rows)
    query = urlencode(page.params)
    body: dict[str, object] = {"tasks": [render(task, brief=True) for task in found], "schema": "/v2/schemas/tasks"}
    body["first"] = f"/v2/tasks?{query}" if query else "/v2/tasks"
    if page.more and found:
        body["next"] = f"/v2/tasks?{urlencode([*page.params, ('marker', found[-1].pk)])}"
    return body
