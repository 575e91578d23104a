"""Hides secrets in log lines, found by their form: a net below the callers, who should not log them in the first place.

Tokens and console tickets, signatures and codes in queries, passwords and user data in JSON, keys in headers.
"""

import re

HIDDEN = "…"
_NAMES = (
    r"(?:x-[a-z-]*-)?(?:access_?|refresh_?|id_?|auth_?|subject_?|service_?|bearer_?)?token|ticket|signature|sig|temp_url_sig|secret|"
    r"client_secret|access_rules_secret|credential|passcode|password|passwd|admin_?pass|original_password|user_?data|private_key|"
    r"x-amz-(?:signature|credential|security-token)|api_?key|secret_?key|access_?key"
)
#: name=value of a query, a form or a keyword; the value ends where one of them would.
_QUERY = re.compile(rf"(?i)(?<![\w-])((?:{_NAMES})=)(?!…)[^&\s'\",;)\]}}]+")
#: Parameters that are secret in an address only.
_ADDRESS = re.compile(r"(?i)([?&](?:code|state|samlresponse|assertion|key)=)(?!…)[^&\s'\",;)\]}]+")
#: "name": "value" of JSON, and of Python's own way to show a dict. A value without an end goes to the end of its line. What has been
#: read is not read again in another way (*+): a value of backslashes would else take for ever, with the interpreter's lock held.
_MEMBER = re.compile(
    rf"""(?i)((["'])(?:{_NAMES}|(?:http_)?(?:x[-_](?:auth|subject|service)[-_]token|authorization|cookie|set[-_]cookie))\2\s*:\s*)(b?)(["'])(?:\\.|(?!\4)[^\\\n])*+\\?\4?"""
)
#: A header as a line has it.
_HEADER = re.compile(
    r"(?i)\b((?:x-(?:auth|subject|service)-token|authorization|cookie|set-cookie)\s*[:=]\s*)(?!…)[^\r\n'\",]+"
)
#: Fernet: Keystone's tokens, and what is sealed at rest. A console's ticket: JSON in base64 and a seal of 32 bytes.
_TOKEN = re.compile(r"gAAAA[\w-]{40,}={0,2}|(?<![\w.-])[\w-]{16,}\.[\w-]{43}(?![\w-])")
_URL = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(@)")  # user:password@host; not by its scheme, which each letter might begin
_HINTS = re.compile(
    r"(?i)token|ticket|sig|secret|credential|pass|user_?data|private_key|code=|state=|saml|assertion|key|authorization|cookie|gAAAA|://|[\w-]{43}"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def hidden(text: str) -> str:
    """Return the text with what has a secret's form replaced by …. Linear in its length."""
    if not _HINTS.search(text):
        return text
    text = _TOKEN.sub(HIDDEN, text)
    text = _URL.sub(rf"\1{HIDDEN}\2", text)
    text = _MEMBER.sub(rf"\1\4{HIDDEN}\4", text)
    text = _ADDRESS.sub(rf"\1{HIDDEN}", text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    return _QUERY.sub(rf"\1{HIDDEN}", text)


def printable(text: str) -> str:
    r"""Return one line that moves no cursor and turns no direction: control characters are shown as \xNN."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
