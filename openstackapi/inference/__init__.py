"""What a view answers, read from its own source: the answers in OpenAPI come from the code that makes them."""
