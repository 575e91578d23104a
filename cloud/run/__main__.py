"""`python -m cloud.run COMMAND`: what the Makefile calls."""

import argparse
import sys

from cloud.run import settings, up, vendor
from cloud.run.steps import Steps


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m cloud.run")
    asked.add_argument("command", choices=("up", "stop", "clean", "prepare", "vendor", "demo-break", "systemd"))
    command = asked.parse_args().command
    try:
        if command == "vendor":
            vendor.make()
        elif command == "prepare":
            up.prepare_clone(Steps())
        elif command == "systemd":
            from cloud.run.systemd import unit

            print(unit(settings.read()), end="")
        elif command == "demo-break":
            from cloud.run.breaking import demo

            return demo(settings.read())
        else:
            return {"up": up.up, "stop": up.stop, "clean": up.clean}[command](settings.read())
    except settings.Refused as refusal:
        print(f"\n{refusal}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
