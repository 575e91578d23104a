"""The agent that runs on every host: no Django, no database, only orders in and reports out."""
