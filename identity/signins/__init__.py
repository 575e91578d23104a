"""Portal sessions as rows, the steps of a sign-in, and the tries that failed."""
