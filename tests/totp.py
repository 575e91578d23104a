"""What an authenticator app shows: an own reading of RFC 6238, so that tests do not ask the code that they test."""

import base64
import hashlib
import hmac
import struct
import time


def code_of(secret: str, *, steps: int = 0) -> str:
    """The six digits of a base32 secret now, or some steps of 30 seconds from now.

    A code of the step before is taken for the rest of the present one: with too little of it left, the next is awaited.
    """
    if steps < 0 and (left := 30 - time.time() % 30) < 4:
        time.sleep(left)
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
