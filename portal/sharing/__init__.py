"""Sharing one object with somebody, and who can see it: the dialog, and the part on the object's page."""
