"""Django's backend for PostgreSQL, whose writes are watched."""
