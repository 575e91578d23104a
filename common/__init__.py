"""Ground that every part stands on: no models, no Django apps above it."""
