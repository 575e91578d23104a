"""Quotas of the network service, and how it counts against them."""

from collections.abc import Callable

from django.db import models

from networking.floatingips.models import FloatingIP
from networking.networks.models import Network, NetworkGrant
from networking.ports.models import Port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.subnetpools.models import SubnetPool
from networking.subnets.models import Subnet
from quota import services as quota

SERVICE = "network"

#: Name on the wire → (rows, default limit; -1 is no limit).
COUNTED: dict[str, tuple[type[models.Model], int]] = {
    "network": (Network, 100),
    "subnet": (Subnet, 100),
    "port": (Port, 500),
    "router": (Router, 10),
    "floatingip": (FloatingIP, 50),
    "security_group": (SecurityGroup, 10),
    "security_group_rule": (SecurityGroupRule, 100),
    "subnetpool": (SubnetPool, -1),
    "rbac_policy": (NetworkGrant, 10),
}


def _counter(model: type[models.Model]) -> Callable[[str], int]:
    return lambda project_id: model._default_manager.filter(project_id=project_id).count()


def register() -> None:
    for name, (model, default) in COUNTED.items():
        quota.register(SERVICE, name, default=default, count=_counter(model))
