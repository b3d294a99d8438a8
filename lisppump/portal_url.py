"""The one reading of a URL: strict, so that no other program could read it differently. It looks nothing up.

What passes is plain ASCII of RFC 3986, with a host that is a public address or a name of several labels.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, cast

from lisppump.portal_addresses import Address, is_public
from lisppump.portal_refusals import refuse

LONGEST = 2048  # bytes of a URL
PORTS = (80, 443, 8080, 8443)
USUAL = {"http": 80, "https": 443}

# Names that mean something near this machine, or nothing: RFC 6761 and its register, ICANN's list of names
# that are never to be delegated, and what routers, clusters and mail systems use all the same.
SPECIAL = frozenset(
    ("alt", "arpa", "belkin", "cluster", "consul", "corp", "dhcp", "docker", "domain", "example", "exit",
     "gateway", "gnu", "home", "i2p", "internal", "intra", "intranet", "invalid", "kube", "lan", "local",
     "localdomain", "localhost", "localnet", "loopback", "mail", "nomad", "onion", "private", "router", "svc",
     "test", "vault", "vpn", "wan", "workgroup")
)  # fmt: skip

_CONTROL = re.compile("[\x00-\x20\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_TAIL = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=-]*")  # what RFC 3986 lets stand in a name, escapes left out
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is. `host` is a name or an address in its canonical form, without brackets.

    One that is `exempt` was named by an operator, and goes to no address table.
    """

    scheme: Literal["http", "https"]
    host: str
    port: int
    target: str
    address: Address | None = None
    exempt: bool = False

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, in its canonical form, without the fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str, exempt: Collection[str] = frozenset()) -> Place:
    """The place that a URL names, or a refusal.

    `exempt` are places, as `host:port`, of which only the syntax is asked.
    """
    scheme, authority, tail = _split(url)
    if not _TAIL.fullmatch(tail.partition("#")[0]) or not _TAIL.fullmatch(tail.partition("#")[2]):
        refuse("syntax", "the URL has a character in it that must be written as %XX")
    host, port = _host_and_port(authority)
    address: Address | None = None
    if authority.startswith("["):
        address = _bracketed(host)
        host = str(address)
    else:
        host, address = _named(host)
    number = USUAL[scheme] if port is None else _port(port)
    spared = f"[{host}]:{number}" in exempt if ":" in host else f"{host}:{number}" in exempt
    if not spared:
        if address is None:
            _well_known(host)
        elif not is_public(address):
            refuse("address", "the host of the URL is an address that is not public")
        if number not in PORTS:
            allowed = ", ".join(map(str, PORTS))
            refuse("port", f"the portal reads from the ports {allowed}, the URL names {number}")
    if tail[:1] in ("?", "#") and "@" in tail:  # old parsers look for the host behind it
        refuse("syntax", "a slash should follow the host of the URL")
    target = tail.partition("#")[0]
    return Place(scheme, host, number, target if target[:1] == "/" else f"/{target}", address, spared)


def _split(url: str) -> tuple[Literal["http", "https"], str, str]:
    """Scheme, authority and all that follows it."""
    if not isinstance(url, str):
        refuse("syntax", "a URL is a text")
    if len(url) > LONGEST or len(url.encode("utf-8", "surrogatepass")) > LONGEST:
        refuse("long", f"a URL may have {LONGEST:,} bytes, this has more")
    if _CONTROL.search(url):
        refuse("syntax", "the URL has a blank, a control character or a backslash in it", "write it as %XX")
    found = _SCHEME.match(url)
    if found is None:
        refuse("scheme", "a URL begins with http:// or https://")
    scheme = found[1].lower()
    if scheme not in USUAL:
        refuse("scheme", "the portal reads http:// and https:// alone")
    rest = url[found.end() :]
    if not rest.startswith("//"):
        refuse("syntax", f"after {scheme}: two slashes and a host should follow")
    rest = rest[2:]
    end = re.search("[/?#]", rest)
    authority, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if "@" in authority:
        refuse("userinfo", "the URL carries a user or a password, which the portal never sends")
    return cast(Literal["http", "https"], scheme), authority, tail


