"""Servers as the compute API shows and takes them: routes' views, schemas, fields, filters."""
