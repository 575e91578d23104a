"""Names of the cookies that a browser shows with a ticket for a console; a cloud's own, for cookies know no ports."""


def of_consoles(cloud_id: str) -> tuple[str, str]:
    """(one of the portal's session, one of a page that an API's address or a link opens)."""
    return f"stackling_console_{cloud_id}", f"stackling_vnc_{cloud_id}"
