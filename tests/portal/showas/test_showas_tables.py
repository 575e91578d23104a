"""The tables of other forms: every action of a panel has an entry, and every kind of call holds together."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import portal.showas.tables as tables
from portal import urls
from portal.showas import registry
from portal.showas.entries import Entry
from portal.showas.kinds import SAME, Terraform
from portal.showas.tables.exempt import EXEMPT
from portal.ui.lists import ListPanel
from tests.portal.showas.terraform import faults, table

#: Kinds for which the client has no command of its own.
NO_COMMAND = ("server.clear-password", "resource-provider.list")


def actions_and_lists() -> list[str]:
    """The names of the portal's addresses that do something, or list something."""
    found = []
    for url in urls.urlpatterns:
        view: Any = getattr(url.callback, "view_class", None)
        if url.name and (view is None or hasattr(view, "post") or issubclass(view, ListPanel)):
            found.append(url.name)
    return found


def test_every_action_and_list_has_its_forms_or_a_reason_why_not() -> None:
    known = actions_and_lists()
    assert len(known) > 150
    told = registry.entries().keys()
    silent = {"menu"}  # the rail, for scripts
    assert [name for name in known if name not in told and name not in EXEMPT and name not in silent] == []
    assert [name for name in EXEMPT if name not in known or name in told or not EXEMPT[name]] == []
    every = {url.name for url in urls.urlpatterns}
    assert [name for name in told if name not in every] == [], "entries of addresses that are gone"


def test_no_kind_and_no_entry_stands_twice() -> None:
    modules = [import_module(f"portal.showas.tables.{one.name}") for one in iter_modules(tables.__path__)]
    entries = Counter(name for module in modules for name in getattr(module, "ENTRIES", {}))
    assert [name for name, times in entries.items() if times > 1] == []
    assert all(isinstance(entry, Entry) for entry in registry.entries().values())


def test_a_kind_says_what_its_path_asks_for() -> None:
    for kind in registry.kinds().values():
        assert kind.in_path <= {arg.name for arg in kind.args}, kind.name
        assert kind.cli or kind.within or kind.name in NO_COMMAND, kind.name


def test_the_sdk_has_each_method_that_is_named() -> None:
    import openstack.block_storage.v3._proxy
    import openstack.compute.v2._proxy
    import openstack.identity.v3._proxy
    import openstack.image.v2._proxy
    import openstack.network.v2._proxy
    import openstack.placement.v1._proxy

    proxies: dict[str, Callable[..., object]] = {
        "compute": openstack.compute.v2._proxy.Proxy,
        "network": openstack.network.v2._proxy.Proxy,
        "identity": openstack.identity.v3._proxy.Proxy,
        "image": openstack.image.v2._proxy.Proxy,
        "placement": openstack.placement.v1._proxy.Proxy,
        "volume": openstack.block_storage.v3._proxy.Proxy,
    }
    every = registry.kinds().values()
    assert [k.name for k in every if k.sdk and not hasattr(proxies[k.service], k.sdk)] == []
    awaited = [k.awaited for k in every if k.ends]
    assert [one.sdk for one in awaited if not hasattr(proxies[one.service], one.sdk)] == []


def test_the_sdk_calls_each_service_as_the_catalog_does() -> None:
    import openstack

    words = {kind.proxy for kind in registry.kinds().values()}
    assert "conn.block_storage" in words
    assert [word for word in words if not hasattr(openstack.connection.Connection, word.removeprefix("conn."))] == []


def test_terraform_has_each_resource_and_argument_of_the_tables() -> None:
    unknown, missing = [], []
    for kind in registry.kinds().values():
        if not isinstance(kind.tf, Terraform):
            continue
        known = table()[("data" if kind.tf.how == "data" else "resource", kind.tf.resource)]
        said = {(arg.name if arg.tf == SAME else arg.tf).replace("{", ".").rstrip("}.") for arg in kind.args if arg.tf}
        unknown += [f"{kind.name}: {name}" for name in said | set(kind.tf.fixed) if name not in known]
        required = {name for name, need in known.items() if need and "." not in name}
        missing += [f"{kind.name}: {name}" for name in required - said if kind.tf.how == "make"]
    assert (unknown, missing) == ([], [])


def test_faults_are_found() -> None:
    right = 'resource "openstack_networking_network_v2" "n" {\n  name = "a"\n  segments {\n    network_type = "vlan"\n  }\n}'
    assert faults(right) == []
    assert faults(right.replace("network_type", "kind")) == ["openstack_networking_network_v2.segments.kind"]
    assert faults(right.replace("name =", "called =")) == ["openstack_networking_network_v2.called"]
    assert faults(right.replace("_network_v2", "_net_v2")) == ["resource openstack_networking_net_v2"]
