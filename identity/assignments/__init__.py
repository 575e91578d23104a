"""Role assignments: one guardian row each."""
