"""Identity providers, mappings, protocols, service providers."""
