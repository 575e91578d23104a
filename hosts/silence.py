"""When silence means that a host is down, and when it means that control itself was away or is deaf.

Silence counts from a host's last word, or from when this control began to listen, whichever is later: a control that was
stopped, restarted or not the leader has heard nobody meanwhile. Many hosts that fall silent together are no accident of
theirs but of control, its broker or the network between: they stay `unreachable`, and nothing moves, until they are heard
again or an operator says that they are down (manage.py host_down).
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Container
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict
from hosts import heartbeats, services
from hosts.models import Host
from hosts.states import DOWN_AFTER, UNREACHABLE_AFTER, HostState, is_down, state_after

log = logging.getLogger(__name__)

AWAY = 10.0  # seconds between two looks after which this control was not listening
TOGETHER = 10.0  # seconds within which hosts fall silent together
MANY = 3  # so many hosts, and over
SHARE = 1 / 3  # so much of all: control is deaf
SAY_AGAIN = 600.0  # seconds between two words of it in the log


class StillHeard(Conflict):
    template = _("Host %(name)s was heard %(seconds)s seconds ago. Only a host that is silent can be called down.")


class Listening:
    """Since when this process has been listening without a break."""

    def __init__(self) -> None:
        self._since = self._looked_at = datetime.min.replace(tzinfo=now().tzinfo)
        self._excused: dict[str, datetime] = {}
        self._said_at = self._since

    def since(self, moment: datetime) -> datetime:
        if not timedelta(0) <= moment - self._looked_at <= timedelta(seconds=AWAY):
            self._since = moment
        self._looked_at = moment
        return self._since

    def word(self, name: str, at: datetime) -> datetime:
        """From when the silence of a host counts that was last heard `at`: while control was deaf it counted for nothing."""
        return max(at, self._excused.get(name, at))

    def excuse(self, deaf: set[str], moment: datetime, hosts: int) -> None:
        """Excuse these hosts: they are silent because control is deaf. Says so in the log, again every SAY_AGAIN seconds."""
        self._excused = {name: moment if name in deaf else at for name, at in self._excused.items()}
        self._excused |= dict.fromkeys(deaf, moment)
        if deaf and moment - self._said_at >= timedelta(seconds=SAY_AGAIN):
            self._said_at = moment
            log.error(
                "hosts: %s of %s fell silent within %d s of each other (%s): control is deaf, or they cannot reach it. Nothing "
                "is moved. They come back by themselves once they are heard; if they are really down: manage.py host_down --silent",
                len(deaf),
                hosts,
                TOGETHER,
                ", ".join(sorted(deaf)[:5]),
            )

    def forget_all_but(self, silent: Container[str]) -> None:
        self._excused = {name: at for name, at in self._excused.items() if name in silent}


_listening = Listening()


def check() -> None:
    """Mark silent hosts unreachable, then down. Those that fell silent with too many others stay unreachable."""
    if heartbeats.is_behind():
        return  # what was heard is not in the rows; once it is, listening has begun anew
    moment = now()
    since = _listening.since(moment)
    # one that has not said yet what it has carries nothing: its inventory may be waiting its turn
    known = Host.objects.exclude(last_seen_at=None).exclude(state__in=(HostState.NEW, HostState.DOWN))
    seen = {name: at for name, at in known.values_list("name", "last_seen_at") if at is not None}
    words = {name: max(at, since) for name, at in seen.items()}
    silent = {name: word for name, word in words.items() if (moment - word).total_seconds() >= UNREACHABLE_AFTER}
    _listening.forget_all_but(silent)
    if not silent:
        return
    hosts = Host.objects.exclude(state=HostState.NEW).count()
    deaf = fell_together(silent, hosts)
    _listening.excuse(deaf, moment, hosts)
    for name, word in silent.items():
        is_down = (moment - _listening.word(name, word)).total_seconds() >= DOWN_AFTER
        _mark(name, HostState.DOWN if is_down else HostState.UNREACHABLE, seen[name])


def fell_together(silent: dict[str, datetime], hosts: int) -> set[str]:
    """List those of `silent` (name → last word) that fell silent with so many others that control must be deaf.

    At least MANY within TOGETHER seconds and over SHARE of all `hosts`; or all of them, where there are more than one.
    """
    words = sorted(silent.values())
    around = timedelta(seconds=TOGETHER)
    out = set()
    for name, word in silent.items():
        together = bisect_right(words, word + around) - bisect_left(words, word - around)
        if (together >= MANY and together > hosts * SHARE) or together == hosts > 1:
            out.add(name)
    return out


def _mark(name: str, state: str, seen: datetime) -> None:
    """Write a host's state, unless it was heard after `seen`."""
    with transaction.atomic():
        host = (
            Host.objects.select_for_update().filter(name=name, last_seen_at=seen).exclude(state=HostState.DOWN).first()
        )
        if host is not None:
            services.change_state(host, state)


def call_down(names: list[str]) -> list[str]:
    """Mark silent hosts down at an operator's command: DHCP and routers move. Returns the names of those changed.

    Raises: HostUnknown, StillHeard; then nothing is changed.
    """
    changed = []
    with transaction.atomic():
        for name in names:
            services.find(name)
            host = Host.objects.select_for_update().get(name=name)
            silence = (now() - host.last_seen_at).total_seconds() if host.last_seen_at else DOWN_AFTER
            if state_after(silence) == HostState.UP:
                raise StillHeard(name=name, seconds=int(silence))
            if not is_down(host.state):
                services.change_state(host, HostState.DOWN)
                changed.append(name)
    return changed


def silent_names() -> list[str]:
    """Names of the unreachable hosts: silent, and not marked down."""
    return list(Host.objects.filter(state=HostState.UNREACHABLE).values_list("name", flat=True))
