"""Bounds of the tables of shares."""

from common.ceilings import elsewhere
from sharing.models import GroupShare, UserShare


def register() -> None:
    for model in (UserShare, GroupShare):
        elsewhere(model, "sharing.services.MOST shares of one object")
