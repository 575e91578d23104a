"""Consoles and pages of a live cloud, as a client and a browser open them."""

import re
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import websocket

from tests.rest import COMPUTE, Rest, until


def console_address(who: Rest, server_id: str) -> str:
    body = {"remote_console": {"protocol": "serial", "type": "serial"}}

    def asked() -> Any:  # another process may not know of a new share for a second
        answer = who.ask("POST", f"{COMPUTE}/servers/{server_id}/remote-consoles", body)
        return answer.json["remote_console"]["url"] if answer.status == 200 else None

    return str(until(asked, 3, "a console is given"))


def open_console(who: Rest, server_id: str) -> websocket.WebSocket:
    line = websocket.create_connection(console_address(who, server_id), subprotocols=["binary"], timeout=10)
    line.send_binary(b"hello")
    assert line.recv() == b"hello"
    return line


def signed_in(port: int, name: str, password: str) -> tuple[OpenerDirector, str]:
    """A browser's cookies after signing in at the portal."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    url = f"http://127.0.0.1:{port}/sign-in"
    page = browser.open(url, timeout=20).read().decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page[:500]
    fields = {"username": name, "password": password, "domain": "Default", "csrfmiddlewaretoken": found.group(1)}
    browser.open(Request(url, urlencode(fields).encode(), {"Referer": url}), timeout=20).read()
    return browser, "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
