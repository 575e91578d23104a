"""The body of POST /v3/auth/tokens."""

_STR = {"type": "string"}
_DOMAIN: dict[str, object] = {"type": "object", "properties": {"id": _STR, "name": _STR}}
_USER: dict[str, object] = {
    "type": "object",
    "properties": {"id": _STR, "name": _STR, "domain": _DOMAIN, "password": _STR, "passcode": _STR},
}
_WITH_USER = {"type": "object", "properties": {"user": _USER}}
_APP_CRED = {
    "type": "object",
    "properties": {"id": _STR, "name": _STR, "secret": _STR, "user": _USER},
    "required": ["secret"],
}
_PROJECT = {"type": "object", "properties": {"id": _STR, "name": _STR, "domain": _DOMAIN}}

AUTH: dict[str, object] = {
    "type": "object",
    "properties": {
        "auth": {
            "type": "object",
            "properties": {
                "identity": {
                    "type": "object",
                    "properties": {
                        "methods": {"type": "array", "items": _STR},
                        "password": _WITH_USER,
                        "totp": _WITH_USER,
                        "token": {"type": "object", "properties": {"id": _STR}, "required": ["id"]},
                        "application_credential": _APP_CRED,
                    },
                    "required": ["methods"],
                },
                "scope": {
                    "type": ["object", "string"],
                    "properties": {
                        "project": _PROJECT,
                        "domain": _DOMAIN,
                        "OS-TRUST:trust": {"type": "object", "properties": {"id": _STR}},
                        "system": {"type": "object", "properties": {"all": {"type": "boolean"}}},
                        "unscoped": {"type": "object"},
                    },
                },
            },
            "required": ["identity"],
        }
    },
    "required": ["auth"],
}
