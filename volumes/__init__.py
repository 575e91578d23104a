"""Volumes: disks that outlive servers. Cinder's API v3."""
