"""The demo image: a guest of a few megabytes made from Debian's own packages, to try the cloud and test it."""
