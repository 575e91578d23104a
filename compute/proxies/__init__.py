"""What Nova passed on to other services until 2.35: kept for clients that still ask here."""
