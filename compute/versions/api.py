"""Version documents. GET / lists the versions, GET /v2.1 describes the one there is."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import NotFound
from compute.views import ComputeView, ItemNotFound, Response
from openstackapi import microversion, states
from openstackapi.shapes import LINKS

UPDATED = "2013-07-23T11:33:21Z"
OLDER = {
    "id": "v2.0",
    "status": states.SUPPORTED,
    "version": "",
    "min_version": "",
    "updated": "2011-01-21T11:33:21Z",
}
_MEDIA = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]


def _version(base: str) -> dict[str, Any]:
    known = microversion.range_of("compute")
    assert known is not None
    return {
        "id": "v2.1",
        "status": states.CURRENT,
        "version": microversion.text_of(known.maximum),
        "min_version": microversion.text_of(known.minimum),
        "updated": UPDATED,
        "links": [{"rel": "self", "href": f"{base}/v2.1/"}],
    }


_SHOWN = {"id": str, "status": str, "version": str, "min_version": str, "updated": str, "links": LINKS}
_DETAIL = {
    **_SHOWN,
    "links": [{"rel": str, "href": str, "type?": str}],
    "media-types": [{"base": str, "type": str}],
}
_EXTENSION = {"alias": str, "name": str, "description": str, "links": LINKS, "namespace": str, "updated": str}


class Versions(ComputeView):
    anonymous = True
    answers = {"get": {200: {"versions": [_SHOWN]}}}

    def get(self, request: Any) -> Response:
        older = {**OLDER, "links": [{"rel": "self", "href": f"{self.base}/v2/"}]}
        return Response({"versions": [older, _version(self.base)]})


class OlderVersionDetail(ComputeView):
    """2.0 is 2.1 without microversions, as in Nova since it forgot its first code."""

    anonymous = True
    answers = {"get": {200: {"version": _DETAIL}}}

    def get(self, request: object) -> Response:
        return Response(_older(self.root(), self.base))


class VersionDetail(ComputeView):
    anonymous = True
    answers = {"get": {200: {"version": _DETAIL}}}

    def get(self, request: object) -> Response:
        return Response(_newest(self.root(), self.base))


class VersionNamed(ComputeView):
    """GET /v2.1/versions/v2.1; below /v2 every name is 2.0's, as in Nova."""

    answers = {"get": {200: {"version": _DETAIL}}}

    def get(self, request: object, version: str) -> Response:
        if self.is_older or version == OLDER["id"]:
            return Response(_older(self.root(), self.base))
        if version != "v2.1":
            raise NotFound(what="Version", id=version)
        return Response(_newest(self.root(), self.base))


def _described(root: str) -> dict[str, str]:
    return {"rel": "describedby", "type": "text/html", "href": f"{root}/api/docs/"}


def _older(root: str, base: str) -> dict[str, object]:
    links = [{"rel": "self", "href": f"{base}/v2/"}, _described(root)]
    media = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}]
    return {"version": {**OLDER, "links": links, "media-types": media}}


def _newest(root: str, base: str) -> dict[str, object]:
    version = _version(base)
    return {"version": {**version, "links": [*version["links"], _described(root)], "media-types": _MEDIA}}


class Extensions(ComputeView):
    """Nova's list of extensions, for old clients: all of them are part of 2.1 itself."""

    answers = {"get": {200: {"extensions": [_EXTENSION]}}}

    def get(self, request: object) -> Response:
        return Response({"extensions": [_extension(alias, name) for alias, name in EXTENSIONS.items()]})


class Extension(ComputeView):
    answers = {"get": {200: {"extension": _EXTENSION}}}

    def get(self, request: object, alias: str) -> Response:
        if alias not in EXTENSIONS:
            raise ItemNotFound(reason=_("Extension with alias %(alias)s does not exist"), alias=alias)
        return Response({"extension": _extension(alias, EXTENSIONS[alias])})


