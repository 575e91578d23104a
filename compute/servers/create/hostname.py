"""A name that a guest can have, from a name that a person chose."""

import re


def hostname_of(name: str) -> str:
    """At most 63 of ``a-z 0-9 -``, as Nova's sanitize_hostname; "server" when nothing is left."""
    text = name.encode("latin-1", "ignore").decode("latin-1")
    text = re.sub(r"[ _.]", "-", text)
    text = re.sub(r"[^\w-]", "", text, flags=re.ASCII).lower().strip("-")
    return text[:63].rstrip("-") or "server"
