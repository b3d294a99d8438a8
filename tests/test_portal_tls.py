"""Whom the portal believes over TLS: the name of the URL, vouched for by an authority, today."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.portal_support import OTHER, PUBLIC, Internet, moved, page, request
from tests.test_portal import PATIENT, SHORT, in_time

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TODAY = datetime.now(UTC)


class Authority:
    """Whoever signs certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority of these tests")])
        self.own = self._signed(self.name, self.key, [], TODAY + timedelta(1), ca=True)

    def _signed(
        self, subject: x509.Name, key: Any, names: list[str], until: datetime, ca: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - timedelta(30)).not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )  # fmt: skip
        if names:
            general = [
                x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
                for name in names
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server(self, *names: str, until: datetime = TODAY + timedelta(1)) -> ssl.SSLContext:
        """What a server with a certificate for these names speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._signed(subject, key, list(names), until, ca=False)
        file = self.folder / f"{abs(hash((names, until)))}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def trusted(self) -> ssl.SSLContext:
        """What trusts nobody but this one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.own.public_bytes(serialization.Encoding.PEM).decode())
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def net() -> Iterator[Internet]:
    internet = Internet({"a.com": [PUBLIC], "b.com": [OTHER], "xn--bcher-kva.de": [PUBLIC]})
    yield internet
    internet.close()


def secure(context: ssl.SSLContext, answer: bytes, seen: list[Any] | None = None, close: bool = True) -> Any:
    """A server that answers over TLS; `seen` gets the name that it was called by, and the request."""

    def script(stream: Any) -> None:
        if seen is not None:
            context.sni_callback = lambda tls, name, _: seen.append(name)
        with context.wrap_socket(stream, server_side=True, suppress_ragged_eofs=True) as tls:
            asked = request(tls)
            if seen is not None:
                seen.append(asked.split(b"\r\n")[1])
            tls.sendall(answer)
            if close:
                tls.unwrap()

    return script


@pytest.mark.parametrize(
    ("url", "names", "seen"),
    [
        ("https://a.com/", ("a.com",), ["a.com", b"Host: a.com"]),
        ("https://A.com.:8443/", ("a.com",), ["a.com", b"Host: a.com:8443"]),
        ("https://bücher.de/", ("*.de", "xn--bcher-kva.de"), ["xn--bcher-kva.de", b"Host: xn--bcher-kva.de"]),
        (f"https://{PUBLIC}/", (PUBLIC,), [None, f"Host: {PUBLIC}".encode()]),
    ],
)  # fmt: skip
def test_the_name_goes_to_the_server_and_the_address_is_dialled(
    net: Internet, authority: Authority, url: str, names: tuple[str, ...], seen: list[Any]
) -> None:
    heard: list[Any] = []
    net.answers[PUBLIC] = secure(authority.server(*names), page(), heard)
    answer = net.get(url, ssl_context=authority.trusted())
    assert answer.value == "hello"
    assert heard == seen
    assert net.dialled == [f"{PUBLIC}:{8443 if '8443' in url else 443}"]
    assert answer.bytes > len(page())  # what TLS adds came over the wire, too


@pytest.mark.parametrize(
    ("names", "until"),
    [
        (("b.com",), TODAY + timedelta(1)), (("www.a.com",), TODAY + timedelta(1)), (("*.a.com",),
        TODAY + timedelta(1)),
        ((PUBLIC,), TODAY + timedelta(1)), (("a.com",), TODAY - timedelta(1)), (("a.com",),
        TODAY + timedelta(40)),
    ],
)  # fmt: skip
def test_a_certificate_for_another_name_or_another_day(
    net: Internet, authority: Authority, names: tuple[str, ...], until: datetime
) -> None:
    net.answers[PUBLIC] = secure(authority.server(*names, until=until), page())
    assert net.refused("https://a.com/", ssl_context=authority.trusted()).reason == "tls"


