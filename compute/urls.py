"""Routes of the compute service, under /api/compute/. One table."""

from django.urls import include, path, re_path

from compute.aggregates import api as aggregates
from compute.consoles import api as consoles
from compute.flavors import api as flavors
from compute.hypervisors import api as hypervisors
from compute.hypervisors import migrations_api as migrations
from compute.keypairs import api as keypairs
from compute.proxies import images_api, networks_api
from compute.quotasets import api as quotas
from compute.servergroups import api as servergroups
from compute.servers.api import actions, events, parts, servers, volumes
from compute.usage import api as usage
from compute.usage import audit_api as audits
from compute.versions import api as versions
from compute.versions import removed

_SERVER = "servers/<str:server_id>"

_routes = [
    *removed.routes,
    path("versions/<str:version>", versions.VersionNamed.as_view()),
    path("extensions", versions.Extensions.as_view()),
    path("extensions/<str:alias>", versions.Extension.as_view()),
    # servers
    path("servers", servers.ServerList.as_view()),
    path("servers/detail", servers.ServerListDetail.as_view()),
    path(_SERVER, servers.ServerDetail.as_view()),
    path(f"{_SERVER}/action", actions.Action.as_view()),
    path(f"{_SERVER}/metadata", parts.Metadata.as_view()),
    path(f"{_SERVER}/metadata/<str:key>", parts.MetadataItem.as_view()),
    path(f"{_SERVER}/tags", parts.Tags.as_view()),
    path(f"{_SERVER}/tags/<str:tag>", parts.TagItem.as_view()),
    path(f"{_SERVER}/ips", parts.Addresses.as_view()),
    path(f"{_SERVER}/ips/<str:network>", parts.AddressesOfNetwork.as_view()),
    path(f"{_SERVER}/os-interface", parts.Interfaces.as_view()),
    path(f"{_SERVER}/os-interface/<str:port_id>", parts.Interface.as_view()),
    path(f"{_SERVER}/os-volume_attachments", volumes.VolumeAttachments.as_view()),
    path(f"{_SERVER}/os-volume_attachments/<str:volume_id>", volumes.VolumeAttachment.as_view()),
    path(f"{_SERVER}/os-security-groups", parts.SecurityGroups.as_view()),
    path(f"{_SERVER}/os-instance-actions", parts.Actions.as_view()),
    path(f"{_SERVER}/os-instance-actions/<str:request_id>", parts.Action.as_view()),
    path(f"{_SERVER}/diagnostics", parts.Diagnostics.as_view()),
    path(f"{_SERVER}/os-server-password", parts.Password.as_view()),
    path(f"{_SERVER}/remote-consoles", consoles.RemoteConsoles.as_view()),
    path(f"{_SERVER}/topology", parts.Topology.as_view()),
    path(f"{_SERVER}/migrations", migrations.ServerMigrations.as_view()),
    path(f"{_SERVER}/migrations/<str:migration_id>", migrations.ServerMigration.as_view()),
    path(f"{_SERVER}/migrations/<str:migration_id>/action", migrations.ServerMigrationAction.as_view()),
    path("os-console-auth-tokens/<str:token>", consoles.AuthToken.as_view()),
    # the same by its oldest name
    path("os-volumes_boot", servers.ServerList.as_view()),
    path("os-volumes_boot/detail", servers.ServerListDetail.as_view()),
    path("os-volumes_boot/<str:server_id>", servers.ServerDetail.as_view()),
    path("os-volumes_boot/<str:server_id>/action", actions.Action.as_view()),
    # flavors
    path("flavors", flavors.FlavorList.as_view()),
    path("flavors/detail", flavors.FlavorListDetail.as_view()),
    path("flavors/<str:flavor_id>", flavors.FlavorDetail.as_view()),
    path("flavors/<str:flavor_id>/action", flavors.FlavorAction.as_view()),
    path("flavors/<str:flavor_id>/os-extra_specs", flavors.ExtraSpecs.as_view()),
    path("flavors/<str:flavor_id>/os-extra_specs/<str:key>", flavors.ExtraSpec.as_view()),
    path("flavors/<str:flavor_id>/os-flavor-access", flavors.FlavorAccess.as_view()),
    # key pairs
    path("os-keypairs", keypairs.KeyPairs.as_view()),
    path("os-keypairs/<str:name>", keypairs.KeyPairDetail.as_view()),
    # groups of servers and of hosts
    path("os-server-groups", servergroups.ServerGroups.as_view()),
    path("os-server-groups/<str:group_id>", servergroups.ServerGroupDetail.as_view()),
    path("os-aggregates", aggregates.Aggregates.as_view()),
    path("os-aggregates/<str:aggregate_id>", aggregates.AggregateDetail.as_view()),
    path("os-aggregates/<str:aggregate_id>/action", aggregates.AggregateAction.as_view()),
    path("os-availability-zone", aggregates.AvailabilityZones.as_view()),
    path("os-availability-zone/detail", aggregates.AvailabilityZonesDetail.as_view()),
    # hosts as operators see them
    path("os-hypervisors", hypervisors.Hypervisors.as_view()),
    path("os-hypervisors/detail", hypervisors.HypervisorsDetail.as_view()),
    path("os-hypervisors/statistics", hypervisors.Statistics.as_view()),
    path("os-hypervisors/<str:hypervisor_id>", hypervisors.Hypervisor.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/uptime", hypervisors.Uptime.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/search", hypervisors.Search.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/servers", hypervisors.Servers.as_view()),
    path("os-services", hypervisors.Services.as_view()),
    path("os-services/<str:service_id>", hypervisors.Service.as_view()),
    path("os-hosts", hypervisors.Hosts.as_view()),
    path("os-hosts/<str:name>", hypervisors.HostDetail.as_view()),
    path("os-hosts/<str:name>/<str:power>", hypervisors.HostPower.as_view()),
    path("os-migrations", migrations.Migrations.as_view()),
    path("os-server-external-events", events.ExternalEvents.as_view()),
    # what other services do now
    path("images", images_api.ImageList.as_view()),
    path("images/detail", images_api.ImageListDetail.as_view()),
    path("images/<str:image_id>", images_api.ImageDetail.as_view()),
    path("images/<str:image_id>/metadata", images_api.ImageMetadata.as_view()),
    path("images/<str:image_id>/metadata/<str:key>", images_api.ImageMetadataItem.as_view()),
    path("os-security-groups", networks_api.SecurityGroups.as_view()),
    path("os-security-groups/<str:group_id>", networks_api.SecurityGroupDetail.as_view()),
    path("os-security-group-rules", networks_api.SecurityGroupRules.as_view()),
    path("os-security-group-rules/<str:rule_id>", networks_api.SecurityGroupRuleDetail.as_view()),
    path("os-floating-ips", networks_api.FloatingIPs.as_view()),
    path("os-floating-ips/<str:floating_id>", networks_api.FloatingIPDetail.as_view()),
    path("os-floating-ip-pools", networks_api.FloatingIPPools.as_view()),
    path("os-networks", networks_api.Networks.as_view()),
    path("os-networks/<str:network_id>", networks_api.NetworkDetail.as_view()),
    path("os-tenant-networks", networks_api.TenantNetworks.as_view()),
    path("os-tenant-networks/<str:network_id>", networks_api.TenantNetworkDetail.as_view()),
    # quotas and usage
    path("limits", quotas.Limits.as_view()),
    path("os-quota-sets/<str:project_id>", quotas.QuotaSet.as_view()),
    path("os-quota-sets/<str:project_id>/detail", quotas.QuotaSetDetail.as_view()),
    path("os-quota-sets/<str:project_id>/defaults", quotas.QuotaDefaults.as_view()),
    path("os-quota-class-sets/<str:name>", quotas.QuotaClass.as_view()),
    path("os-simple-tenant-usage", usage.TenantUsages.as_view()),
    path("os-simple-tenant-usage/<str:project_id>", usage.TenantUsage.as_view()),
    path("os-instance_usage_audit_log", audits.UsageAudits.as_view()),
    path("os-instance_usage_audit_log/<str:before>", audits.UsageAudit.as_view()),
]

#: Nova's second spelling of every route: the project's id before it, as clients of old catalogs write it.
_PROJECT = r"(?P<project_in_path>[0-9a-f-]+)/"

urlpatterns = [
    path("", versions.Versions.as_view()),
    path("v2.1", versions.VersionDetail.as_view()),
    path("v2.1/", include([path("", versions.VersionDetail.as_view()), *_routes])),
    re_path(rf"^v2\.1/{_PROJECT}", include([path("", versions.VersionDetail.as_view(anonymous=False)), *_routes])),
    path("v2", versions.OlderVersionDetail.as_view()),
    path("v2/", include([path("", versions.OlderVersionDetail.as_view()), *_routes])),
    re_path(rf"^v2/{_PROJECT}", include([path("", versions.OlderVersionDetail.as_view(anonymous=False)), *_routes])),
]
