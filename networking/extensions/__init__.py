"""The list of extensions that really work here."""
