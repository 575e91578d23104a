"""The life of a server once it is there: its states, its verbs with their flows, and how it is reconciled with its host."""
