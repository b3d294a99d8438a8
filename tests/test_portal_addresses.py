"""Which addresses are public: every range that is not, at its edges."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.portal_addresses import DENIED_4, DENIED_6, address_of, is_public

NETWORKS_4 = [ip_network(text) for text in DENIED_4]
NETWORKS_6 = [ip_network(text) for text in DENIED_6]


@pytest.mark.parametrize("text", [*DENIED_4, *DENIED_6])
def test_a_denied_range_is_denied_from_its_first_to_its_last(text: str) -> None:
    network = ip_network(text)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert not is_public(address)


@pytest.mark.parametrize(
    "text",
    [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
        "191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.31.195.255", "192.31.197.0",
        "192.52.192.255", "192.52.194.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
        "192.175.47.255", "192.175.49.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
        "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8",
        "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::", "2003::", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::",
        "3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "2606:4700:4700::1111",
        "2001:4860:4860::8888",
    ],
)  # fmt: skip
def test_one_before_and_one_after_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::808:808",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::1",
        "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002:7f00:1::1",
        "2002:808:808::1", "2001:2::1", "2001:db8::1", "3fff::1", "3ffe::1", "4000::", "5f00::1", "fc00::1",
        "fd00:ec2::254",
        "fe80::1", "fe80::1%eth0", "2606:4700::1%1", "fec0::1", "ff02::1", "ff0e::1",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:a00:1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "192.0.0.9", "192.0.0.10", "192.0.0.192", "100.100.100.200", "255.255.255.255",
    ],
)  # fmt: skip
def test_what_looks_public_to_others_and_is_not(text: str) -> None:
    assert not is_public(ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_no_table_of_the_library_lets_less_through(number: int) -> None:
    address = IPv4Address(number)
    assert is_public(address) == (address.is_global and not any(address in each for each in NETWORKS_4))
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**32 - 1))
def test_no_address_that_hides_another_is_public(number: int, hidden: int) -> None:
    address = IPv6Address(number)
    if is_public(address):
        assert address in ip_network("2000::/3") and not any(address in each for each in NETWORKS_6)
    for prefix in ("::", "::ffff:0:0", "64:ff9b::", "2606:4700::5efe:0:0"):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) + hidden))
    assert not is_public(IPv6Address((0x2002 << 112) + (hidden << 80) + number % 2**80))


@pytest.mark.parametrize(
    "text", ["", "127.1", "0x7f.0.0.1", "010.0.0.1", "a.com", "8.8.8.8.", " 8.8.8.8", "[::1]", "8.8.8.8\n"]
)
def test_what_is_no_address(text: str) -> None:
    assert address_of(text) is None
