"""A guest of 512 bytes for proofs in which it need not be Linux: QEMU inside QEMU runs it within seconds and it then costs nothing.

At each start it adds one to a number on its disk and says `boots: <number>` on its serial port.
"""

SAYS = b"boots: "
SIZE = 1 << 20
_ENTRY = 0x7C00  # where a BIOS puts a boot sector
_SECTOR = 0x7E00  # where we read the second one to


def _code(text: int) -> bytes:
    """The boot sector's instructions; `text`: where SAYS lies."""
    word = text.to_bytes(2, "little")
    return b"".join(
        (
            b"\x31\xc0\x8e\xd8\x8e\xc0\x8e\xd0\xbc\x00\x7c\xfc",  # ds = es = ss = 0, sp = 7c00, forwards
            b"\xb8\x01\x02\xbb\x00\x7e\xb9\x02\x00\xb6\x00\xcd\x13",  # int 13h: read sector 2 to 7e00
            b"\xfe\x06\x00\x7e",  # inc byte [7e00]
            b"\xb8\x01\x03\xcd\x13",  # int 13h: write it back
            b"\xbe" + word + b"\xba\xf8\x03",  # si = text, dx = the first serial port
            b"\xac\x08\xc0\x74\x03\xee\xeb\xf8",  # until a zero: lodsb, out dx, al
            b"\xa0\x00\x7e\x04\x30\xee\xb0\x0a\xee",  # the number as a digit, a line's end
            b"\xf4\xeb\xfd",  # hlt, for ever
        )
    )


def image() -> bytes:
    """A raw disk, to be uploaded as an image."""
    length = len(_code(0))
    sector = _code(_ENTRY + length) + SAYS + b"\0"
    assert len(sector) <= 510 and _SECTOR == _ENTRY + 512
    return (sector.ljust(510, b"\0") + b"\x55\xaa").ljust(SIZE, b"\0")
