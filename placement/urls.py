"""Routes of placement, under /api/placement/."""

from django.urls import path

urlpatterns: list = []
