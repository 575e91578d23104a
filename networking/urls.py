"""Every route of the network service. Clients add or leave out a slash at the end; Neutron takes both."""

from django.urls import URLPattern, re_path
from django.views import View

from networking.agents import api as agents
from networking.agents import scheduling_api as scheduling
from networking.extensions import api as extensions
from networking.floatingips import api as floatingips
from networking.networks import api as networks
from networking.ports import api as ports
from networking.quotasets import api as quotas
from networking.rbac import api as rbac
from networking.routers import api as routers
from networking.securitygroups import api as securitygroups
from networking.subnetpools import api as subnetpools
from networking.subnets import api as subnets
from networking.tags import api as tags

ID = r"(?P<id>[^/]+?)"


def route(pattern: str, view: type[View]) -> URLPattern:
    made: URLPattern = re_path(rf"^v2\.0/{pattern}(?:\.json)?/?$", view.as_view())
    return made


def resource(plural: str, collection: type[View], member: type[View]) -> list[URLPattern]:
    return [route(plural, collection), route(f"{plural}/{ID}", member)]


urlpatterns = [
    re_path(r"^$", extensions.Versions.as_view()),
    re_path(r"^v2\.0/?$", extensions.Version.as_view()),
    *resource("networks", networks.Networks, networks.NetworkDetail),
    *resource("subnets", subnets.Subnets, subnets.SubnetDetail),
    *resource("ports", ports.Ports, ports.PortDetail),
    *resource("routers", routers.Routers, routers.RouterDetail),
    *resource("floatingips", floatingips.FloatingIPs, floatingips.FloatingIPDetail),
    *resource("security-groups", securitygroups.SecurityGroups, securitygroups.SecurityGroupDetail),
    *resource("security-group-rules", securitygroups.SecurityGroupRules, securitygroups.SecurityGroupRuleDetail),
    *resource("subnetpools", subnetpools.SubnetPools, subnetpools.SubnetPoolDetail),
    *resource("address-scopes", subnetpools.AddressScopes, subnetpools.AddressScopeDetail),
    *resource("rbac-policies", rbac.RbacPolicies, rbac.RbacPolicyDetail),
    route(f"routers/{ID}/add_router_interface", routers.AddInterface),
    route(f"routers/{ID}/remove_router_interface", routers.RemoveInterface),
    route(f"routers/{ID}/l3-agents", agents.RouterAgents),
    route(f"networks/{ID}/dhcp-agents", agents.NetworkAgents),
    route("agents", agents.Agents),
    route(f"agents/{ID}", agents.AgentDetail),
    route(f"agents/{ID}/dhcp-networks", scheduling.DhcpNetworks),
    route(f"agents/{ID}/dhcp-networks/(?P<network_id>[^/]+?)", scheduling.DhcpNetworkDetail),
    route(f"agents/{ID}/l3-routers", scheduling.L3Routers),
    route(f"agents/{ID}/l3-routers/(?P<router_id>[^/]+?)", scheduling.L3RouterDetail),
    route("availability_zones", agents.AvailabilityZones),
    route("network-ip-availabilities", agents.IPAvailabilities),
    route(f"network-ip-availabilities/{ID}", agents.IPAvailability),
    route("extensions", extensions.Extensions),
    route("extensions/(?P<alias>[^/]+?)", extensions.ExtensionDetail),
    route("service-providers", extensions.ServiceProviders),
    route("quotas", quotas.Quotas),
    *(route(f"quotas/{word}", quotas.OwnProject) for word in ("tenant", "project")),
    route("quotas/(?P<project_id>[^/]+?)", quotas.QuotaDetail),
    route("quotas/(?P<project_id>[^/]+?)/default", quotas.QuotaDefaults),
    route("quotas/(?P<project_id>[^/]+?)/details", quotas.QuotaUsage),
    route(f"(?P<kind>[a-z_-]+)/{ID}/tags", tags.Tags),
    route(f"(?P<kind>[a-z_-]+)/{ID}/tags/(?P<tag>[^/]+)", tags.TagDetail),
]
