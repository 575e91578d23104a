"""Activity: what was changed, by whom, from where and how it went; and what one request did."""
