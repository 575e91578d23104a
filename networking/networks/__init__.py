"""Networks: broadcast domains of kind local, flat, vlan or vxlan."""
