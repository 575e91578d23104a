"""Page numbers that are none."""

import pytest
from django.test import Client


@pytest.mark.parametrize("page", ["²", "٣", "9" * 40, "9" * 5000, "-1", ""])
@pytest.mark.parametrize("panel", ["/instances", "/networks", "/activity"])
def test_a_page_number_that_is_none_is_the_first_or_none(demo: Client, panel: str, page: str) -> None:
    assert demo.get(panel, {"page": page}).status_code == 200
