"""Addresses of other forms of actions."""

from django.urls import path

from portal.showas import views

urlpatterns = [
    path("show-as", views.ShowAs.as_view(), name="show-as"),
]
