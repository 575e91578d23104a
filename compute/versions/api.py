"""Version documents. GET / lists the versions, GET /v2.1 describes the one there is."""

from typing import Any

from compute.views import ComputeView, Response
from openstackapi import microversion

UPDATED = "2013-07-23T11:33:21Z"
OLDER = {
    "id": "v2.0",
    "status": "SUPPORTED",
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
        "status": "CURRENT",
        "version": microversion.text_of(known.maximum),
        "min_version": microversion.text_of(known.minimum),
        "updated": UPDATED,
        "links": [{"rel": "self", "href": f"{base}/v2.1/"}],
    }


class Versions(ComputeView):
    anonymous = True

    def get(self, request: Any) -> Response:
        older = {**OLDER, "links": [{"rel": "self", "href": f"{self.base}/v2/"}]}
        return Response({"versions": [older, _version(self.base)]})


class OlderVersionDetail(ComputeView):
    """2.0 is 2.1 without microversions, as in Nova since it forgot its first code."""

    anonymous = True

    def get(self, request: Any) -> Response:
        described = {"rel": "describedby", "type": "text/html", "href": f"{self.root()}/api/docs/"}
        links = [{"rel": "self", "href": f"{self.base}/v2/"}, described]
        media = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}]
        return Response({"version": {**OLDER, "links": links, "media-types": media}})


class VersionDetail(ComputeView):
    anonymous = True

    def get(self, request: Any) -> Response:
        described = {"rel": "describedby", "type": "text/html", "href": f"{self.root()}/api/docs/"}
        version = _version(self.base)
        version["links"] = [*version["links"], described]
        return Response({"version": {**version, "media-types": _MEDIA}})


class Extensions(ComputeView):
    """Everything is part of 2.1 itself; the list says so for clients of old."""

    def get(self, request: Any) -> Response:
        return Response({"extensions": [_extension(alias, name) for alias, name in EXTENSIONS.items()]})


class Extension(ComputeView):
    def get(self, request: Any, alias: str) -> Response:
        from compute.servers.parts_api import Missing

        if alias not in EXTENSIONS:
            raise Missing(reason=f"Extension with alias {alias} does not exist")
        return Response({"extension": _extension(alias, EXTENSIONS[alias])})


def _extension(alias: str, name: str) -> dict[str, Any]:
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
    "os-admin-actions": "AdminActions",
    "os-aggregates": "Aggregates",
    "os-attach-interfaces": "AttachInterfaces",
    "os-availability-zone": "AvailabilityZone",
    "os-config-drive": "ConfigDrive",
    "os-console-output": "ConsoleOutput",
    "os-consoles": "Consoles",
    "os-create-backup": "CreateBackup",
    "os-deferred-delete": "DeferredDelete",
    "os-extended-volumes": "ExtendedVolumes",
    "os-flavor-access": "FlavorAccess",
    "os-flavor-extra-specs": "FlavorExtraSpecs",
    "os-flavor-manage": "FlavorManage",
    "os-flavor-rxtx": "FlavorRxtx",
    "os-flavor-swap": "FlavorSwap",
    "os-hosts": "Hosts",
    "os-hypervisors": "Hypervisors",
    "os-instance-actions": "InstanceActions",
    "os-keypairs": "Keypairs",
    "os-migrations": "Migrations",
    "os-multiple-create": "MultipleCreate",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-server-groups": "ServerGroups",
    "os-server-password": "ServerPassword",
    "os-services": "Services",
    "os-shelve": "Shelve",
    "os-simple-tenant-usage": "SimpleTenantUsage",
    "os-used-limits": "UsedLimits",
    "os-user-data": "UserData",
}
