"""Sockets of the portal; the reverse proxy sends /ws/ here."""

from django.urls import path

from portal.consumers import Live

websocket_urlpatterns = [path("ws/", Live.as_asgi())]
