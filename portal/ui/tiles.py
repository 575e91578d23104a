"""Tiles above a page: one number each, with how much of what it is and a bar."""

from dataclasses import dataclass

from portal.ui import Text


@dataclass(frozen=True)
class Tile:
    """`used` of `limit`, both in one unit, are the bar; `shown` and `of` say them, `note` what else is to be known. No limit: no bar."""

    name: str
    label: Text
    shown: Text
    of: Text = ""
    used: float = 0
    limit: float = 0
    note: Text = ""
    url: str = ""
