"""Keys themselves: made, read, and their fingerprints. Source of the forms: RFC 4253, RFC 5280, nova.crypto."""

import base64
import binascii
import hashlib
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Invalid

#: Microsoft's userPrincipalName.
_PRINCIPAL_NAME = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


#: Characters of a key pair's name, which goes into its URL, and those that are allowed besides from 2.92 on.
_SIGNS = r"a-zA-Z0-9\-_"
LATER_SIGNS = "@."


def name_pattern(more: str = "") -> str:
    """Return the regular expression of a name: spaces only between other signs."""
    return rf"[{_SIGNS}{more}]([{_SIGNS}{more} ]*[{_SIGNS}{more}])?"


class BadKey(Invalid):
    template = _("Keypair data is invalid: %(why)s")


def _colons(digest: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in digest)


def ssh_fingerprint(public_key: str) -> str:
    """Compute the MD5 of an ssh key's bytes as colon-separated hex: Nova's form. Raises: BadKey."""
    parts = public_key.strip().split(None, 2)
    if len(parts) < 2:
        raise BadKey(why=_("it is not a public ssh key"))
    try:
        raw = base64.b64decode(parts[1], validate=True)
        serialization.load_ssh_public_key(f"{parts[0]} {parts[1]}".encode())
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        if not parts[0].startswith("sk-"):
            raise BadKey(why=_("it is not a public ssh key")) from error
    return _colons(hashlib.md5(raw, usedforsecurity=False).digest())


def x509_fingerprint(certificate: str) -> str:
    """Compute the SHA-1 of a PEM certificate as colon-separated hex: Nova's form. Raises: BadKey."""
    try:
        loaded = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError as error:
        raise BadKey(why=_("it is not a PEM certificate")) from error
    return _colons(loaded.fingerprint(hashes.SHA1()))


def fingerprint(kind: str, public_key: str) -> str:
    return ssh_fingerprint(public_key) if kind == "ssh" else x509_fingerprint(public_key)


def make(kind: str, user_id: str) -> tuple[str, str]:
    """(private key, public half) of a new pair of the kind "ssh" or "x509"."""
    return make_ssh("Generated-by-Stackling") if kind == "ssh" else make_x509(user_id)


def make_x509(user_id: str) -> tuple[str, str]:
    """(private key, certificate), both PEM: what Windows takes for its remote shell. Valid for ten years.

    The user's id is the subject, and its principal name as an alternative one: Windows finds the account by it.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id)])
    principal = f"{user_id}@localhost".encode()
    utf8 = b"\x0c" + bytes([len(principal)]) + principal  # DER: UTF8String; ids are 64 characters at most
    start = now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.OtherName(_PRINCIPAL_NAME, utf8)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def make_ssh(comment: str) -> tuple[str, str]:
    """(private key in OpenSSH's form, public key line): Ed25519, made in microseconds and small."""
    private = ed25519.Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    line = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return text.decode(), f"{line.decode()} {comment}"
