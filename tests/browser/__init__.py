"""The portal in Chromium, against a cloud of its own."""
