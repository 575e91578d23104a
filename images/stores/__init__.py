"""Where bytes are kept. One driver today: a folder."""
