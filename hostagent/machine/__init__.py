"""A host as a part of its machine: namespaces and links, accounts, confinement, cgroups and AppArmor profiles."""
