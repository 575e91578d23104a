"""The release that this tree is, or is on its way to: `docs/howto/release.md`."""

from typing import Final

#: As PEP 440 has it; agents say it in their inventory, the ready file shows it.
RELEASE: Final = "0.2.0.dev0"
