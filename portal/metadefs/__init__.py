"""Metadata definitions: what keys of flavors, images, aggregates and instances may be called, and what they mean."""
