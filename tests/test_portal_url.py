"""The one reading of a URL: what is refused, why, and that nobody reads differently what passes."""

from __future__ import annotations

import json
import string
from pathlib import Path
from urllib.parse import urlsplit

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.portal import REASONS, Portal, PortalRefused
from lisppump.portal_url import LONGEST, Place, joined, parse


def reason(url: str) -> str | None:
    try:
        parse(url)
    except PortalRefused as error:
        return error.reason
    return None


def unreachable(*arguments: object) -> list[str]:
    raise AssertionError(f"looked up or dialled {arguments}")


def test_every_url_of_the_collection_is_refused_before_anything_is_looked_up(shared_data: Path) -> None:
    portal = Portal(resolve=unreachable, connect=unreachable)
    cases = [
        json.loads(line) for line in (shared_data / "attacks" / "urls.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(cases) == 98
    wrong = []
    for case in cases:
        with pytest.raises(PortalRefused) as caught:
            portal.get(case["url"])
        if caught.value.reason != case["refuse"]:
            wrong.append((case["id"], case["refuse"], caught.value.reason))
    assert wrong == []


def test_the_reasons_are_those_of_the_collection(shared_data: Path) -> None:
    known = json.loads((shared_data / "attacks" / "fixtures.json").read_text("utf-8"))["url_classes"]
    assert list(known) == list(REASONS)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.Com/A", "http://example.com/A"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://example.com:8080/x?y=z", "http://example.com:8080/x?y=z"),
        ("https://example.com:8443", "https://example.com:8443/"),
        ("http://example.com./", "http://example.com/"),
        ("http://example.com?q=1", "http://example.com/?q=1"),
        ("http://example.com#part", "http://example.com/"),
        ("http://example.com/@user/a:b;c?d=e@f#@g", "http://example.com/@user/a:b;c?d=e@f"),
        ("http://example.com/%0d%0a%00%5c?%2f", "http://example.com/%0d%0a%00%5c?%2f"),
        ("http://example.com/a/../b//c", "http://example.com/a/../b//c"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://127.0.0.1.example.com/", "http://127.0.0.1.example.com/"),
        ("http://0x7f000001.example.com/", "http://0x7f000001.example.com/"),
        ("http://1.example.com/", "http://1.example.com/"),
        ("https://[2606:4700:4700:0:0:0:0:1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
        ("http://bücher.de/", "http://xn--bcher-kva.de/"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://例え.jp/", "http://xn--r8jz45g.jp/"),
        ("http://XN--BCHER-KVA.de/", "http://xn--bcher-kva.de/"),
        ("http://" + "a" * 63 + ".com/", "http://" + "a" * 63 + ".com/"),
    ],
)
def test_what_is_read(url: str, canonical: str) -> None:
    assert parse(url).url == canonical
    assert parse(canonical).url == canonical


@pytest.mark.parametrize(
    ("expected", "urls"),
    [
        ("scheme", ["", "http", "ftp://a.com/", "javascript:alert(1)", "data:text/plain,x", "a.com:80/",
                    "/x", "?",
                    "1http://a.com", "http+unix://a.com/", "://a.com", "localhost:8080", "httpss://a.com"]),
        ("syntax", ["http:", "http:/", "http://", "http:a.com", "http:///a.com", "http:////a.com",
                    "http://:80/",
                    "http://./", "http://../", "http://a..com/", "http://.a.com/", "http://a.com../",
                    "http://a.com:", "http://a.com:/", "http://a.com:x/", "http://a.com:-80/",
                    "http://a.com:+80/",
                    "http://a.com:8 0/", "http://a.com:80:80/", "http://a.com:80a/", "http://a.com:８０/",
                    "http://::1/", "http://[::1", "http://::1]/", "http://[]/", "http://[::1]a.com/",
                    "http://[[::1]]/",
                    "http://[::1%25lo]/", "http://[::1%lo]/", "http://[1::2::3]/", "http://[12345::]/",
                    "http://[8.8.8.8]/", "http://a%2ecom/", "http://a.com%00/", "http://a.com\\b/",
                    "http://a.com/\\b",
                    "http://a.com/ ", "\thttp://a.com/", "http://a.com/\x7f", "http://a.com/\x85",
                    "http://a.com/é",
                    "http://a.com/?q=é", "http://a.com/#é", "http://a.com/\ud800", "http://\ud800.com/",
                    "http://a.com/%", "http://a.com/%4", "http://a.com/%zz", "http://a.com/<x>",
                    'http://a.com/"',
                    "http://a.com/{x}", "http://a.com/|", "http://a.com/[x]", "http://a.com/^",
                    "http://a.com/`",
                    "http://a.com/#a#b", "http://<a>.com/", "http://a.com?x@127.0.0.1/",
                    "http://a.com#@b.com/",
                    "http://exa\u3000mple.com/\n", "\ufeffhttp://\u2028"]),
        ("userinfo", ["http://u@a.com/", "http://u:p@a.com/", "http://:@a.com/", "http://a.com:80@b.com/",
                      "http://u%40x@a.com/", "http://a@b@c.com", "https://@a.com/"]),
        ("port", ["http://a.com:0/", "http://a.com:22/", "http://a.com:080/", "http://a.com:00080/",
                  "http://a.com:65616/", "http://a.com:99999999999999999999/", "https://8.8.8.8:444/"]),
        ("host", ["http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://com/",
                  "http://a.local/",
                  "http://a.internal./", "http://1.0.0.127.in-addr.arpa/", "http://a.example/",
                  "http://a.lan/",
                  "http://a.invalid/", "http://a.alt/", "http://a.b1/", "http://a.c/", "http://printer/",
                  "http://xn--bcher-kva/", "http://bücher/"]),
        ("numeric", ["http://0/", "http://127.1/", "http://1/", "http://0x7f.1/", "http://0177.0.0.1/",
                     "http://08.8.8.8/", "http://8.8.8.08/", "http://8.8.8.8./", "http://256.1.1.1/",
                     "http://1.2.3.4.5/", "http://8.8.8/", "http://0x/", "http://a.0x8/", "http://a.com.1/",
                     "http://4294967296/", "http://134744072/", "http://010.8.8.8/", "http://0X8.8.8.8/"]),
        ("idna", ["http://8。8.8.8/", "http://８.8.8.8/", "http://①.com/", "http://BÜCHER.de/",
                  "http://a_b.com/",
                  "http://-a.com/", "http://a-.com/", "http://ab--cd.com/", "http://xn--a.com/",
                  "http://xn--.com/",
                  "http://xn--localhost-.com/", "http://a\u200bb.com/", "http://a\u00adb.com/",
                  "http://ａ.com/",
                  "http://१२७.com/", "http://१२७.०.०.१/", "http://١٢٧.com/", "http://" + "a" * 64 + ".com/",
                  "http://" + "a." * 126 + "aa.com/", "http://a!b.com/", "http://a;b.com/", "http://*.com/",
                  "http://u\u0308.com/", "http://a\u2024com/", "http://☃.com/", "http://a\u3002com/"]),
        ("long", ["http://a.com/" + "a" * LONGEST, "a" * (LONGEST + 1), "http://a.com/" + "é" * 1100]),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(expected: str, urls: list[str]) -> None:
    assert {url: reason(url) for url in urls} == dict.fromkeys(urls, expected)


def test_a_url_may_have_so_many_bytes() -> None:
    start = "http://a.com/"
    assert reason(start + "a" * (LONGEST - len(start))) is None
    assert reason(start + "a" * (LONGEST - len(start) + 1)) == "long"


@pytest.mark.parametrize("url", [None, 5, b"http://a.com/", ["http://a.com/"]])
def test_what_is_no_text_is_no_url(url: object) -> None:
    assert reason(url) == "syntax"  # type: ignore[arg-type]


def test_an_exempt_place_is_read_as_strictly_and_asked_nothing_else() -> None:
    exempt = {"127.0.0.1:9000", "localhost:80", "[::1]:8080", "box.test:22"}
    for url in ("http://127.0.0.1:9000/", "http://localhost/", "http://[::1]:8080/x", "https://box.test:22/"):
        assert parse(url, exempt).exempt
        assert reason(url) is not None
    for url in ("http://127.0.0.1/", "http://localhost:8080/", "http://127.1:9000/", "http://u@localhost/",
                "http://localhost:80:80/", "https://localhost/"):  # fmt: skip
        with pytest.raises(PortalRefused):
            parse(url, exempt)


HOSTS = st.sampled_from(
    ["a.com", "www.a-b.co", "A.Com", "8.8.8.8", "[2606:4700::1]", "a.com.", "xn--bcher-kva.de", "127.1",
     "a@b.com", "a.com:80", "a.com:8443", "a\\b.com", "", "..", "[::1]", "a.b.c.d.org", "0x8"]
)  # fmt: skip
ODD = st.text(alphabet=string.printable + "é。\u2028\x00", max_size=6)
TEXT = st.text(alphabet=string.ascii_letters + string.digits + "/?#@:;%._~-&=[]\\ +!$'()*,", max_size=30)


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "http:/", "//", "ftp://", ""]), HOSTS,
    st.one_of(ODD, st.just("")), TEXT,
)  # fmt: skip
def test_what_passes_is_read_the_same_by_everyone(scheme: str, host: str, odd: str, tail: str) -> None:
    url = f"{scheme}{host}{odd}{tail}"
    try:
        place = parse(url)
    except PortalRefused as error:
        assert error.reason in REASONS
        return
    same(url, place)
    same(place.url, place)
    assert parse(place.url) == place


def same(url: str, place: Place) -> None:
    """Two other readers of a URL see what ours sees."""
    theirs = urlsplit(url)
    assert theirs.scheme == place.scheme
    assert theirs.username is None and theirs.password is None
    assert (theirs.hostname or "").removesuffix(".") == place.host
    assert (theirs.port or {"http": 80, "https": 443}[place.scheme]) == place.port
    asked = (theirs.path or "/") + (f"?{theirs.query}" if "?" in url.partition("#")[0] else "")
    assert asked == place.target
    other = httpcore.URL(url.partition("#")[0])
    assert other.origin.port == place.port
    assert other.host.decode().removesuffix(".").lower() == place.host
    assert other.target.decode().rstrip("?") == place.target.rstrip("?")


@given(st.text(max_size=60))
def test_no_text_is_more_than_refused(url: str) -> None:
    assert reason(url) in {*REASONS, None}
    assert reason(f"http://{url}") in {*REASONS, None}


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("http://b.com/x", "http://b.com/x"), ("//b.com/x", "http://b.com/x"), ("/x", "http://a.com/x"),
        ("x", "http://a.com/p/x"), ("./x", "http://a.com/p/x"), ("../x", "http://a.com/x"),
        ("../../../x", "http://a.com/x"), ("..", "http://a.com/"), (".", "http://a.com/p/"), ("?z",
        "http://a.com/p/q?z"),
        ("#z", "http://a.com/p/q?r"), ("", "http://a.com/p/q?r"), ("x?a/../b", "http://a.com/p/x?a/../b"),
        ("/a/./b/../c", "http://a.com/a/c"), ("x//y", "http://a.com/p/x//y"),
    ],
)  # fmt: skip
def test_where_a_redirect_leads(location: str, there: str) -> None:
    assert parse(joined(parse("http://a.com/p/q?r"), location)).url == there


@given(TEXT)
def test_a_redirect_leads_where_the_library_says_or_nowhere(location: str) -> None:
    from urllib.parse import urljoin

    base = parse("https://a.com:8443/p/q/r?s=t")
    try:
        place = parse(joined(base, location))
    except PortalRefused:
        return
    try:
        other = parse(urljoin(base.url, location))
    except PortalRefused:
        return  # the library keeps what we refuse
    assert (place.scheme, place.host, place.port) == (other.scheme, other.host, other.port)
