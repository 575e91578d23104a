"""What a host is on its machine: namespaces and links, accounts, confinement, cgroups and AppArmor profiles."""
