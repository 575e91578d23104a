"""Routes of the volume service, under /api/volume/. One table."""

from django.urls import include, path, re_path

from volumes import versions_api as versions
from volumes.backends import api as backends
from volumes.quotasets import api as quotas
from volumes.snapshots import api as snapshots
from volumes.types import api as types
from volumes.volumes import actions_api
from volumes.volumes import api as volumes

_routes = [
    path("volumes", volumes.Volumes.as_view()),
    path("volumes/detail", volumes.VolumesDetail.as_view()),
    path("volumes/<str:id>", volumes.VolumeDetail.as_view()),
    path("volumes/<str:id>/action", actions_api.Action.as_view()),
    path("volumes/<str:id>/metadata", volumes.VolumeMetadata.as_view()),
    path("volumes/<str:id>/metadata/<str:key>", volumes.VolumeMetadataItem.as_view()),
    path("snapshots", snapshots.Snapshots.as_view()),
    path("snapshots/detail", snapshots.SnapshotsDetail.as_view()),
    path("snapshots/<str:id>", snapshots.SnapshotDetail.as_view()),
    path("types", types.Types.as_view()),
    path("types/<str:id>", types.TypeDetail.as_view()),
    path("types/<str:id>/action", types.TypeAction.as_view()),
    path("types/<str:id>/os-volume-type-access", types.TypeAccessList.as_view()),
    path("types/<str:id>/extra_specs", types.ExtraSpecs.as_view()),
    path("types/<str:id>/extra_specs/<str:key>", types.ExtraSpec.as_view()),
    path("os-services", backends.Services.as_view()),
    path("os-services/<str:verb>", backends.ServiceSwitch.as_view()),
    path("scheduler-stats/get_pools", backends.Pools.as_view()),
    path("os-availability-zone", backends.Zones.as_view()),
    path("limits", quotas.Limits.as_view()),
    path("os-quota-sets/<str:project_id>", quotas.QuotaSet.as_view()),
    path("os-quota-sets/<str:project_id>/defaults", quotas.QuotaDefaults.as_view()),
    path("os-quota-class-sets/<str:name>", quotas.QuotaClass.as_view()),
]

#: Cinder's second spelling of every route: the project's id before it.
_PROJECT = r"(?P<project_in_path>[0-9a-f-]{32,36})/"

urlpatterns = [
    path("", versions.Versions.as_view()),
    path("v3", versions.VersionDetail.as_view()),
    path("v3/", include([path("", versions.VersionDetail.as_view()), *_routes])),
    re_path(rf"^v3/{_PROJECT}", include(_routes)),
]
