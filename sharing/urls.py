"""Routes of our own beside Keystone's: sharing one object, who can see it, and why one may not."""

from identity.urls import below_v3, pair, route
from sharing import api

urlpatterns = below_v3(
    [
        *pair("shares", api.ShareList, api.ShareItem),
        route("access/<str:object_type>/<str:object_id>", api.WhoCanSee),
        route("explain", api.Explain),
    ]
)
