"""/metrics: what processes count (local), what the database knows (rows), and how the broker and the front door are."""
