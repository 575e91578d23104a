"""The dashboard: server-rendered pages over the same services that the APIs call, and one socket that says what changed."""
