"""Routes for host agents, below /internal/."""

from django.urls import path

from images.internal_api import InternalImage

urlpatterns = [path("images/<str:image_id>", InternalImage.as_view())]
