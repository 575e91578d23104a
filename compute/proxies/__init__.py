"""Nova's proxies to other services, which ended with 2.35: kept for clients that still use them."""
