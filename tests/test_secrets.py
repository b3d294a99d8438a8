"""Keys and passwords are taken out of texts, however they are written; words that only look so stay."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.calling import BackendError, Failure, Reply, answered
from lisppump.errors import said
from lisppump.secrets import HIDDEN, has_password, safe, without

KEY = 'canary-"one"\\ /+é'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("GH_TOKEN", "canary-token-two")
    monkeypatch.setenv("HTTPS_PROXY", "http://mary:canary%2Fthree@proxy:8080")
    monkeypatch.setenv("ALL_PROXY", "mary:canary-naked@proxy:8080")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Other: Bearer canary-four-4\nX-More: canary five")
    monkeypatch.setenv("SHORT_KEY", "abc")
    monkeypatch.setenv("XAUTHORITY", "/home/user/.Xauthority")


@pytest.mark.parametrize(
    "written",
    [
        KEY, json.dumps(KEY), repr(KEY), quote(KEY, safe=""), "canary-token-two", "canary/three",
        "canary%2Fthree", base64.b64encode(b"mary:canary/three").decode(), "canary-naked",
        "Bearer canary-four-4", "canary-four-4", "canary five",
    ],
)  # fmt: skip
def test_a_secret_is_found_in_every_form(written: str) -> None:
    text = without(f"before {written} after")
    assert "canary" not in text and HIDDEN in text and text.startswith("before ") and text.endswith(" after")
    assert safe(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the abc of keys", "/home/user/.Xauthority", "Bearer of bad news", "a basic authorization fails",
        "the password: ?", "see https://example.com/a@b", "api key: x",
    ],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    assert without(text) == text == safe(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://user:SeCrEt1@host/", "Authorization: Bearer SeCrEt1234", "{'x-api-key': 'SeCrEt1'}",
        '{"x-api-key":"SeCrEt1"}', "sk-ant-api03-SeCrEt1-SeCrEt1", "token ghp_SeCrEt1234567 is bad",
        "Proxy-Authorization: Basic SeCrEt1234==", "password=SeCrEt1&x=1",
    ],
)  # fmt: skip
def test_in_errors_what_looks_like_a_key_goes_as_well(text: str) -> None:
    assert "SeCrEt" not in safe(text) and HIDDEN in safe(text)


@given(st.text())
def test_a_text_without_secrets_is_itself(text: str) -> None:
    if "canary" not in text:
        assert without(text) == text


@pytest.mark.parametrize("address", ["https://u:p@host", "http://u@host/x", "u:p@host:1", "https://:p@host"])
def test_a_password_in_an_address_is_seen(address: str) -> None:
    assert has_password(address)


@pytest.mark.parametrize("address", ["https://host", "http://host/a@b", "host:80", "[::1]:80", "host/a:b@c"])
def test_an_address_without_one_is_fine(address: str) -> None:
    assert not has_password(address)


def test_failures_and_answers_hold_none() -> None:
    error = BackendError(Failure.REFUSED, f"it says {KEY}", text="canary-token-two came back")
    assert "canary" not in f"{error} {error.args} {error.reason} {error.text}"
    reply = answered(Reply(text=f"<{KEY}>", reason="canary-token-two", model="canary-token-two"))
    assert "canary" not in repr(reply)
    assert "canary" not in said(RuntimeError(f"cannot send {KEY}"))
