"""The overview, activity, notices, the search palette and request timelines."""
