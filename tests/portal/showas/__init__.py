"""Actions and lists in their other forms."""
