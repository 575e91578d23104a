"""Identity's own rules."""

RULES: dict[str, str] = {}
DESCRIPTIONS: dict[str, str] = {}
