"""A flow is registered by being imported: each file that makes one is found at start, by its name or by who imports it."""

import ast

from operations import flows
from tests.judge.tree import Tree
from tests.live import CLONE


def made() -> dict[str, str]:
    """Name → file of each flow that a file of production makes at its top."""
    found = {}
    for source in Tree(CLONE).production:
        for node in source.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                call = node.value
                if (
                    isinstance(call.func, ast.Name)
                    and call.func.id == "Flow"
                    and isinstance(call.args[0], ast.Constant)
                ):
                    found[str(call.args[0].value)] = source.path
    return found


def test_each_flow_of_a_file_is_registered() -> None:
    registered = {flow.name for flow in flows.all_flows()}
    files = made()
    assert len(files) > 15
    assert {name: file for name, file in files.items() if name not in registered} == {}
