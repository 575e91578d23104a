"""OAuth 1.0a consumers and tokens."""
