"""Policy rules of the image service."""

from authorization import rules
from images.images import sharing

RULES = {
    "image:get_images": "rule:any",
    "image:add_image": "rule:member",
    "image:modify_image": "rule:member or share:full",
    "image:delete_image": "rule:member or share:full",
    "image:upload_image": "rule:member or share:full",
    "image:download_image": "rule:any",
    "image:publicize_image": "rule:admin",
    "image:communitize_image": "rule:member",
    "image:deactivate": "rule:member or share:operate",
    "image:reactivate": "rule:member or share:operate",
    "image:manage_members": "rule:member",
    "image:share": "rule:member or share:full",
    "image:stores_detail": "rule:admin",
    "image:who": "rule:reader",
    "image:tasks": "rule:reader",
    "image:tasks_create": "rule:admin",
    "image:metadefs_read": "rule:any",
    "image:metadefs_write": "rule:admin",
}
DESCRIPTIONS = {
    "image:get_images": "List and show images that are visible to the project",
    "image:add_image": "Create an image",
    "image:modify_image": "Change an image's attributes, properties and tags",
    "image:delete_image": "Delete an image",
    "image:upload_image": "Upload, stage or import an image's data",
    "image:download_image": "Download the data of a visible image",
    "image:publicize_image": "Show an image to every project",
    "image:communitize_image": "Let every project use an image without listing it",
    "image:deactivate": "Keep an image from being read and booted",
    "image:reactivate": "Allow a deactivated image again",
    "image:manage_members": "Share an image with other projects",
    "image:share": "Share one image with a user or a group",
    "image:stores_detail": "See how the image stores are set up",
    "image:who": "See who can see an image of the project",
    "image:tasks": "Look at imports",
    "image:tasks_create": "Start an import by the older way, POST /v2/tasks",
    "image:metadefs_read": "Read metadata definitions",
    "image:metadefs_write": "Change metadata definitions",
}


def register() -> None:
    sharing.register()
    rules.register("image", RULES, DESCRIPTIONS)
