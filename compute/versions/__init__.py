"""Version documents and extensions."""
