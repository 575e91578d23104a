"""An image: a name, a format, properties, and bytes that were looked at when they arrived."""
