"""Routes of placement, under /api/placement/. One table."""

from django.urls import path

from placement import allocations_api, api, classes_api, inventories_api, traits_api

_ONE = "resource_providers/<str:id>"

urlpatterns = [
    path("", api.Versions.as_view()),
    path("resource_providers", api.Providers.as_view()),
    path(_ONE, api.Provider.as_view()),
    path(f"{_ONE}/inventories", inventories_api.Inventories.as_view()),
    path(f"{_ONE}/inventories/<str:name>", inventories_api.InventoryItem.as_view()),
    path(f"{_ONE}/usages", api.Usages.as_view()),
    path(f"{_ONE}/traits", traits_api.ProviderTraits.as_view()),
    path(f"{_ONE}/aggregates", traits_api.Aggregates.as_view()),
    path(f"{_ONE}/allocations", allocations_api.ProviderAllocations.as_view()),
    path("traits", traits_api.Traits.as_view()),
    path("traits/<str:name>", traits_api.TraitItem.as_view()),
    path("resource_classes", classes_api.ResourceClasses.as_view()),
    path("resource_classes/<str:name>", classes_api.ResourceClass.as_view()),
    path("usages", classes_api.ProjectUsages.as_view()),
    path("allocations", allocations_api.ManyAllocations.as_view()),
    path("allocations/<str:id>", allocations_api.Allocations.as_view()),
    path("allocation_candidates", allocations_api.Candidates.as_view()),
]
