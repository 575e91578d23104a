"""Names of browsers and systems, read from the User-Agent header."""

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser(agent: str) -> tuple[str, str]:
    """(browser with its version, system) of a User-Agent header; its first word when it is no browser's."""
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    for mark, name in _BROWSERS:
        _before, found, after = agent.partition(mark)
        if found:
            version = agent.partition("Version/")[2] if name == "Safari" else after
            return f"{name} {version.partition('.')[0].split(' ')[0]}".strip(), system
    return agent.split("/")[0].split(" ")[0], system
