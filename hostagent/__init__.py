"""The agent that runs on every host: no Django, no database, only casts in and reports out."""
