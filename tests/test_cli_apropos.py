"""`lisppump apropos`: what speaks of a word, names first, each on a line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lisppump.cli.apropos import cut, speaking_of
from lisppump.words import Entry
from tests.cli_support import Lisppump, golden
from tests.distributions import TIDES, put, seen


@pytest.fixture
def lisppump(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Lisppump:
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    return Lisppump(capsys)


def test_lines(lisppump: Lisppump) -> None:
    outcome = lisppump("apropos", "room")
    assert (outcome.code, outcome.err) == (0, "")
    golden("apropos.txt", outcome.out)


def test_all_words_are_wanted_in_whatever_case_and_place(lisppump: Lisppump) -> None:
    both = lisppump("apropos", "Room", "SIZE").out
    assert both == lisppump("apropos", "size", "room").out
    assert both.splitlines()[0].startswith("option  affinity room-size")
    assert set(both.split()) < set(lisppump("apropos", "room").out.split())


def test_names_come_before_descriptions_and_each_part_in_the_order_of_the_tables() -> None:
    entries = [
        Entry("form", "a", "(a wave)", "Nothing."),
        Entry("form", "b", "(b)", "Makes a Wave."),
        Entry("form", "wave-b", "(x)", "Y."),
        Entry("form", "wave-a", "(x)", "Y."),
        Entry("form", "c", "(c)", "Y.", also=("old-wave",)),
        Entry("form", "d", "(d)", "Y.", details=("wave",)),
    ]
    assert [entry.name for entry in speaking_of(("wave",), entries)] == ["wave-b", "wave-a", "c", "a", "b"]
    assert [entry.name for entry in speaking_of(("wave", "b"), entries)] == ["wave-b", "b"]


def test_the_document(lisppump: Lisppump) -> None:
    document = lisppump("apropos", "affinity", "room-size", "--json").json
    assert list(document) == ["schema", "words", "entries"]
    assert (document["schema"], document["words"]) == ("lisppump/apropos@1", ["affinity", "room-size"])
    assert [entry["name"] for entry in document["entries"]] == ["affinity room-size", "affinity"]
    assert list(document["entries"][0]) == ["kind", "name", "usage", "doc", "details", "origin"]


def test_nothing_found_is_1_with_a_suggestion(lisppump: Lisppump) -> None:
    outcome = lisppump("apropos", "room", "afinity")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.splitlines() == [
        "error[nothing-found]: nothing speaks of `afinity`", "  help: did you mean `affinity`?"
    ]  # fmt: skip
    assert "try a shorter word" in lisppump("apropos", "qqqqqqqq").err
    apart = lisppump("apropos", "pluck", "breaker")
    assert apart.code == 1
    assert "nothing speaks of `pluck` and `breaker` at once\n  help: leave one of them out" in apart.err
    assert lisppump("apropos", "qqqqqqqq", "--json").json["error"]["code"] == "nothing-found"


def test_a_line_is_cut_on_a_terminal_and_not_in_a_pipe(
    lisppump: Lisppump, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(len(line) for line in lisppump("apropos", "room").out.splitlines())
    assert longest > 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = lisppump("apropos", "room", "--no-color").out.splitlines()  # COLUMNS=80
    assert max(map(len, lines)) <= 80 and any(line.endswith("...") for line in lines)


def test_cut() -> None:
    assert cut("twelve signs", 12) == cut("twelve signs", None) == "twelve signs"
    assert cut("twelve signs", 11) == "twelve s..." and cut("twelve signs", 10) == "twelve..."
    assert cut("twelve signs", 1) == "..."


def test_plugins_are_searched_too(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "site", "beta-tides", "1.2", TIDES, entry="tides", summary="Tides for worlds by the sea")
    put(tmp_path / "site", "dry-sea", "0.3", "raise ValueError('no sea')", entry="dry")
    seen(tmp_path / "site", monkeypatch)
    outcome = lisppump("apropos", "water")
    assert (outcome.code, outcome.err) == (0, "")
    golden("apropos-plugin.txt", outcome.out)
    unknown = lisppump("apropos", "qqqqqqqq")
    assert unknown.err.startswith("plugin dry-sea 0.3 is broken at ")
