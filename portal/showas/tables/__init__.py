"""The tables: kinds of calls, and which of them each action and list of the portal is. A module a service."""