def _extension(alias: str, name: str) -> dict[str, object]:
    return {
        "alias": alias,
        "name": name,
        "description": f"{name}.",
        "links": [],
        "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
        "updated": "2014-12-03T00:00:00Z",
    }


EXTENSIONS = {
    "NMN": "Multinic",
    "OS-DCF": "DiskConfig",
    "OS-EXT-AZ": "ExtendedAvailabilityZone",
    "OS-EXT-IMG-SIZE": "ImageSize",
    "OS-EXT-IPS": "ExtendedIps",
    "OS-EXT-IPS-MAC": "ExtendedIpsMac",
    "OS-EXT-SRV-ATTR": "ExtendedServerAttributes",
    "OS-EXT-STS": "ExtendedStatus",
    "OS-FLV-DISABLED": "FlavorDisabled",
    "OS-FLV-EXT-DATA": "FlavorExtraData",
    "OS-SCH-HNT": "SchedulerHints",
    "OS-SRV-USG": "ServerUsage",
    "os-access-ips": "AccessIPs",
    "os-admin-actions": "AdminActions",
    "os-aggregates": "Aggregates",
    "os-attach-interfaces": "AttachInterfaces",
    "os-availability-zone": "AvailabilityZone",
    "os-block-device-mapping-v2-boot": "BlockDeviceMappingV2Boot",
    "os-config-drive": "ConfigDrive",
    "os-console-auth-tokens": "ConsoleAuthTokens",
    "os-console-output": "ConsoleOutput",
    "os-consoles": "Consoles",
    "os-create-backup": "CreateBackup",
    "os-deferred-delete": "DeferredDelete",
    "os-extended-floating-ips": "ExtendedFloatingIps",
    "os-extended-hypervisors": "ExtendedHypervisors",
    "os-extended-quotas": "ExtendedQuotas",
    "os-extended-services": "ExtendedServices",
    "os-extended-status": "ExtendedStatus",
    "os-extended-volumes": "ExtendedVolumes",
    "os-flavor-access": "FlavorAccess",
    "os-flavor-extra-specs": "FlavorExtraSpecs",
    "os-flavor-manage": "FlavorManage",
    "os-flavor-rxtx": "FlavorRxtx",
    "os-flavor-swap": "FlavorSwap",
    "os-floating-ip-pools": "FloatingIpPools",
    "os-floating-ips": "FloatingIps",
    "os-hosts": "Hosts",
    "os-hypervisor-status": "HypervisorStatus",
    "os-hypervisors": "Hypervisors",
    "os-instance-actions": "InstanceActions",
    "os-instance_usage_audit_log": "OSInstanceUsageAuditLog",
    "os-keypairs": "Keypairs",
    "os-lock-server": "LockServer",
    "os-migrations": "Migrations",
    "os-multiple-create": "MultipleCreate",
    "os-networks": "Networks",
    "os-pause-server": "PauseServer",
    "os-personality": "Personality",
    "os-preserve-ephemeral-rebuild": "PreserveEphemeralOnRebuild",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-security-groups": "SecurityGroups",
    "os-server-diagnostics": "ServerDiagnostics",
    "os-server-external-events": "ServerExternalEvents",
    "os-server-group-quotas": "ServerGroupQuotas",
    "os-server-groups": "ServerGroups",
    "os-server-list-multi-status": "ServerListMultiStatus",
    "os-server-password": "ServerPassword",
    "os-server-sort-keys": "ServerSortKeys",
    "os-server-start-stop": "ServerStartStop",
    "os-services": "Services",
    "os-shelve": "Shelve",
    "os-simple-tenant-usage": "SimpleTenantUsage",
    "os-suspend-server": "SuspendServer",
    "os-tenant-networks": "OSTenantNetworks",
    "os-used-limits": "UsedLimits",
    "os-used-limits-for-admin": "UsedLimitsForAdmin",
    "os-user-data": "UserData",
}
