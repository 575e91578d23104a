"""Ground of every Python process of the cloud: logs, traces, key files, durable files, a small memory."""
