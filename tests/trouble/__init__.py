"""A running cloud of fake hosts, and what breaks: processes killed, the broker away, the database locked, bad input."""
