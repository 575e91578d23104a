"""Hooks of sharing in lower rooms: the policy decision, a caller's making, a group's members, live updates."""

from authorization import targets
from common import live
from identity import personal
from identity.groups import services as groups
from sharing import live as audience
from sharing import received, services


def register() -> None:
    targets.use_share_level(received.level_on)
    personal.use(received)
    groups.on_leave(services.member_left)
    live.on_announce(audience.audience)
