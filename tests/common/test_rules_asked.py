"""A rule that is registered is asked somewhere: an operator's override of one that nobody asks would do nothing."""

import ast

from compute.policies import BASE as NOVA_BASE
from compute.policies import RULES as COMPUTE
from images.policies import RULES as IMAGE
from networking.policies import BASE as NEUTRON_BASE
from networking.policies import RULES as NETWORK
from tests.common.test_patterns import _files

#: Rules asked by a name that is put together: the text before the verb.
MADE = ("os_compute_api:os-aggregates:", "image:", "get_")


def test_every_registered_rule_is_asked() -> None:
    """E: `network:list` and `compute:flavor:get` were registered and never asked; nor `network:shared`, `action_events`."""
    said = {
        node.value
        for name, tree in _files()
        if not name.endswith("/policies.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {text for text in said if text in MADE} | {"image:"}
    verbs = {text for text in said if ":" not in text}
    bare = []
    for rule in {*COMPUTE, *IMAGE, *NETWORK} - {*NOVA_BASE, *NEUTRON_BASE}:  # rules that a policy file may refer to
        prefix = next((one for one in made if rule.startswith(one)), None)
        referred = any(f"rule:{rule}" in str(text) for text in {**COMPUTE, **IMAGE, **NETWORK}.values())
        if rule not in said and not referred and not (prefix and rule.removeprefix(prefix) in verbs):
            bare.append(rule)
    assert not bare, bare
