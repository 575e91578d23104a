"""Texts of users are parsed by one reader a kind, and a check of a text covers all of it."""

import ast

import pytest

from common.truth import truth
from hostagent.contract import inet
from tests.common.test_patterns import _engine_calls, _files

PARSERS = frozenset({"ip_address", "ip_network", "ip_interface", "IPv6Address", "IPv6Network", "IPv6Interface"})


def test_addresses_are_parsed_in_one_module() -> None:
    """B6 sibling: `ipaddress` keeps a zone with any characters in it, so "fe80::1%x⏎dhcp-script=…" was an address."""
    wrong = []
    for name, tree in _files():
        for node in ast.walk(tree):
            if name in ("hostagent/contract/inet.py", "cloud/run/settings.py") or not isinstance(node, ast.Call):
                continue
            text = ast.unparse(node.func)
            made = (
                len(node.args) == 1 and isinstance(node.args[0], (ast.BinOp, ast.Name)) and text.endswith("IPv6Address")
            )
            if text.startswith("ipaddress.") and text.split(".")[1] in PARSERS and not made:
                wrong.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong, wrong


@pytest.mark.parametrize("text", ["fe80::1%eth0", "fe80::1%x\nuser=root", "fe80::%a/64", "::%1"])
def test_a_zone_is_no_part_of_an_address(text: str) -> None:
    for parse in (inet.ip_address, inet.ip_network, inet.ip_interface, inet.ipv6_network):
        with pytest.raises(ValueError):
            parse(text)


def test_a_check_of_a_whole_text_does_not_end_before_its_line_end() -> None:
    """B6 sibling: `$` also fits before a last line end, so "fa:16:3e:00:00:01⏎" was a MAC address."""
    wrong = []
    for name, tree in _files():
        for call in _engine_calls(tree):
            what = call.args[0] if call.args else None
            flags = " ".join(ast.unparse(arg) for arg in (*call.args[1:], *(word.value for word in call.keywords)))
            if not isinstance(what, ast.Constant) or not isinstance(what.value, str):
                continue
            if what.value.startswith("^") and what.value.endswith("$") and "re.M" not in flags:
                wrong.append(f"{name}:{call.lineno}: {what.value}")
    assert not wrong, wrong


def test_booleans_in_texts_are_read_in_one_module() -> None:
    """ "yes", "on" and their like were listed in five places, each with another selection."""
    wrong = []
    for name, tree in _files():
        if name in (
            "common/truth.py",
            "compute/servers/api/schemas.py",
            "networking/ports/dhcp_options.py",
        ) or name.startswith(("hostagent/", "cloud/run/")):
            continue  # Nova's schema lists its spellings, DHCP has others; agents import nothing of ours
        for node in ast.walk(tree):
            if isinstance(node, (ast.Tuple, ast.Set, ast.List)):
                words = {str(one.value).lower() for one in node.elts if isinstance(one, ast.Constant)}
                if {"true", "1"} <= words or {"true", "yes"} <= words:
                    wrong.append(f"{name}:{node.lineno}: {sorted(words)}")
    assert not wrong, wrong


@pytest.mark.parametrize("value", [True, "True", " yes ", "t", "Y", "ON", "1", 1])
def test_each_spelling_of_yes_is_yes(value: object) -> None:
    assert truth(value) is True
    assert truth("perhaps") is None and truth("") is None and truth("off") is truth(False) is truth("n") is False