def test_a_certificate_of_nobody_s(net: Internet, authority: Authority, tmp_path: Path) -> None:
    net.answers[PUBLIC] = secure(Authority(tmp_path).server("a.com"), page())
    assert net.refused("https://a.com/", ssl_context=authority.trusted()).reason == "tls"
    assert net.refused("https://a.com/").reason == "tls"  # the usual authorities do not know it either


def test_the_environment_names_no_authority(
    net: Internet, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.own.public_bytes(serialization.Encoding.PEM))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(file))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    net.answers[PUBLIC] = secure(authority.server("a.com"), page())
    assert net.refused("https://a.com/").reason == "tls"
    assert not (tmp_path / "keys").exists()


def test_who_speaks_no_tls(net: Internet, authority: Authority) -> None:
    for answer in (page(), b"", b"\x16\x03\x01\x00\x05hello"):
        net.answers[PUBLIC] = lambda stream, answer=answer: stream.sendall(answer)
        assert net.refused("https://a.com/", ssl_context=authority.trusted()).reason in ("tls", "protocol")


def test_who_stops_while_the_hands_are_shaken(net: Internet, authority: Authority) -> None:
    net.answers[PUBLIC] = lambda stream: net.over.wait(60)
    error = in_time(lambda: net.refused("https://a.com/", ssl_context=authority.trusted(), deadline=SHORT))
    assert error.reason == "time" and error.seconds < PATIENT


def test_who_drips_while_the_hands_are_shaken(net: Internet, authority: Authority) -> None:
    def script(stream: Any) -> None:
        stream.sendall(b"\x16\x03\x03\x3f\xff")
        while not net.over.wait(0.01):
            stream.sendall(b"\x00")

    net.answers[PUBLIC] = script
    trusted = authority.trusted()
    assert (
        in_time(lambda: net.refused("https://a.com/", ssl_context=trusted, deadline=SHORT)).reason == "time"
    )


def test_an_end_that_anybody_could_have_made(net: Internet, authority: Authority) -> None:
    """Without a length and without the farewell of TLS nobody knows whether that was all."""
    open_end = b"HTTP/1.1 200 OK\r\n\r\nhello"
    trusted = authority.trusted()
    net.answers[PUBLIC] = secure(authority.server("a.com"), open_end)
    assert net.get("https://a.com/", ssl_context=trusted).value == "hello"
    net.answers[PUBLIC] = secure(authority.server("a.com"), open_end, close=False)
    assert net.refused("https://a.com/", ssl_context=trusted).reason == "tls"
    net.answers[PUBLIC] = secure(authority.server("a.com"), page(), close=False)
    assert net.get("https://a.com/", ssl_context=trusted).value == "hello"


def test_a_redirect_may_lead_to_tls_and_never_away_from_it(net: Internet, authority: Authority) -> None:
    server, trusted = authority.server("a.com", "b.com"), authority.trusted()
    net.answers = {f"{PUBLIC}:80": moved("https://b.com/"), f"{OTHER}:443": secure(server, page())}
    assert net.get("http://a.com/", ssl_context=trusted).url == "https://b.com/"
    for location in ("http://b.com/", "http://a.com:443/", "http://a.com/"):
        net.answers = {f"{PUBLIC}:443": secure(server, moved(location))}
        error = net.refused("https://a.com/", ssl_context=trusted)
        assert (error.reason, error.cause) == ("redirect", None)
    net.answers = {f"{PUBLIC}:443": secure(server, moved("//b.com/")), f"{OTHER}:443": secure(server, page())}
    assert net.get("https://a.com/", ssl_context=trusted).url == "https://b.com/"


def test_an_endless_page_over_tls(net: Internet, authority: Authority) -> None:
    net.answers[PUBLIC] = secure(authority.server("a.com"), b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000)
    assert net.refused("https://a.com/", ssl_context=authority.trusted(), max_bytes=50_000).reason == "size"
