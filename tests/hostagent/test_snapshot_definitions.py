"""C8: after a cut snapshot a guest's definition names its root disk once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lxml import etree

from hostagent.drivers.hypervisor import libvirt_snapshot
from hostagent.drivers.storage.file import FileOverlays

ROOT = Path("/disks/one/root.qcow2")
XML = f"""
<domain><devices>
  <disk type='file' device='disk'><driver type='qcow2'/><source file='/disks/one/snapshot-x.qcow2'/>
    <backingStore type='file'><format type='qcow2'/><source file='{ROOT}'/>
      <backingStore type='file'><format type='qcow2'/><source file='/cache/image'/><backingStore/></backingStore>
    </backingStore>
    <mirror type='file' job='active-commit' ready='yes'><source file='{ROOT}'/></mirror>
    <target dev='vda'/></disk>
  <disk type='file' device='cdrom'><source file='/disks/one/config.iso'/><backingStore/><target dev='sda'/></disk>
</devices></domain>"""


class Domain:
    """What libvirt kept of the chain when QEMU died, and what it is told then."""

    defined = ""

    def XMLDesc(self, flags: int) -> str:
        return XML

    def connect(self) -> Any:
        return self

    def defineXML(self, text: str) -> None:
        self.defined = text


def test_the_next_start_opens_the_root_disk_once() -> None:
    """QEMU refused it otherwise ("Failed to get write lock"), and the guest stayed off."""
    domain, over = Domain(), FileOverlays(SimpleNamespace(root_path=lambda server_id: ROOT), "one")  # type: ignore[arg-type]
    libvirt_snapshot._define_on(domain, {"kind": "file", "path": str(ROOT), "format": "qcow2"}, over)
    tree = etree.fromstring(domain.defined.encode())
    assert [source.get("file") for source in tree.iter("source")] == [str(ROOT), "/disks/one/config.iso"]
    assert [target.get("dev") for target in tree.iter("target")] == ["vda", "sda"]
