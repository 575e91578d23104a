"""What a browser sees of the API."""

import html
import json
import re

from django.test import Client


def test_a_browser_reads_the_answer_itself() -> None:
    page = Client().get("/api/compute/", HTTP_ACCEPT="text/html,application/xhtml+xml,*/*;q=0.8")
    assert page["Content-Type"].startswith("text/html")
    shown = re.sub(r"<[^>]+>", "", page.content.decode().split('class="response-info"')[1])
    answer = json.loads(html.unescape(shown[shown.index("{") : shown.index("\n}") + 2]))
    assert answer == Client().get("/api/compute/").json()
