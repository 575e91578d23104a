"""/metrics: what processes count (local), what the database knows (rows), and how the broker and the reverse proxy are."""
