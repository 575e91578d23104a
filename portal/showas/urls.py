"""Addresses of other forms of actions, and of the recorder, which watches every action from here on."""

from django.urls import path

from portal.showas import recorder, views
from portal.ui import calls

calls.WATCHERS.append(recorder.watch)

urlpatterns = [
    path("show-as", views.ShowAs.as_view(), name="show-as"),
    path("recording", views.Recording.as_view(), name="recording"),
    path("recording/script.<str:form>", views.Script.as_view(), name="recording-script"),
]
