"""The forms of every panel's actions: what is typed stands in them, and a shell, Python and HCL can read them."""

import ast
import subprocess
from typing import Any

import hcl2
from django.test import Client
from django.urls import get_resolver, reverse

from compute.flavors.models import Flavor
from identity.models import Domain, Group, Project, Role, User
from networking.networks.models import Network
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet
from portal.showas import registry
from tests.portal.showas.terraform import faults
from tests.portal.showas.test_showas_forms import forms

FRAGMENT = {"HX-Request": "true"}
#: What is typed, by the name of the address: enough that each field of a kind is seen once.
TYPED: dict[str, dict[str, Any]] = {
    "network-create": {
        "name": "net a", "cidr": "10.7.0.0/24", "enable_dhcp": "on", "admin_state_up": "on", "dns": "9.9.9.9", "mtu": "1400",
        "pools": "10.7.0.10 - 10.7.0.20", "routes": "10.9.0.0/24, 10.7.0.9", "external": "on", "subnet_name": "sub a",
    },
    "all-network-create": {"name": "net b", "kind": "vlan", "physical": "physnet1", "segment": "7", "admin_state_up": "on"},
    "router-create": {"name": "r", "admin_state_up": "on"},
    "security-group-create": {"name": "sg", "description": "it's"},
    "key-pair-create": {"name": "k", "public_key": "ssh-ed25519 AAAA me"},
    "server-group-create": {"name": "g", "policy": "anti-affinity", "most": "2"},
    "flavor-create": {"name": "f", "vcpus": "2", "ram": "512", "disk": "3", "ephemeral": "0", "swap": "64", "rxtx_factor": "1"},
    "aggregate-create": {"name": "a", "zone": "z"},
    "project-create": {"name": "p", "domain_id": "default", "enabled": "on"},
    "user-create": {"name": "u", "domain_id": "default", "password": "hunter22 of mine", "again": "hunter22 of mine", "enabled": "on"},
    "group-create": {"name": "g", "domain_id": "default"},
    "role-create": {"name": "ro"},
    "domain-create": {"name": "d", "enabled": "on"},
    "credential-create": {"type": "cert", "blob": "my-secret-blob"},
    "application-credential-create": {"name": "ac", "secret": "my-secret-secret", "unrestricted": "on", "expires_on": "2099-01-02"},
    "identity-provider-create": {"id": "idp", "remote_ids": "https://a.example\nhttps://b.example", "enabled": "on"},
    "mapping-create": {"id": "m", "rules": '[{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "sub"}]}]', "schema_version": "1.0"},
}  # fmt: skip


def whole(text: dict[str, str], where: str) -> None:
    """Each form is one that its own tool reads."""
    for name in ("cli", "curl"):
        read = subprocess.run(["bash", "-n"], input=text[name], text=True, capture_output=True, check=False)
        assert read.returncode == 0, (where, text[name], read.stderr)
        assert "\ue000" not in text[name] and "\ue002" not in text[name], where
    ast.parse(text["python"])
    if text["terraform"]:
        hcl2.loads(text["terraform"] + "\n")
        assert faults(text["terraform"]) == [], (where, text["terraform"])


def test_lists_and_creations_have_forms_that_their_tools_read(admin: Client) -> None:
    seen = []
    for route in registry.entries():
        if get_resolver().reverse_dict.getlist(route)[0][0][0][1] or route == "launch" or route.endswith("-delete"):
            continue  # it is about a thing, or about several
        url = reverse(route)
        for typed in ({}, TYPED.get(route, {})):
            found = forms(admin, url, typed)
            whole(found, route)
        if "name" in TYPED.get(route, {}):
            quoted = TYPED[route]["name"]
            assert all(quoted in found[form] for form in ("cli", "curl", "python")), (route, found)
        seen.append(route)
        assert "hunter22" not in str(found) and "my-secret" not in str(found), route
    assert len(seen) > 50 and set(TYPED) <= set(seen)


def test_forms_about_things_are_read_by_their_tools(admin: Client) -> None:
    for route in ("network-create", "router-create", "security-group-create", "aggregate-create"):
        admin.post(reverse(route), TYPED[route])
    network, router = Network.objects.get(name="net a"), Router.objects.get(name="r")
    things = {
        "network": network.pk, "router": router.pk, "security-group": SecurityGroup.objects.get(name="sg").pk,
        "flavor": Flavor.objects.first().pk, "project": Project.objects.get(name="demo", is_domain=False).pk,  # type: ignore[union-attr]
        "user": User.objects.get(name="demo").pk, "role": Role.objects.get(name="member").pk, "domain": Domain.objects.first().pk,  # type: ignore[union-attr]
    }  # fmt: skip
    admin.post(reverse("group-create"), TYPED["group-create"])
    things["group"] = Group.objects.get(name="g").pk
    for route in registry.entries():
        thing = next((name for name in things if route.startswith(f"{name}-")), "")
        keys = get_resolver().reverse_dict.getlist(route)[0][0][0][1]
        if not thing or list(keys) != ["id"]:
            continue
        found = forms(
            admin,
            reverse(route, args=[things[thing]]),
            {"name": "new name", "description": "new words", "enabled": "on"},
        )
        whole(found, route)
        assert things[thing] in found["cli"] + found["curl"] or not found["cli"], (route, found)
    found = forms(
        admin,
        reverse("network-edit", args=[network.pk]),
        {"name": "new name", "admin_state_up": "on", "external": "on", "mtu": "1400"},
    )
    assert found["cli"] == f"openstack network set --name 'new name' {network.pk}", "what is not changed is not said"
    subnet = Subnet.objects.get(network=network)
    found = forms(admin, reverse("router-interface", args=[router.pk]), {"subnet": subnet.pk})
    assert found["cli"] in (f"openstack router add subnet {router.pk} {word}" for word in (subnet.pk, '"$SUBNET"'))
    quota = forms(admin, reverse("project-quota", args=[things["project"]]), {"compute.instances": "7"})
    assert "openstack quota set" in quota["cli"] and "--instances 7" in quota["cli"]
