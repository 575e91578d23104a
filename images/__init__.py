"""Glance: images, their bytes, who may see them, and what the bytes really are."""
