"""Everything that has a name stands in a test; every error code is a word with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from lisppump import LisppumpError, Policy, Pump, hookimpl
from lisppump.cli.describe import commands
from lisppump.registry import Registry, kind_prefix
from lisppump.stages import KINDS
from lisppump.testing import Simulation
from lisppump.words import EXITS, Entry, codes, everything
from tests.cli_support import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
SUFFIXES = (".py", ".lisp", ".txt")
TOLD = ("describe-", "apropos", "help")  # golden files that only repeat the tables
END = r"(?=[\s)\"'])"
NEAR = r"(?:(?!\n\n).){0,400}?"  # not far below, in the same form
SIGNS = {"quote": "'", "quasiquote": "`", "unquote": ",", "unquote-splicing": ",@"}  # forms by other names


# -- every entry stands in a test


@cache
def texts() -> str:
    """Every test, and what tests are held to."""
    here = Path(__file__).parent
    files = [path for path in sorted(here.rglob("*")) if path.suffix in SUFFIXES]
    wanted = [path for path in files if path.name != "test_words.py" and not path.name.startswith(TOLD)]
    return "\n".join(path.read_text(encoding="utf-8") for path in wanted)


def pattern(entry: Entry, ambiguous: frozenset[str]) -> str | None:
    """How a test that is about an entry writes it; None for what every world names in its own way."""
    *above, last = entry.name.split(" ")
    word = re.escape(last)
    if entry.kind in ("clause", "option"):
        if last.isupper():
            return None
        if entry.kind == "option":
            return rf"\({word}{END}|\b{last.replace('-', '_')}="
        if not above or last not in ambiguous:
            return rf"\({word}{END}"
        before = "into|fields" if above[-1].isupper() else re.escape(above[-1])
        return rf"(?:\((?:{before}){END}{NEAR}|\")\({word}{END}"
    if entry.kind in KINDS:
        module = f"{kind_prefix(entry.kind)}_{last.replace('-', '_')}"
        chosen, asked = rf"\([\w-]+ (?:\d+ )?\(?{word}{END}", rf"\"{entry.kind}\", \"{word}\""
        return rf"{chosen}|{asked}|plugins(?:\.| import ){module}\b"
    return {
        "hook": rf"def {word}\(",
        "python": rf"\b{word}\b",
        "command": ", ".join(f'"{part}"' for part in entry.name.split(" ")),
        "error code": rf"(?:\"|\[|;!> |error ){word}\b",
        "name": rf"[\s(]{word}[\s)]",
        "default": rf"\"describe\", \"{word}\"",
        "capability": rf"\(allow [a-z ]*\b{word}\b",
        "exit codes": rf"\"describe\", \"{word}\"",
        "notion": rf"\"describe\", \"{word}\"",
        "loadable": rf"[\s(']{word}[\s)]",
        "library": rf"[\s(']{word}[\s)]",
    }[entry.kind]


def test_every_entry_of_every_table_stands_in_a_test() -> None:
    entries = tuple(everything(Registry(), commands))
    names = [entry.name.split(" ")[-1] for entry in entries if entry.kind in ("clause", "builtin", "form")]
    ambiguous = frozenset(
        entry.name.split(" ")[-1]
        for entry in entries
        if entry.kind == "clause" and " " in entry.name and names.count(entry.name.split(" ")[-1]) > 1
    )
    missing = []
    for entry in entries:
        if entry.kind in ("builtin", "form"):  # their examples are run, each in lispy/test_builtins_table.py
            found = any(name in entry.details[0] for name in (*entry.names, *SIGNS.get(entry.name, ())))
        else:
            wanted = pattern(entry, ambiguous)
            found = wanted is None or re.search(wanted, texts(), re.DOTALL) is not None
        if not found:
            missing.append(f"{entry.kind} {entry.name}")
    assert missing == []


# -- error codes


def test_every_error_code_is_a_kebab_case_word_with_a_sentence() -> None:
    for code, entry in codes().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert entry.doc[0].isupper() or entry.doc.startswith(("pump.lisp", "lisppump")), code
        assert entry.doc.endswith(".") and entry.doc.count(" ") >= 3, code
        assert entry.exit in EXITS, code


# -- what no other test names


def test_the_limits_of_a_policy_reach_its_programs(tmp_path: Path) -> None:
    limits = "(name rooms) (limits (elements 900) (string 800) (output 700) (seconds 6))"
    found = Policy.load(world(tmp_path, ("(name rooms)", limits)) / "pump.lisp").limits
    assert (found.elements, found.string, found.output, found.seconds) == (900, 800, 700, 6)


def world(folder: Path, *changes: tuple[str, str]) -> Path:
    text = ROOMS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "pump.lisp").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "old", "new", "words"),
    [
        ("bad-answer", "(streams how-many)", '(streams (lambda (frame) "many"))', "(streams ...)"),
        ("bad-answer", "(genesis first-frame)", "(genesis (lambda () 5))", "(genesis ...)"),
        ("bad-answer", 'json" agents)', 'json" agents (order (lambda (a) "x")))', "(agents (order ...))"),
        ("no-agents", '(agents "agents.json" agents)', '(agents "people.json" agents)', "people.json"),
        ("no-agents", '(agents "agents.json" agents)', '(agents "agents.json" people)', "agents.json people"),
    ],
)
def test_what_a_policy_gets_wrong_only_on_a_frame(
    tmp_path: Path, code: str, old: str, new: str, words: str
) -> None:
    with Pump.open(world(tmp_path, (old, new))) as pump, pytest.raises(LisppumpError) as caught:
        pump.plan()
    assert caught.value.code == code
    assert words in caught.value.message


class Falling:
    """A dam that falls over."""

    def assign(self, frame: object, agents: object, n: int, seed: int) -> list[list[str]]:
        raise KeyError("ann")


class Dams:
    """A plugin that offers it."""

    @hookimpl
    def dams(self) -> Mapping[str, type]:
        return {"falling": Falling}


def test_a_stage_that_raises_is_named_with_its_plugin_and_frame(tmp_path: Path) -> None:
    registry = Registry.load()
    registry.register(Dams(), "dams-of-mine", "1.0")
    folder = world(tmp_path, ("(dam round-robin)", "(dam falling)"))
    with Pump.open(folder, registry=registry) as pump, pytest.raises(LisppumpError) as caught:
        pump.plan()
    error = caught.value
    assert (error.code, error.exit_code) == ("stage-failed", 4)
    for word in ("dam `falling`", "dams-of-mine", "frame 1", "test_codes.py"):
        assert word in error.diagnostic()


def test_a_stage_without_its_method_is_refused() -> None:
    class Mute:
        @hookimpl
        def dams(self) -> Mapping[str, type]:
            return {"mute": object}

    with pytest.raises(LisppumpError) as caught:
        Registry.load().register(Mute(), "mutes")
    assert (caught.value.code, caught.value.exit_code) == ("bad-stage", 4)
    assert "assign(frame, agents, n, seed)" in caught.value.message


def test_a_simulation_of_the_testing_module_is_one(tmp_path: Path) -> None:
    with Simulation(tmp_path / "w", ROOMS).open() as pump:
        assert pump.status().state == "idle"
