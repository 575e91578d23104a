"""Networks of Linux bridges: VXLAN between hosts, nftables for security groups, dnsmasq, routers in namespaces."""
