"""The ruleset of a host that has no port yet; firewall.py adds what ports and security groups bring."""

from typing import Final

from hostagent.drivers.network.linux_bridge.ruleset import Chain, Collection, Table

ALWAYS_FORWARDED_ICMPV6: Final = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, mld-listener-query, "
    "mld-listener-report, mld2-listener-report } accept"
)
EARLY_ICMPV6: Final = "{ nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report }"


def base_tables() -> list[Table]:
    """List the tables of a host that has no port yet. They mark nothing that passes bridges of others."""
    state = Table("inet", "stackling_state")
    state.sets = {"zones": Collection("typeof iifname : ct zone", is_map=True)}
    state.chains = {
        "raw": Chain(["ct zone set iifname map @zones"], "type filter hook prerouting priority raw; policy accept;"),
        "state": Chain(
            [
                'iifname "brq*" ct state established,related meta mark set 0x1',
                'iifname "brq*" ct state invalid meta mark set 0x2',
            ],
            "type filter hook prerouting priority mangle; policy accept;",
        ),
    }
    groups = Table("bridge", "stackling_groups")
    groups.sets = {
        "known": Collection("type ifname"),
        "blocked": Collection("type ifname"),
        "ports": Collection("type ifname"),
        "macs": Collection("type ifname . ether_addr"),
        "ipmac4": Collection("type ifname . ether_addr . ipv4_addr", "interval"),
        "ipmac6": Collection("type ifname . ether_addr . ipv6_addr", "interval"),
        "egress_of": Collection("type ifname : verdict", is_map=True),
        "ingress_of": Collection("type ifname : verdict", is_map=True),
    }
    groups.chains = spoof_chains() | forward_chains() | input_chains()
    return [state, groups]


def spoof_chains() -> dict[str, Chain]:
    """Build the chains by which nobody sends what is not theirs; a tap that control has not told of sends nothing."""
    return {
        "spoof_arp": Chain([
            "iifname . arp saddr ether . arp saddr ip @ipmac4 accept",
            "arp saddr ip 0.0.0.0 iifname . arp saddr ether @macs accept",
            "drop",
        ]),
        "spoof4": Chain([
            "ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept",
            "udp sport 67 udp dport 68 drop",
            "iifname . ether saddr . ip saddr @ipmac4 accept",
            "drop",
        ]),
        "spoof6": Chain([
            "icmpv6 type { nd-router-advert, nd-redirect } drop",
            "udp sport 547 udp dport 546 drop",
            f"ip6 saddr :: icmpv6 type {EARLY_ICMPV6} accept",
            "iifname . ether saddr . ip6 saddr @ipmac6 accept",
            "drop",
        ]),
        "spoof": Chain(
            [
                "iifname @blocked drop",
                'iifname "tap*" iifname != @known drop',
                "iifname != @ports accept",
                "iifname . ether saddr != @macs drop",
                "meta protocol vmap { arp : goto spoof_arp, ip : goto spoof4, ip6 : goto spoof6 }",
                "drop",
            ],
            "type filter hook prerouting priority -300; policy accept;",
        ),
    }  # fmt: skip


def input_chains() -> dict[str, Chain]:
    """Keep the host off the networks of guests: no frame of theirs reaches its own stack, be it for the bridge's own address
    or for all. Else a guest could send to whatever listens on the host, and tunnel packets of its own making to our port."""
    ports = ("rt-*", "dh-*", "vx-*", "fb-*")  # what is on a network's bridge besides guests
    return {
        "input": Chain(
            ["iifname @known drop", *(f'iifname "{name}" drop' for name in ports)],
            "type filter hook input priority -300; policy accept;",
        )
    }


def forward_chains() -> dict[str, Chain]:
    """Egress *returns* what it allows: the receiving port on the same host must be asked too."""
    return {
        "egress": Chain(
            [
                "udp sport 68 udp dport 67 return",
                "udp sport 546 udp dport 547 return",
                "iifname vmap @egress_of",
                "drop",
            ]
        ),
        "ingress": Chain(
            [
                "udp sport 67 udp dport 68 accept",
                "udp sport 547 udp dport 546 accept",
                "oifname vmap @ingress_of",
                "drop",
            ]
        ),
        "forward": Chain(
            [
                "oifname @blocked drop",
                "meta protocol arp accept",
                "meta mark & 0x3 == 0x1 accept",
                "meta mark & 0x3 == 0x2 iifname @ports drop",
                "meta mark & 0x3 == 0x2 oifname @ports drop",
                ALWAYS_FORWARDED_ICMPV6,
                "iifname @ports jump egress",
                "oifname @ports jump ingress",
            ],
            "type filter hook forward priority 0; policy accept;",
        ),
    }
