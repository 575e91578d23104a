"""Usage by month or by days: of a project's instances, and of every project for operators."""
