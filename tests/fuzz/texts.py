"""Texts that people might send, made from a seed: ordinary ones, and ones in which some tool sees more than a text."""

import random
from collections.abc import Iterator

#: Seeds whose texts found something once, and one that grows with none.
SEEDS = (1, 2, 3, 11, 20, 56)

PIECES = (
    "a", "web-1", "x" * 60, "x" * 250, "1", "0", "-1", "65536", "99999999999999999999", "0x1f", "1h", "infinite", "ignore",
    "10.0.0.1", "10.0.0.1,10.0.0.2", "256.1.1.1", "::1", "[fd00::1]", "fe80::1%eth0", "fe80::1%a\nuser=root", "10.0.0.0/8",
    "10.0.0.0/8,10.0.0.1", "aa:bb:cc:dd:ee:ff", "de:ad", "a.example", "-a.example", "a..b", ".", "_x._tcp", "tag:x", "encap:1",
    "vendor:x", "option:router", "set:x", "id:*", "enc:1", "vi-encap:5", '"', '\\"', "\\", "'", "#", " #", "# x", ",", ";", "{",
    "}", "$x", "`id`", "$(id)", "|", "&", "%s", "%00", "%n", "\n", "\r\n", "\t", "\x00", "\x1b[2J", "\x7f", "\x85", "\ufffe",
    "\uffff", "\ud800", "\udfff", "\u202e", "数据", "é", "<", ">", "]]>", "<!--", "&amp;", "&#0;", "<!DOCTYPE x>", "]", "[",
    "../", "/etc/passwd", "/dev/zero", "file=", "json:{}", "nbd://x", "backing_file=", "driver=raw,", "port=0", "conf-file=/x",
    "dhcp-script=/bin/sh", "accept", "drop", "flush ruleset", "}\nflush ruleset\n", " ", "  ", "",
)  # fmt: skip


def texts(seed: int, count: int) -> Iterator[str]:
    """So many texts: one to four pieces each, joined, and now and then any letters at all."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.1:
            yield "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x11000)))) for _ in range(12))
        else:
            yield "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 4)))
