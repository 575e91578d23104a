"""Transport between control and agents: the broker, its queues, the signed and encrypted envelope. Used by both sides."""
