"""What every Python process of the cloud has: logs, traces, key files, durable files, a small memory."""
