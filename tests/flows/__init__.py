"""Every flow, at every step, in every kind of trouble; in one process, with hosts that answer at once."""
