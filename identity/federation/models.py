"""Rows of federation: who vouches for users, and how their words become ours."""

from functools import partial

from django.db import models

from common.ids import new_hex
from identity.projects.models import Project
from keystore.encryption import Place


class IdentityProvider(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    domain = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=False)
    description = models.TextField(null=True)
    authorization_ttl = models.IntegerField(null=True)


class RemoteId(models.Model):
    id = models.CharField(primary_key=True, max_length=255)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="remote_ids")


class Mapping(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    rules = models.JSONField()
    schema_version = models.CharField(max_length=5, default="1.0")


class Protocol(models.Model):
    key = models.CharField(primary_key=True, max_length=32, default=new_hex)
    id = models.CharField(max_length=64)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="protocols")
    mapping = models.ForeignKey(Mapping, on_delete=models.PROTECT, related_name="+")
    remote_id_attribute = models.CharField(max_length=64, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "id"], name="protocol")]


class ServiceProvider(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    auth_url = models.CharField(max_length=256)
    sp_url = models.CharField(max_length=256)
    enabled = models.BooleanField(default=False)
    description = models.TextField(null=True)
    relay_state_prefix = models.CharField(max_length=256, default="ss:mem:")


#: Where a client's secret is encrypted for, by the id of its provider.
CLIENT_SECRET = partial(Place, "identity.Client", "encrypted_secret")


class Client(models.Model):
    """How we are known to a provider that speaks OpenID Connect. The secret is encrypted with the cloud's key.

    `audiences` are further audiences and client ids whose tokens are taken, for example a command line's own client.
    `scopes` are separated by spaces.
    """

    provider = models.OneToOneField(IdentityProvider, primary_key=True, on_delete=models.CASCADE, related_name="client")
    issuer = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255)
    encrypted_secret = models.TextField(default="")
    scopes = models.CharField(max_length=255, default="openid email profile")
    audiences = models.JSONField(default=list)
    label = models.CharField(max_length=64, default="", blank=True)  # what the sign-in button says


class FederatedUser(models.Model):
    """The provider's user that a user of ours stands for. `unique_id` is what the mapping's rules call user.id."""

    user = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="federated")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    protocol_id = models.CharField(max_length=64)
    unique_id = models.CharField(max_length=255)
    display_name = models.CharField(max_length=255, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "protocol_id", "unique_id"], name="federated_user")]


class MappedMembership(models.Model):
    """A group that a provider put a user into, until the next sign-in says otherwise.

    It counts in tokens and sessions of that provider as long as they live, and elsewhere (application credentials,
    trusts) until `until`, in seconds since 1970: the sign-in plus the provider's authorization_ttl.
    """

    user = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="mapped")
    group = models.ForeignKey("identity.Group", on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    until = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group", "provider"], name="mapped_membership")]
