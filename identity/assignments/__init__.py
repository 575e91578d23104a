"""Who has which role where: one guardian row each."""
