"""Ground that every app stands on: no models, no HTTP."""
