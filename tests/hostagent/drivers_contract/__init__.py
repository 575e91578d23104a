"""What every driver of a kind keeps to: one set of tests, run with each of them, the fakes among them."""
