"""What says what fetched bytes must be: a digest that is known, or the list of digests that their publisher keeps."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import hexdigits

from django.utils.translation import gettext_lazy as _

from common import fetch
from common.errors import CloudError, Invalid

#: Algorithm → length of a digest in hex. Weaker ones prove nothing about bytes that a stranger sent.
ALGORITHMS = {"sha256": 64, "sha512": 128}
#: Lines of lists: as sha256sum writes them, and as BSD's tools do.
_LINES = (
    re.compile(r"(?P<digest>[0-9a-fA-F]+)[ \t]+\*?(?:\./)?(?P<file>.+)"),
    re.compile(r"(?P<algorithm>\w+) ?\((?P<file>.+)\) ?= ?(?P<digest>[0-9a-fA-F]+)"),
)
LIST = fetch.Limits(1 << 20, 60, redirects=fetch.MOST_REDIRECTS)


class NoChecksum(Invalid):
    template = _("%(uri)s names no %(algorithm)s checksum of %(file)s, so the image was not added.")


class ChecksumWrong(CloudError):
    template = _("The bytes have the %(algorithm)s checksum %(have)s…, not %(want)s…. Nothing of them was kept.")


@dataclass(frozen=True)
class Proof:
    """`digest` in hex, else the address `sums` of a list in which `file` has its line. `algorithm`: one of ALGORITHMS."""

    algorithm: str
    digest: str = ""
    sums: str = ""
    file: str = ""


def wanted(proof: Proof) -> str:
    """Return the digest in hex, read from the publisher's list where it is not known. Raises: NoChecksum, fetch.NotReached."""
    if proof.digest:
        return proof.digest.lower()
    answer = fetch.ask(proof.sums, limits=LIST)
    text = answer.read().decode("utf-8", "replace") if answer.status == 200 else ""
    found = listed(text, proof)
    if not found:
        raise NoChecksum(uri=proof.sums[:200], algorithm=proof.algorithm, file=proof.file)
    return found


def listed(text: str, proof: Proof) -> str:
    """Find a file's digest in a list: `hex  name`, `hex *name`, `SHA256 (name) = hex`, or a digest alone; "" without one."""
    for line in text.splitlines():
        for shape in _LINES:
            match = shape.fullmatch(line.strip())
            said = match.groupdict() if match else {}
            if (
                said.get("file") == proof.file
                and is_digest(proof.algorithm, said["digest"])
                and said.get("algorithm", proof.algorithm).lower() == proof.algorithm
            ):
                return said["digest"].lower()
    return text.strip().lower() if is_digest(proof.algorithm, text.strip()) else ""


def is_digest(algorithm: str, text: str) -> bool:
    """Whether a text is a digest of this algorithm (of ALGORITHMS) in hex."""
    return len(text) == ALGORITHMS[algorithm] and not set(text) - set(hexdigits)


def held(pieces: Iterator[bytes], proof: Proof) -> Iterator[bytes]:
    """Pass bytes on; after the last of them hold their digest against the proof. Raises: ChecksumWrong, and what `wanted` raises."""
    want, measure = wanted(proof), hashlib.new(proof.algorithm)
    for piece in pieces:
        measure.update(piece)
        yield piece
    if measure.hexdigest() != want:
        raise ChecksumWrong(algorithm=proof.algorithm, have=measure.hexdigest()[:16], want=want[:16])
