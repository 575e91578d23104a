"""How long each server ran."""
