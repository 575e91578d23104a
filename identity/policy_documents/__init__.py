"""Policy blobs and what they are attached to."""
