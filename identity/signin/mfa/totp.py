"""Setting up an authenticator app: a credential of type "totp", as Keystone's method reads it, once a code of it was right."""

import base64
import secrets
import time
from urllib.parse import quote, urlencode

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.ids import new_hex
from identity.auth import totp
from identity.credentials.places import BLOB
from identity.models import Credential, User
from keystore.encryption import encrypt


class WrongCode(Invalid):
    template = _("This code does not fit. Type the six digits that the app shows now.")


def new_secret() -> str:
    """160 bits, as RFC 4226 recommends, in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address(user: User, issuer: str, secret: str) -> str:
    """Return the ``otpauth:`` address that apps read."""
    label = quote(f"{issuer}:{user.name}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def picture(text: str) -> tuple[int, str]:
    """Return a QR code as (modules a side, SVG path of its dark modules)."""
    import qrcode  # only whoever sets up an app needs it

    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    return len(rows), "".join(_runs(y, row) for y, row in enumerate(rows))


def _runs(y: int, row: list[bool]) -> str:
    """Each run of dark modules of a line as one rectangle."""
    path, start = "", None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            path += f"M{start} {y}h{x - start}v1h{start - x}z"
            start = None
    return path


@transaction.atomic
def enrol(user: User, secret: str, code: str) -> Credential:
    """Keep the secret, replacing what the user had, when the code proves that an app has it. Raises: WrongCode."""
    step, typed = int(time.time()) // totp.STEP, code.strip().replace(" ", "")
    at = next((one for one in (step, step - 1) if totp.fits(secret, typed, one * totp.STEP)), None)
    if at is None:
        raise WrongCode()
    user.credentials.filter(type="totp").delete()
    id = new_hex()
    sealed = encrypt(secret, BLOB(id))
    return Credential.objects.create(id=id, user=user, type="totp", encrypted_blob=sealed, last_step=at)


def remove(user: User) -> None:
    user.credentials.filter(type="totp").delete()
