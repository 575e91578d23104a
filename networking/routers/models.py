"""Routers."""

from __future__ import annotations

from django.db import models

from authorization.owned import OwnedQuerySet
from networking.ports.models import Port
from networking.routers import states
from networking.standard import StandardAttributes


class Router(StandardAttributes):
    """Its interfaces and its gateway are its `ports`. `host` carries it; '' = none."""

    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=8, default=states.ACTIVE)
    enable_snat = models.BooleanField(default=True)
    gateway_port = models.OneToOneField(Port, null=True, on_delete=models.PROTECT, related_name="gateway_of")
    routes = models.JSONField(default=list)
    availability_zone_hints = models.JSONField(default=list)
    host = models.CharField(max_length=255, blank=True, default="", db_index=True)
    placed = models.BooleanField(default=False)  # an operator chose the host

    objects = OwnedQuerySet.as_manager()
