"""The launch of servers: checks of a request, the choice of a host, what a new guest gets."""
