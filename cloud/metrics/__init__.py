"""/metrics: figures of the processes (local), of the database (rows), of the broker and of the reverse proxy."""
