"""A page sends an image's bytes to the API's route, in the process that reads bodies as they come."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import set_urlconf

from cloud.handlers import BytesHandler
from images.images.models import Image


@pytest.fixture(autouse=True)
def usual_addresses() -> Iterator[None]:
    """The thread has the portal's addresses again: a request to the bytes' process leaves it with that one's."""
    yield
    set_urlconf(None)


@pytest.fixture
def send(demo: Client, settings: Any, tmp_path: Path) -> Callable[..., Any]:
    """`send(bytes)`: the page's two requests, a queued image and its bytes; answers the second."""
    settings.IMAGE_STORE = tmp_path / "images"
    page = Client(enforce_csrf_checks=True)
    page.cookies = demo.cookies
    form = page.get("/images/create").content.decode()
    mark = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert mark is not None

    def both(data: bytes, disk_format: str = "raw", **headers: str) -> Any:
        settings.ROOT_URLCONF = "cloud.urls"
        fields = {"name": "mine", "disk_format": disk_format, "visibility": "private"}
        made = page.post("/images/create", fields, HTTP_X_CSRFTOKEN=mark.group(1))
        assert made.status_code == 200, made.content
        settings.ROOT_URLCONF = "cloud.urls_bytes"
        sent = {
            "HTTP_HX_REQUEST": "true",
            "HTTP_ACCEPT": "application/json",
            "HTTP_X_CSRFTOKEN": mark.group(1),
            **headers,
        }
        return page.generic("PUT", made.json()["upload"], data, "application/octet-stream", **sent)

    return both


@pytest.mark.process
def test_the_bytes_of_a_page_become_an_image(send: Callable[..., Any]) -> None:
    answer = send(b"bytes" * 300_000)
    assert answer.status_code == 204, answer.content
    image = Image.objects.get(name="mine")
    assert (image.status, image.size) == ("active", 1_500_000)


def test_a_refusal_is_told_in_the_readers_language(send: Callable[..., Any]) -> None:
    answer = send(b"no such disk" * 100, "qcow2")
    assert answer.status_code == 400 and "not a valid qcow2" in answer.json()["message"]
    assert Image.objects.get(name="mine").status == "queued"
    chinese = send(b"no such disk" * 100, "qcow2", HTTP_ACCEPT_LANGUAGE="zh-hans")
    assert "qcow2" in chinese.json()["message"] and "数据" in chinese.json()["message"]


def test_a_refused_upload_is_among_what_failed(send: Callable[..., Any], demo: Client, settings: Any) -> None:
    """With who, what and why, in the reader's language."""
    send(b"no such disk" * 100, "qcow2")
    image = Image.objects.get(name="mine")
    settings.ROOT_URLCONF = "cloud.urls"
    set_urlconf(None)
    for language, why in (("en", "not a valid qcow2 image"), ("zh-hans", "数据不是有效的 qcow2 镜像")):
        demo.post("/language", {"language": language})
        page = demo.get("/activity?state=failed").content.decode()
        assert page.count('data-action="update/upload"') == 1 and why in page and 'data-field="who">demo<' in page
    assert image.pk in page


def test_a_page_of_another_site_sends_nothing(send: Callable[..., Any]) -> None:
    assert send(b"bytes", HTTP_X_CSRFTOKEN="forged").status_code == 403
    assert Image.objects.get(name="mine").status == "queued"


@pytest.mark.process
@pytest.mark.sqlite  # the handler closes its connection at the end, and with it this test's transaction elsewhere
def test_the_bytes_process_knows_the_session_and_the_forms_token(demo: Client, settings: Any, tmp_path: Path) -> None:
    """Its handler has few middlewares: the page's cookies and its header must be enough."""
    settings.IMAGE_STORE = tmp_path / "images"
    form = demo.get("/images/create").content.decode()
    mark = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert mark is not None
    made = demo.post("/images/create", {"name": "mine", "disk_format": "raw", "visibility": "private"})
    asked = RequestFactory(
        HTTP_COOKIE="; ".join(f"{name}={morsel.value}" for name, morsel in demo.cookies.items()),
        HTTP_X_CSRFTOKEN=mark.group(1),
        HTTP_ACCEPT="application/json",
    ).generic("PUT", made.json()["upload"], b"0123456789", "application/octet-stream")
    told: list[str] = []
    answer = BytesHandler()(asked.environ, lambda status, headers, *rest: told.append(status))
    assert told[0].startswith("204"), b"".join(answer)
    assert Image.objects.get(name="mine").size == 10
