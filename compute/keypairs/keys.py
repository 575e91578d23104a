"""Keys themselves: made, read, and their fingerprints. Source of the forms: RFC 4253, RFC 5280, nova.crypto."""

import base64
import binascii
import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid


class BadKey(Invalid):
    template = _("Keypair data is invalid: %(why)s")


def _colons(digest: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in digest)


def ssh_fingerprint(public_key: str) -> str:
    """MD5 of the key's bytes as colon-separated hex: Nova's form. Raises: BadKey."""
    parts = public_key.strip().split(None, 2)
    if len(parts) < 2:
        raise BadKey(why=str(_("it is not a public ssh key")))
    try:
        raw = base64.b64decode(parts[1], validate=True)
        serialization.load_ssh_public_key(f"{parts[0]} {parts[1]}".encode())
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        if not parts[0].startswith("sk-"):
            raise BadKey(why=str(_("it is not a public ssh key"))) from error
    return _colons(hashlib.md5(raw, usedforsecurity=False).digest())


def x509_fingerprint(certificate: str) -> str:
    """SHA-1 of the certificate, as Nova shows it. Raises: BadKey."""
    try:
        loaded = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError as error:
        raise BadKey(why=str(_("it is not a PEM certificate"))) from error
    return _colons(loaded.fingerprint(hashes.SHA1()))


def fingerprint(kind: str, public_key: str) -> str:
    return ssh_fingerprint(public_key) if kind == "ssh" else x509_fingerprint(public_key)


def make_ssh(comment: str) -> tuple[str, str]:
    """(private key in OpenSSH's form, public key line): Ed25519, made in microseconds and small."""
    private = ed25519.Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    line = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return text.decode(), f"{line.decode()} {comment}"
