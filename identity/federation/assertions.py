"""Claims of a provider's token as the names that mapping rules know.

A rule may call the claim "email" by that name, or as Apache's mod_auth_openidc and Keystone's guides do: "OIDC-email",
"OIDC_CLAIM_email", "HTTP_OIDC_EMAIL". Values are lists and are never split, so no claim can smuggle in a second value.
"""

import json

from identity.federation.rules import Assertion


def from_claims(claims: dict[str, object]) -> Assertion:
    found: dict[str, list[str]] = {}
    for name, value in claims.items():
        texts = _texts(value)
        if not texts:
            continue
        header = name.upper().replace("-", "_")
        for known_as in (name, f"OIDC-{name}", f"OIDC_CLAIM_{name}", f"HTTP_OIDC_{header}"):
            found[known_as] = texts
    return found


def _texts(value: object) -> list[str]:
    match value:
        case None:
            return []
        case str():
            return [value] if value else []
        case bool():
            return ["true" if value else "false"]
        case list():
            return [text for one in value for text in _texts(one)]
        case dict():
            return [json.dumps(value)]
    return [str(value)]
