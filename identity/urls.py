"""Routes of /api/identity/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
