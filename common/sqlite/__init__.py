"""Django's SQLite backend with a queue before the writer's lock."""
