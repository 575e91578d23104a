"""The demo image: a guest of a few megabytes made from Debian's own packages, for trying the cloud and for its tests."""
