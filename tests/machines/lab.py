"""The lab: wires, machines and what is saved of them, for one run of the tests."""

import shutil
import time
from pathlib import Path

from tests.machines import image
from tests.machines.machine import Disk, Machine, Shape
from tests.machines.net import Wires, left

#: m1 and m2 of the fixtures `machine` and `machines`: each with two empty disks and a second card.
PLAIN = Shape(memory=768, disks={"spare": Disk("4G"), "spare2": Disk("2G")})


class Lab:
    """Build with `with Lab() as lab:`; whatever happens, no QEMU, namespace or folder of it is left."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.folder = image.CACHE / self.wires.namespace
        self.machines: list[Machine] = []
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> "Lab":
        with self.timed("image"):
            self.parts = image.ready()
        for old in left(image.CACHE):
            shutil.rmtree(old)
        self.folder.mkdir()
        self.wires.build()
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            machine.power_off()
        self.wires.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def timed(self, what: str) -> "_Timed":
        """A block whose seconds are kept under `what`, to be shown at the end of the run."""
        return _Timed(self.seconds, what)

    def machine(self, number: int, shape: Shape = PLAIN) -> Machine:
        """A machine that is off, on empty layers over the image. It replaces the last one of this number."""
        self.retire(number)
        folder = self.folder / f"m{number}"
        shutil.rmtree(folder, ignore_errors=True)
        made = Machine(number, self.wires, self.parts, folder, shape)
        self.machines.append(made)
        return made

    def retire(self, number: int) -> None:
        """Switch off the machine of this number, if there is one."""
        for old in [machine for machine in self.machines if machine.number == number]:
            old.power_off()
            self.machines.remove(old)

    def saved(self, number: int, shape: Shape = PLAIN) -> Path:
        """A plain machine, booted and saved once a run: what `restored` begins with."""
        folder = self.saving_place(f"m{number}")
        if not (folder / "devices").exists():
            machine = self.machine(number, shape)
            with self.timed(f"m{number}: power on to ssh"):
                machine.power_on(memory_file=folder / "memory")
            with self.timed(f"m{number}: save"):
                machine.save(folder)
        return folder

    def saving_place(self, name: str) -> Path:
        """A folder for a saved machine."""
        folder = self.folder / "saved" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def restored(self, number: int, shape: Shape = PLAIN, saved: Path | None = None) -> Machine:
        """A machine that goes on where it was saved: by default a plain one at its prompt, with blank disks."""
        saved = saved or self.saved(number, shape)
        machine = self.machine(number, shape)
        with self.timed(f"m{number}: restore to ssh"):
            machine.restore(saved)
        return machine

    def dump(self) -> str:
        """What all machines say of themselves, for a failed test."""
        return "\n".join(machine.dump() for machine in self.machines)


class _Timed:
    def __init__(self, kept: dict[str, float], what: str) -> None:
        self._kept, self._what = kept, what

    def __enter__(self) -> None:
        self._begin = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._kept[self._what] = round(time.monotonic() - self._begin, 1)
