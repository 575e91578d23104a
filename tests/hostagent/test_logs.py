"""Item 7: logs are one line a record, as text or JSON; nothing secret is in them, and no user's text makes a line of its own."""

import json
import logging
import sys
import time
from typing import Any

import pytest

from hostagent.process import logs, redact

SECRET = "s3cret-marker"
FERNET = "gAAAAABn" + "x" * 90
TICKET = "e" * 40 + "." + "f" * 43


def _record(message: str, *arguments: Any, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord("some.part", logging.WARNING, "", 0, message, arguments, exc_info)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /console/?token={TICKET}&x=1",
        f"Path: '/ws/?ticket={SECRET}'",
        f"X-Auth-Token: {SECRET}",
        f"token {FERNET} is refused",
        f"{{'adminPass': '{SECRET}', 'name': 'x'}}",
        f'{{"user": {{"password": "{SECRET}"}}}}',
        f'{{"password": "{SECRET} with \\" a quote"}}',
        f'{{"user_data": "{SECRET}',
        f"user_data={SECRET}",
        f"/v1/a/c/o?temp_url_sig={SECRET}&temp_url_expires=1",
        f"/b/k?X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"/b?AWSAccessKeyId=a&Signature={SECRET}",
        f"/oidc?code={SECRET}&state={SECRET}",
        f"postgres://stackling:{SECRET}@db/stackling",
        f"Authorization: Bearer {SECRET}",
        f"Cookie: stackling_1={SECRET}; x={SECRET}",
        f"{{'HTTP_X_AUTH_TOKEN': '{SECRET}'}}",
        f"POST /acs?SAMLResponse={SECRET}",
        f'{{"credential": {{"secret": "{SECRET}"}}}}',
        f'body=b\'{{"private_key": "{SECRET}"}}\'',
    ],
)
def test_what_has_a_secrets_form_is_hidden(text: str) -> None:
    """Item 7: the net below all loggers: tokens, tickets, signatures, passwords, user data."""
    said = logs.Text().format(_record("%s", text))
    assert not any(marker in said for marker in (SECRET, FERNET, TICKET)) and redact.HIDDEN in said


@pytest.mark.parametrize(
    "text",
    [
        "operation 9a370cd0-a04a-414b-a0a7-4107e89fcaa4 is broken: see manage.py token_keys_rotate",
        "[Errno 28] No space left on device: '/var/lib/x/keys/settings'",
        "host1: server.ensure failed state=closed code=5",
        "a report of host fake1 (heartbeat) was dropped: it came before",
        "http://127.0.0.1:8000/api/identity/v3",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_what_operators_need_stays(text: str) -> None:
    assert logs.Text().format(_record("%s", text)).endswith(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_users_text_makes_no_line_of_its_own(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 7: attack: line ends, ANSI and bidirectional controls in a name, also in what an exception says."""
    monkeypatch.setenv("STACKLING_LOG_FORMAT", form)
    evil = "web\n2026-01-01 ERROR root all is lost\r\x1b[2J\x1b]0;x\x07\u202egnp.exe\u2028\x85"
    try:
        raise ValueError(evil)
    except ValueError:
        lines = logs.formatter().format(_record("%s", evil, exc_info=sys.exc_info())).split("\n")
    assert not any(character in "".join(lines) for character in "\r\x1b\x07\u202e\u2028\x85")
    assert all(line.startswith("    ") for line in lines[1:])
    assert (
        (len(lines) == 1 and json.loads(lines[0])["message"]) if form == "json" else "some.part web\\n2026" in lines[0]
    )


def test_json_has_time_level_logger_message_and_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 7: structured logs."""
    monkeypatch.setenv("STACKLING_LOG_FORMAT", "json")
    with logs.about(request_id="req-1", operation="", host="host1"):
        found = json.loads(logs.formatter().format(_record("%s is up", "it")))
    assert found.pop("time").startswith("20")
    want = {"level": "warning", "logger": "some.part", "message": "it is up", "request_id": "req-1", "host": "host1"}
    assert found == want
    assert logs.known() == {}


@pytest.mark.parametrize(
    "evil",
    ["'", '"token": "\\"', "token=", "x://", "-.", "a", "password ", "?code=", "gAAAA", "a-", "a+token", "://x:"],
)
def test_hiding_is_linear(evil: str) -> None:
    """Item 7: four times the text costs about four times the time: a line of a megabyte holds nobody up."""

    def seconds(length: int) -> float:
        text = evil * (length // len(evil))
        begun = time.process_time()
        redact.hidden(text)
        return max(time.process_time() - begun, 0.002)

    assert seconds(400_000) / seconds(100_000) < 14


def test_a_value_without_an_end_has_one_reading() -> None:
    """Item 7: a secret of backslashes, with another line behind it, took twice the time for each two of them."""

    def seconds(backslashes: int) -> float:
        text = '"token": "' + "\\" * backslashes + SECRET + "\nnext"
        begun = time.process_time()
        assert redact.hidden(text) == f'"token": "{redact.HIDDEN}"\nnext'
        return max(time.process_time() - begun, 0.002)

    assert seconds(28) / seconds(16) < 14
    assert seconds(100_000) < 5
