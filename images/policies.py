"""Who may do what with images, by Glance's names. Sharing one image has no name there: `image:share`, `image:who`."""

from authorization import rules
from images.images import sharing

#: Our name of before → its check, and the rules of Glance's that it guarded.
_BEFORE: dict[str, tuple[str, tuple[str, ...]]] = {
    "image:get_images": (
        "rule:any",
        (
            "get_images",
            "get_image",
        ),
    ),
    "image:add_image": ("rule:member", ("add_image",)),
    "image:modify_image": ("rule:member or share:full", ("modify_image",)),
    "image:delete_image": ("rule:member or share:full", ("delete_image",)),
    "image:upload_image": ("rule:member or share:full", ("upload_image",)),
    "image:download_image": ("rule:any", ("download_image",)),
    "image:publicize_image": ("rule:admin", ("publicize_image",)),
    "image:communitize_image": ("rule:member", ("communitize_image",)),
    "image:deactivate": ("rule:member or share:operate", ("deactivate",)),
    "image:reactivate": ("rule:member or share:operate", ("reactivate",)),
    "image:manage_members": (
        "rule:member",
        (
            "add_member",
            "delete_member",
        ),
    ),
    "image:stores_detail": ("rule:admin", ("stores_info_detail",)),
    "image:tasks": (
        "rule:reader",
        (
            "get_tasks",
            "get_task",
        ),
    ),
    "image:tasks_create": ("rule:admin", ("add_task",)),
    "image:metadefs_read": (
        "rule:any",
        (
            "get_metadef_namespaces",
            "get_metadef_namespace",
            "get_metadef_objects",
            "get_metadef_object",
            "get_metadef_properties",
            "get_metadef_property",
            "get_metadef_tags",
            "get_metadef_tag",
            "list_metadef_resource_types",
            "get_metadef_resource_type",
        ),
    ),
    "image:metadefs_write": (
        "rule:admin",
        (
            "add_metadef_namespace",
            "modify_metadef_namespace",
            "delete_metadef_namespace",
            "add_metadef_object",
            "modify_metadef_object",
            "delete_metadef_object",
            "add_metadef_property",
            "modify_metadef_property",
            "remove_metadef_property",
            "add_metadef_tag",
            "add_metadef_tags",
            "modify_metadef_tag",
            "delete_metadef_tag",
            "delete_metadef_tags",
            "add_metadef_resource_type_association",
            "remove_metadef_resource_type_association",
        ),
    ),
}

RULES: dict[str, str] = {
    **{rule: check for check, new in _BEFORE.values() for rule in new},
    "get_member": "rule:any",
    "get_members": "rule:any",
    "modify_member": "rule:any",
    "image:share": "rule:member or share:full",
    "image:who": "rule:reader",
}
OLD: dict[str, str] = {name: check for name, (check, _new) in _BEFORE.items()}
FORMERLY: dict[str, str] = {rule: f"rule:{name}" for name, (_check, new) in _BEFORE.items() for rule in new}

_DESCRIBED = {
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
    "image:stores_detail": "See how the image stores are set up",
    "image:tasks": "Look at imports",
    "image:tasks_create": "Start an import by the older way, POST /v2/tasks",
    "image:metadefs_read": "Read metadata definitions",
    "image:metadefs_write": "Change metadata definitions",
}
DESCRIPTIONS = {
    **{rule: text for name, text in _DESCRIBED.items() for rule in _BEFORE[name][1]},
    "get_member": "See with which projects an image is shared",
    "get_members": "See with which projects an image is shared",
    "modify_member": "Take or refuse an image that another project shares",
    "image:share": "Share one image with a user or a group",
    "image:who": "See who can see an image of the project",
}


def register() -> None:
    sharing.register()
    rules.register("image", RULES, DESCRIPTIONS, formerly=FORMERLY, old=OLD)
