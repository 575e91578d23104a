"""What Terraform's OpenStack provider takes: a table of its resources' and data sources' arguments, and configurations held against it.

`terraform.tsv` is made of docs/resources and docs/data-sources of terraform-provider-openstack of July 2026; an argument of a block is
written block.argument.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2


@cache
def table() -> dict[tuple[str, str], dict[str, bool]]:
    """(resource | data, type) → argument → whether it is required."""
    found: dict[tuple[str, str], dict[str, bool]] = {}
    with Path(__file__).with_suffix(".tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found.setdefault((row["kind"], row["name"]), {})[row["argument"]] = row["need"] == "required"
    return found


def blocks(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(resource | data, type, body) of each block of a configuration, as python-hcl2 reads it."""
    read = hcl2.loads(text + "\n")
    for word in ("resource", "data"):
        for one in read.get(word, ()):
            for kind, named in one.items():
                if kind.startswith("__"):
                    continue
                for body in (value for key, value in named.items() if not key.startswith("__")):
                    yield word, kind.strip('"'), body


def faults(text: str) -> list[str]:
    """What of a configuration the provider would refuse: types and arguments that it does not have."""
    found = []
    for word, kind, body in blocks(text):
        known = table().get((word, kind))
        if known is None:
            found.append(f"{word} {kind}")
            continue
        for name, value in body.items():
            if name.startswith("__"):
                continue
            if name not in known:
                found.append(f"{kind}.{name}")
            for inner in value if isinstance(value, list) else ():
                if isinstance(inner, dict):
                    wrong = [key for key in inner if not key.startswith("__") and f"{name}.{key}" not in known]
                    found += [f"{kind}.{name}.{key}" for key in wrong]
    return found
