"""Authorization: may this caller do this? The table of policy rules, the decision, and why it was no. It knows no user by name."""
