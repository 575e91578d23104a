"""Metadata definitions: which properties mean what, for images, flavors, volumes and servers.

A namespace holds objects, properties, tags and associations with resource types; the four are rows of one kind here.
"""
