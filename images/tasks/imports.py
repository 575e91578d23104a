"""Imports: staged bytes, or bytes of another web server, become an image's while a task tells how it goes."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common import fetch
from common.clock import now
from common.errors import CloudError, Conflict, Invalid, stored
from common.numbers import is_whole
from images import stores
from images.images import data, states
from images.images import services as images
from images.images.errors import StillArriving
from images.images.models import Image
from images.tasks import checksums
from images.tasks.models import Task
from images.tasks.states import FAILURE, PENDING, PROCESSING, RUNNING, SUCCESS
from operations import background

log = logging.getLogger(__name__)

KIND = "image_import"
OLD_TYPE = "import"  # of POST /v2/tasks
FAILED_STORES = "os_glance_failed_import"  # property of an image: stores that its last import did not reach
KEEP = timedelta(hours=48)
TELL_EVERY = 1.0  # seconds between two notes of how much has come
#: In a task's input: it made the image itself, which goes again when the import fails.
MADE_IMAGE = "made_image"
#: verb of states.VERBS by import method
VERB_OF = {"glance-direct": "import", "web-download": "web-download"}


class UnknownMethod(Invalid):
    template = _("Unknown import method name '%(name)s'.")


class BadImport(Invalid):
    template = _("%(reason)s")


class UriRefused(Invalid):
    template = _("URI for web-download does not pass filtering: %(uri)s. %(why)s")


class DownloadFailed(Invalid):
    template = _("%(uri)s could not be read: %(why)s.")


class ImportBroke(CloudError):
    template = _("The cloud failed unexpectedly. Tell the operator the import's id %(id)s.")


class UnknownStore(Conflict):
    template = _("Store %(store)s is not one of this cloud's.")


def methods() -> list[str]:
    """List the import methods that the operator allows (STACKLING_IMAGE_IMPORT_METHODS)."""
    return list(settings.IMAGE_IMPORT_METHODS)


def start(actor: RequestContext, *, image_id: str, body: dict[str, Any], **more: object) -> Task:
    """POST …/import: checks, notes a task, and lets the control process do it. `more` stands in the task's input.

    Raises: UnknownMethod, UriRefused, ImageNotFound, NotPermitted, WrongStatus, FormatsMissing, StillArriving.
    """
    method = body["method"]["name"]
    if method not in methods():
        raise UnknownMethod(name=method)
    for store in body.get("stores") or ():
        if store not in stores.STORES:
            raise UnknownStore(store=store)
    if method == "web-download":
        _check_uri(body["method"].get("uri"))
    with transaction.atomic():
        task = Task(user_id=actor.user_id, request_id=actor.request_id)

        def check(image: Image) -> None:
            data.may_write(actor, image, "import data for")
            if method == "glance-direct" and image.alive_at is not None:
                raise StillArriving(id=image.pk)

        image = data.begin(VERB_OF[method], image_id.lower(), upload_id=task.pk, check=check)
        if image.properties.pop(FAILED_STORES, None):
            data.save(image, "properties")
        task.image_id, task.project_id = image.pk, image.project_id
        task.input = {"image_id": image.pk, "import_req": body, "backend": [stores.default().name], **more}
        task.save(force_insert=True)
        background.enqueue(KIND, task.pk)
    return task


def run(task_id: str) -> None:
    """Does one import, in a control process. May run again after a crash: it then begins anew."""
    if not Task.objects.filter(pk=task_id, status__in=RUNNING).update(status=PROCESSING, updated_at=now()):
        return
    task = Task.objects.get(pk=task_id)
    image = Image.objects.filter(pk=task.image_id, upload_id=task_id).first()
    if image is None:
        _end(task, FAILURE, BadImport(reason=_("The image was deleted, or given other data, before the import began.")))
        return
    request = _method(task)
    try:
        if request["name"] == "glance-direct":
            pieces: Iterator[bytes] = stores.default().get(stores.staging_key(image.pk))
        else:
            pieces = download(request["uri"], lambda size: _note(task, announced=size))
        if proof := task.input.get("checksum"):
            pieces = checksums.held(pieces, checksums.Proof(**proof))
        who = RequestContext(task.user_id, project_id=task.project_id, request_id=task.request_id)
        data.bring(VERB_OF[request["name"]], image, _counted(pieces, task), None, actor=who)
    except CloudError as error:
        _fail(task, image, error)
        return
    except Exception:
        log.exception("import %s failed", task_id)
        _fail(task, image, ImportBroke(id=task_id))
        return
    stores.default().remove(stores.staging_key(image.pk))
    _end(task, SUCCESS, result={"image_id": image.pk})


def fetch_from(
    actor: RequestContext, *, image_id: str, uri: str, proof: checksums.Proof | None = None, **more: object
) -> Task:
    """Begin to fill an image from an address, held against `proof` before it becomes active. Raises: as `start`."""
    if proof is not None:
        more["checksum"] = asdict(proof)
    return start(actor, image_id=image_id, body={"method": {"name": "web-download", "uri": uri}}, **more)


def _note(task: Task, **values: int) -> None:
    Task.objects.filter(pk=task.pk).update(**values)


def _counted(pieces: Iterator[bytes], task: Task) -> Iterator[bytes]:
    """Pass bytes on, and note from time to time how many have come."""
    count, told = 0, time.monotonic()
    _note(task, arrived=0)
    for piece in pieces:
        count += len(piece)
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            _note(task, arrived=count)
        yield piece
    _note(task, arrived=count)


def _method(task: Task) -> dict[str, str]:
    """How the task's bytes come: {"name": …, "uri": …}."""
    if task.type == OLD_TYPE:
        return {"name": "web-download", "uri": task.input["import_from"]}
    return dict(task.input["import_req"]["method"])


