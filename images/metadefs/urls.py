"""Routes of metadata definitions, below /api/image/v2/metadefs/."""

from django.urls import path

from images.metadefs import api
from images.metadefs.models import OBJECT, PROPERTY, RESOURCE_TYPE, TAG

NAMESPACE = "namespaces/<str:namespace>"

urlpatterns = [
    path("namespaces", api.Namespaces.as_view()),
    path(NAMESPACE, api.NamespaceDetail.as_view()),
    path(f"{NAMESPACE}/{OBJECT}", api.Objects.as_view()),
    path(f"{NAMESPACE}/{OBJECT}/<str:name>", api.ObjectDetail.as_view()),
    path(f"{NAMESPACE}/{PROPERTY}", api.Properties.as_view()),
    path(f"{NAMESPACE}/{PROPERTY}/<str:name>", api.PropertyDetail.as_view()),
    path(f"{NAMESPACE}/{TAG}", api.Tags.as_view()),
    path(f"{NAMESPACE}/{TAG}/<str:name>", api.TagDetail.as_view()),
    path(f"{NAMESPACE}/{RESOURCE_TYPE}", api.Associations.as_view()),
    path(f"{NAMESPACE}/{RESOURCE_TYPE}/<str:name>", api.AssociationDetail.as_view()),
    path("resource_types", api.ResourceTypes.as_view()),
]
