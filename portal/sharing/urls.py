"""Addresses of sharing: of one instance, image or network."""

from django.urls import path

from portal.sharing import views

urlpatterns = [
    path("share/<str:kind>/<str:id>", views.SHARE.as_view(), name="share"),
    path("share/<str:kind>/<str:id>/give-up", views.GIVE_UP.as_view(), name="share-give-up"),
    path(
        "share/<str:kind>/<str:id>/<str:share>/withdraw",
        views.Withdraw.as_view(about=views.SHARE),
        name="share-withdraw",
    ),
]
