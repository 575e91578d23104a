"""B1: a request has an end as a whole, however its bytes come."""

from cloud.run import deadlines

SHOWN = """\
0x5581: proto=tcpv4 src=127.0.0.1:5 fe=public be=web srv=nginx ts=00 epoch=0 age=4m59s calls=3 rq[f=848202h,i=0,an=00h,rx=14s,wx=,ax=]
0x5582: proto=tcpv4 src=127.0.0.1:6 fe=public be=web srv=nginx ts=00 epoch=0 age=5m1s calls=3 rq[f=848202h,i=0,an=00h,rx=14s,wx=,ax=]
0x5583: proto=tcpv4 src=127.0.0.1:7 fe=public be=uploads srv=nginx ts=00 epoch=0 age=23h59m calls=3 rq[f=848202h]
0x5584: proto=tcpv4 src=127.0.0.1:8 fe=public be=downloads srv=nginx ts=00 epoch=0 age=1d1h calls=3 rq[f=848202h]
0x5585: proto=tcpv4 src=127.0.0.1:9 fe=public be=sockets srv=sockets ts=00 epoch=0 age=9d1h calls=3 rq[f=848202h]
0x5586: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rq[f=c48202h]
"""


def test_what_lasts_too_long_is_cut_and_nothing_else() -> None:
    """B1: a body by a byte a second holds no file of nginx for days; sockets stay."""
    assert deadlines.overdue(SHOWN) == ["0x5582", "0x5584"]
