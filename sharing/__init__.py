"""Sharing one object: a user or a group may view, use or run one instance, image or network until a time."""