def source_of(task: Task) -> str:
    """Return the address that an import reads; "" where the bytes were staged."""
    return _method(task).get("uri", "")


def start_old(actor: RequestContext, *, asked: dict[str, Any]) -> Task:
    """POST /v2/tasks of type `import`: a new image from an address, for operators.

    Raises: Forbidden, UriRefused, and what creating an image raises.
    """
    policy.require(actor, "add_task")
    if "web-download" not in methods():
        raise UnknownMethod(name="web-download")
    _check_uri(asked["import_from"])
    values = {"disk_format": asked["import_from_format"], "container_format": "bare", **asked["image_properties"]}
    with transaction.atomic():
        image = images.create(actor, values=values)
        task = Task(type=OLD_TYPE, user_id=actor.user_id, request_id=actor.request_id, input=asked)
        data.begin("web-download", image.pk, upload_id=task.pk)
        task.image_id, task.project_id = image.pk, image.project_id
        task.save(force_insert=True)
        background.enqueue(KIND, task.pk)
    return task


def _fail(task: Task, image: Image, why: CloudError) -> None:
    """The image is queued again and names the stores that did not get it; the task says why."""
    data.give_up(image.pk, task.pk)
    with transaction.atomic():
        row = Image.objects.select_for_update().filter(pk=image.pk, status=states.QUEUED).first()
        if row is not None and (task.type == OLD_TYPE or MADE_IMAGE in task.input):
            images.remove(row)  # the task made it, and nothing half-made stays
        elif row is not None:
            row.properties = {**row.properties, FAILED_STORES: stores.default().name}
            data.save(row, "properties")
    stores.default().remove(stores.staging_key(image.pk))
    _end(task, FAILURE, why)


def _end(task: Task, status: str, why: CloudError | None = None, *, result: dict[str, object] | None = None) -> None:
    told = {"message": why.message, "error_code": why.code, "error_data": stored(why.data)} if why else {}
    Task.objects.filter(pk=task.pk).update(
        status=status, result=result, updated_at=now(), expires_at=now() + KEEP, **told
    )


def prune() -> None:
    """Forgets tasks two days after their end; wakes those whose control process died."""
    Task.objects.filter(expires_at__lt=now()).delete()
    for task in Task.objects.filter(status=PENDING, updated_at__lt=now() - timedelta(seconds=60)):
        with transaction.atomic():
            Task.objects.filter(pk=task.pk).update(updated_at=now())
            background.enqueue(KIND, task.pk)
    for task in Task.objects.filter(status=PROCESSING):
        if not Image.objects.filter(pk=task.image_id, upload_id=task.pk).exists():
            _end(task, FAILURE, BadImport(reason=_("The import was given up because nothing came for long.")))


def _check_uri(uri: object) -> None:
    if not isinstance(uri, str) or not uri:
        raise BadImport(reason=_("'uri' is required for the import method web-download."))
    try:
        fetch.check(uri)
    except fetch.NotReached as error:
        raise UriRefused(uri=uri[:200], why=error) from None


def download(uri: str, announced: Callable[[int], None] = lambda size: None) -> Iterator[bytes]:
    """Yield the bytes behind an address; `announced` is told how many it says it has. Raises: fetch.NotReached, DownloadFailed."""
    limits = fetch.Limits(settings.IMAGE_SIZE_LIMIT, settings.FETCH_SECONDS, redirects=fetch.MOST_REDIRECTS)
    answer = fetch.ask(uri, limits=limits)
    if answer.status != 200:
        raise DownloadFailed(uri=uri[:200], why=_("it answered %(status)s"), status=answer.status)
    size = answer.headers.get("Content-Length", "")
    if is_whole(size):
        announced(int(size))
    yield from answer.pieces


def of_image(actor: RequestContext, *, image_id: str) -> list[Task]:
    """List the tasks of one image, newest first. Raises: ImageNotFound."""
    image = images.get(actor, image_id=image_id)
    return list(Task.objects.filter(image_id=image.pk).order_by("-created_at"))
