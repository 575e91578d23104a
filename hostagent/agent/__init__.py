"""The agent's process: one host, the RPC casts it takes, their queues, its journal and what it reports."""
