"""A security key in software, for tests: what WebAuthn's ceremonies get from a browser, with each flag as one likes."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


class Key:
    """One credential of one user at `origin`; `count` is what it claims as its number of uses."""

    def __init__(self, origin: str = "http://localhost") -> None:
        self.origin, self.count = origin, 0
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(id(self)).encode()).digest()[:16]
        self.handle = ""

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int, attested: bytes = b"") -> bytes:
        relying_party = hashlib.sha256(self.origin.partition("//")[2].partition(":")[0].encode()).digest()
        return bytes(AuthenticatorData.create(relying_party, flags, self.count, attested))

    def _answer(self, response: dict[str, Any]) -> str:
        key = websafe_encode(self.id)
        body = {"id": key, "rawId": key, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(body)

    def create(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]
        self.handle = asked["user"]["id"]
        public = ES256.from_cryptography_key(self.private.public_key())
        attested = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = self._data(PRESENT | VERIFIED | HAS_CREDENTIAL, bytes(attested))
        statement = bytes(AttestationObject.create("none", AuthenticatorData(data), {}))
        client = self._client_data("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(statement)})

    def get(self, options: dict[str, Any], *, verified: bool = True) -> str:
        self.count += 1
        data = self._data(PRESENT | (VERIFIED if verified else 0))
        client = self._client_data("webauthn.get", options["publicKey"]["challenge"])
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer(
            {**{name: websafe_encode(value) for name, value in response.items()}, "userHandle": self.handle}
        )
