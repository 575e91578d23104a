import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import world as worlds


@pytest.fixture
def world() -> Iterator[worlds.World]:
    """Two lab hosts with agents and an empty cloud; gone afterwards."""
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    mark = uuid.uuid4().hex[:6]
    data = Path(tempfile.mkdtemp(prefix="stackling-lab-"))
    run = Path(f"/run/stackling/lab-{mark}")
    run.mkdir(parents=True)
    try:
        yield from worlds.build(data, run, f"lab-{mark}")
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(run, ignore_errors=True)
