"""Which addresses are public: tables of what is not. It looks nothing up.

The standard library's `is_global` alone is not to be trusted: on Python 3.11 it says yes to multicast, NAT64,
6to4, mapped loopback and more, and its answers change with versions. The tables decide; it is asked as well.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

DENIED_4: dict[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a provider's customers, and some clouds' metadata",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "the platform of a cloud, from within it",
    "169.254.0.0/16": "link-local, and most clouds' metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "multicast tunnels (AMT)",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, and broadcast",
}
PUBLIC_6 = "2000::/3"  # all else is refused: loopback, mapped, NAT64, local, multicast, ...
DENIED_6: dict[str, str] = {
    "2001::/23": "protocol assignments: Teredo, benchmarks, AMT, ORCHID, drones",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4: an IPv4 address in disguise",
    "2620:4f:8000::/48": "AS112",
    "3ffe::/16": "the 6bone, given back",
    "3fff::/20": "documentation",
}

_TABLE_4 = tuple(IPv4Network(text) for text in DENIED_4)
_TABLE_6 = tuple(IPv6Network(text) for text in DENIED_6)
_WHOLE_6 = IPv6Network(PUBLIC_6)
_ISATAP = (0x00005EFE, 0x02005EFE)  # the middle of an IPv6 address that ends in an IPv4 one


def is_public(address: Address) -> bool:
    """Whether anyone on the internet may be meant by it, and nobody near this machine."""
    if isinstance(address, IPv4Address):
        inside = not any(address in network for network in _TABLE_4)
    elif address.scope_id is not None or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        inside = False
    else:
        inside = address in _WHOLE_6 and not any(address in network for network in _TABLE_6)
    return inside and address.is_global


def address_of(text: str) -> Address | None:
    """An address from its text as a resolver gives it; None where it is none."""
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return None
