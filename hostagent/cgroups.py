"""The name under which installed units still call hostagent/machine/cgroups.py: a unit file is rewritten by `make systemd` alone."""

from hostagent.machine.cgroups import release

if __name__ == "__main__":
    release()