def _host_and_port(authority: str) -> tuple[str, str | None]:
    """Host and port as they are written, the port None where none is."""
    if authority.startswith("["):
        found = _BRACKETS.fullmatch(authority)
        if found is None:
            refuse("syntax", "what stands in brackets in the URL is no IPv6 address")
        return found[1], found[2]
    host, colon, port = authority.partition(":")
    if ":" in port:
        refuse("syntax", "the URL has several ports, or an IPv6 address without brackets")
    return host, port if colon else None


def _port(text: str) -> int:
    """A port from its text."""
    if not re.fullmatch("[0-9]+", text):
        refuse("syntax", "after the colon in the URL a port should follow")
    if text[0] == "0" or len(text) > 5:
        refuse("port", "a port is a number from 1 to 65535, without leading zeros")
    return int(text)


def _bracketed(text: str) -> IPv6Address:
    """The address of a host in brackets."""
    try:
        if ":" not in text:
            raise ValueError
        return IPv6Address(text)
    except ValueError:
        refuse("syntax", "what stands in brackets in the URL is no IPv6 address")


def _named(text: str) -> tuple[str, Address | None]:
    """A host without brackets as a name of ASCII in lower case, or an IPv4 address."""
    if not text:
        refuse("syntax", "the URL has no host")
    ascii = "".join(letter for letter in text if letter.isascii())
    if not _NAME.fullmatch(ascii):
        refuse("syntax", "the host of the URL has a character in it that no name has")
    text = text.translate(_ASCII_LOWER)
    if text.isascii() and _is_number(text):
        if not _QUAD.fullmatch(text):
            refuse("numeric", "the host of the URL is a number, and not written as the usual four")
        return text, IPv4Address(text)
    labels = text.removesuffix(".").split(".")
    if not all(labels):
        refuse("syntax", "the host of the URL has an empty part")
    name = ".".join(map(_label, labels))
    if len(name) > 253:
        refuse("idna", "the host of the URL is longer than 253 characters")
    if _is_number(name):
        refuse("idna", "the host of the URL is a number in disguise")
    return name, None


def _is_number(name: str) -> bool:
    """Whether some program might take the name for an IPv4 address: its last part is a number."""
    return _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]) is not None


def _label(text: str) -> str:
    """One part of a name as it goes to a resolver."""
    if text.isascii() and not text.startswith("xn--"):
        if not _LABEL.fullmatch(text) or len(text) > 63 or text[2:4] == "--":
            refuse("idna", "a part of the host should be 1 to 63 letters, digits and single hyphens between")
        return text
    import idna

    try:
        found = idna.alabel(text).decode()
        there = idna.ulabel(found)
        if idna.alabel(there).decode() != found or there.isascii():
            raise idna.IDNAError("it does not come back as it was")
    except UnicodeError:
        refuse("idna", "a part of the host is no valid international name (IDNA 2008)")
    if all(letter.isnumeric() for letter in there):
        refuse("idna", "a part of the host is a number in another script")
    return found


def _well_known(name: str) -> None:
    """Refuse names that are no public ones, before anybody is asked for them."""
    labels = name.split(".")
    if len(labels) == 1:
        refuse("host", "the host of the URL is a single word, which is a name nearby")
    last = labels[-1]
    if last in SPECIAL or not (last.isalpha() or last.startswith("xn--")) or len(last) < 2:
        refuse("host", f"names that end in .{last} are not public")


def joined(base: Place, location: str) -> str:
    """The URL that a redirect from `base` means, by RFC 3986; it is parsed anew, whatever it is."""
    if _SCHEME.match(location):
        return location
    if location.startswith("//"):
        return f"{base.scheme}:{location}"
    start = f"{base.scheme}://{base.authority}"
    path = base.target.partition("?")[0]
    if location[:1] in ("?", "#", ""):
        return f"{start}{path}{location}" if location[:1] == "?" else f"{start}{base.target}{location}"
    cut = re.search("[?#]", location)
    there, rest = (location[: cut.start()], location[cut.start() :]) if cut else (location, "")
    whole = there if there.startswith("/") else path.rpartition("/")[0] + "/" + there
    return f"{start}{_without_dots(whole)}{rest}"


def _without_dots(path: str) -> str:
    """A path without `.` and `..`, which never lead above the root."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for at, part in enumerate(parts):
        if part == "..":
            del kept[-1:]
        if part in (".", ".."):
            if at == len(parts) - 1:
                kept.append("")
        else:
            kept.append(part)
    return "/" + "/".join(kept)
