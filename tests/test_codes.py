"""Everything that has a name has a meaning: tables, docs and tests cover each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from lisppump import LisppumpError, Pump, hookimpl
from lisppump.clauses import CLAUSES, PUMP
from lisppump.clauses_shape import Clause
from lisppump.cli import COMMANDS
from lisppump.cli.describe import codes, hooks
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS
from lisppump.registry import Registry
from lisppump.stages import KINDS
from lisppump.testing import Simulation
from tests.cli_support import ROOT, Lisppump

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
SUFFIXES = (".py", ".lisp", ".txt")


def paths(clause: Clause, before: str = "") -> list[str]:
    """The path of every option below a clause."""
    found = []
    for part in (*clause.options, *([clause.members] if clause.members else [])):
        own = f"{before} {part.name}".strip()
        found += [own, *paths(part, own)]
    return found


STAGES = [name for kind in KINDS for name in Registry.load().names(kind)]
WORDS = {*load(), *FORMS, *paths(PUMP), *STAGES, *hooks(), *COMMANDS, *codes()}


def test_each_kind_of_word_is_among_them() -> None:
    assert {"take", "let*", "breaker bad", "affinity", "select", "plan", "contract", *CLAUSES} <= WORDS


def test_every_word_is_described(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lisppump, registry = Lisppump(capsys), Registry.load()
    monkeypatch.setattr(Registry, "load", lambda: registry)
    for word in sorted(WORDS):
        outcome = lisppump("describe", "--json", "--", *word.split(" "))
        assert outcome.code == 0, word
        for entry in json.loads(outcome.out)["entries"]:
            assert entry["usage"].strip(), word
            assert re.search(r"[.:;)]$", entry["doc"].strip()), f"{word}: {entry['doc']!r} is no sentence"


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_error_code_is_a_kebab_case_word_with_a_sentence(code: str) -> None:
    entry = codes()[code]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert entry.doc[0].isupper() or entry.doc.startswith(("pump.lisp", "lisppump"))
    assert entry.doc.endswith(".") and entry.doc.count(" ") >= 3
    assert entry.exit in (1, 2, 3, 4, 5, 6, 70)


def test_every_error_code_stands_in_a_test() -> None:
    here = Path(__file__).parent
    texts = "\n".join(p.read_text(encoding="utf-8") for p in here.rglob("*") if p.suffix in SUFFIXES)
    found = set(re.findall(r"[a-z]+(?:-[a-z]+)*", texts))
    assert sorted(set(codes()) - found) == []


# -- those that no other test raises


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
