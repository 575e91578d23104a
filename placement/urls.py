"""Routes of placement, under /api/placement/. One table."""

from django.urls import path

from placement import api

_ONE = "resource_providers/<str:id>"

urlpatterns = [
    path("", api.Versions.as_view()),
    path("resource_providers", api.Providers.as_view()),
    path(_ONE, api.Provider.as_view()),
    path(f"{_ONE}/inventories", api.Inventories.as_view()),
    path(f"{_ONE}/inventories/<str:name>", api.InventoryItem.as_view()),
    path(f"{_ONE}/usages", api.Usages.as_view()),
    path(f"{_ONE}/traits", api.ProviderTraits.as_view()),
    path(f"{_ONE}/aggregates", api.Aggregates.as_view()),
    path(f"{_ONE}/allocations", api.ProviderAllocations.as_view()),
    path("traits", api.Traits.as_view()),
    path("traits/<str:name>", api.TraitItem.as_view()),
    path("allocations/<str:id>", api.Allocations.as_view()),
    path("allocation_candidates", api.Candidates.as_view()),
]
