"""Networks, subnets, ports, routers, security groups, floating IPs."""
