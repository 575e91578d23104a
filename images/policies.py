"""Who may do what with images."""

RULES = {
    "image:get_images": "rule:any",
    "image:add_image": "rule:member",
    "image:modify_image": "rule:member",
    "image:delete_image": "rule:member",
    "image:upload_image": "rule:member",
    "image:download_image": "rule:any",
    "image:publicize_image": "rule:admin",
    "image:communitize_image": "rule:member",
    "image:deactivate": "rule:member",
    "image:reactivate": "rule:member",
    "image:manage_members": "rule:member",
    "image:tasks": "rule:reader",
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
    "image:tasks": "Look at imports",
    "image:metadefs_read": "Read metadata definitions",
    "image:metadefs_write": "Change metadata definitions",
}
