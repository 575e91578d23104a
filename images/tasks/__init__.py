"""Imports: work on an image that goes on after the answer."""
