"""Projects with whom a shared image is shared, and whether they accepted."""
