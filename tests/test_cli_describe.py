"""`lisppump describe`: every table answers, in one golden file each; whatever has a name has a meaning."""

from __future__ import annotations

import pytest

from tests.cli_support import Lisppump, golden


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("builtin", "take"),
        ("form", "let*"),
        ("clause", "state"),
        ("clause", "breaker bad"),
        ("dam", "affinity"),
        ("option", "affinity room-size"),
        ("backend", "none"),
        ("hook", "frame_committed"),
        ("command", "plan"),
        ("error code", "no-simulation"),
    ],
)
def test_one_of_each(lisppump: Lisppump, kind: str, word: str) -> None:
    outcome = lisppump("describe", *word.split())
    assert outcome.code == 0 and outcome.err == ""
    golden(f"describe-{word.replace(' ', '-').replace('*', '-star')}.txt", outcome.out)
    document = lisppump("describe", *word.split(), "--json").json
    assert document["schema"] == "lisppump/describe@1" and document["name"] == word
    assert kind in [entry["kind"] for entry in document["entries"]]
    assert all(entry["doc"] and entry["usage"] for entry in document["entries"])


def test_a_word_with_several_meanings_has_them_all(lisppump: Lisppump) -> None:
    entries = lisppump("describe", "pipe", "--json").json["entries"]
    assert {entry["kind"] for entry in entries} >= {"builtin", "clause"}


def test_an_unknown_word_is_suggested_another(lisppump: Lisppump) -> None:
    outcome = lisppump("describe", "afinity")
    assert outcome.code == 1 and outcome.out == ""
    golden("error-describe.txt", outcome.err)
