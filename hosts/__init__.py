"""Host rows: what each host is, whether it is heard, and how casts reach it."""
