"""Host aggregates and the availability zones made of them."""
