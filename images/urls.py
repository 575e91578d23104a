"""The image service's route table, below /api/image/."""

from django.urls import include, path

from images.images import api as images
from images.images import data_api
from images.members import api as members
from images.stores import api as about
from images.tasks import api as tasks

IMAGE = "v2/images/<str:image_id>"

urlpatterns = [
    path("", about.Versions.as_view()),
    path("versions", about.NamedVersions.as_view()),
    path("v2", about.Versions.as_view(schema=None)),
    path("v2/", about.Versions.as_view(schema=None)),
    path("v2/schemas/<path:name>", about.Schemas.as_view()),
    path("v2/info/import", about.ImportMethods.as_view()),
    path("v2/info/stores", about.Stores.as_view()),
    path("v2/info/stores/detail", about.StoresDetail.as_view()),
    path("v2/info/usage", about.Usage.as_view()),
    path("v2/stores/<str:store_id>/<str:image_id>", about.StoredImage.as_view()),
    path("v2/images", images.Images.as_view()),
    path(IMAGE, images.ImageDetail.as_view()),
    path(f"{IMAGE}/actions/deactivate", images.ImageAction.as_view(verb="deactivate")),
    path(f"{IMAGE}/actions/reactivate", images.ImageAction.as_view(verb="reactivate")),
    path(f"{IMAGE}/tags/<str:tag>", images.ImageTagDetail.as_view()),
    path(f"{IMAGE}/file", data_api.ImageFile.as_view()),
    path(f"{IMAGE}/stage", data_api.ImageStage.as_view()),
    path(f"{IMAGE}/import", tasks.ImageImport.as_view()),
    path(f"{IMAGE}/tasks", tasks.ImageTasks.as_view()),
    path(f"{IMAGE}/members", members.Members.as_view()),
    path(f"{IMAGE}/members/<str:member_id>", members.MemberDetail.as_view()),
    path("v2/metadefs/", include("images.metadefs.urls")),
    path("v2/tasks", tasks.Tasks.as_view()),
    path("v2/tasks/<str:task_id>", tasks.TaskDetail.as_view()),
]
