"""Networks, routers, floating IPs and RBAC policies of every project, for operators."""
