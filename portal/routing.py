"""Sockets of the portal; the front door sends /ws/ here."""

from django.urls import path

from portal.consumers import Live

websocket_urlpatterns = [path("ws/", Live.as_asgi())]
