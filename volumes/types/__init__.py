"""Volume types: what a volume asks of the backend that takes it."""
