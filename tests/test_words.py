"""The words: every table is in them, every entry says what it means, every name leads to its entry."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from lisppump.clauses import CLAUSES
from lisppump.cli import COMMANDS
from lisppump.cli.describe import commands
from lisppump.hookspecs import API_VERSION, NOUNS, PARTICIPLES, SINCE, VERBS
from lisppump.lispy import library
from lisppump.lispy.analyser import GIVEN
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS
from lisppump.lispy.limits import Limits
from lisppump.notions import ADVICE, NOTIONS
from lisppump.registry import Registry, builtin_stages
from lisppump.stages import KINDS
from lisppump.witness import DECIDED
from lisppump.words import Entry, Origin, codes, everything, meanings, named, nearest
from tests.cli_support import ROOT
from tests.distributions import EBB, TIDES, put, seen

SENTENCE = re.compile(r"\S+ .*[.:;!?)]", re.DOTALL)


@cache
def ours() -> tuple[Entry, ...]:
    """Every entry, whatever is installed."""
    return tuple(everything(Registry(), commands))


def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Entry, ...]:
    """Every entry with the plugins of a folder."""
    seen(site, monkeypatch)
    return tuple(everything(Registry.load(), commands))


def of_kind(kind: str, entries: tuple[Entry, ...] | None = None) -> dict[str, Entry]:
    return {entry.name: entry for entry in entries or ours() if entry.kind == kind}


def test_every_table_is_there() -> None:
    top = [name for name in of_kind("command") if " " not in name]
    assert top == [*COMMANDS]
    assert [name for name in of_kind("clause") if " " not in name] == ["pump", *CLAUSES]
    for kind in KINDS:
        assert set(of_kind(kind)) == {name for found, name in builtin_stages() if found == kind}
    assert [*of_kind("hook")] == [*NOUNS, *VERBS, *PARTICIPLES]
    for kind, table in (("form", FORMS), ("builtin", load())):
        entries = of_kind(kind)
        assert set(table) == {name for entry in entries.values() for name in entry.names}
    assert set(of_kind("name")) == set(GIVEN)
    assert set(of_kind("library")) == set(library.names())
    assert {"fibonacci-topics", "publish", "memes", "echo-of"} <= {*of_kind("loadable"), *of_kind("notion")}
    assert [*of_kind("error code")] == sorted(codes())
    assert {"breaker bad", "delta COLLECTION number above"} <= set(of_kind("clause"))
    assert {"affinity room-size", "round-robin room-size"} <= set(of_kind("option"))
    assert of_kind("plugin") == {}
    assert [*of_kind("notion")] == [notion.name for notion in NOTIONS]


def test_every_entry_says_how_it_is_written_and_what_it_does() -> None:
    for entry in ours():
        which = f"{entry.kind} {entry.name}"
        assert entry.usage.strip() and "\n" not in entry.usage, which
        assert SENTENCE.fullmatch(entry.doc.strip()), f"{which}: {entry.doc!r} is no sentence"
        assert entry.gist and "\n" not in entry.gist and entry.doc.split()[0] == entry.gist.split()[0]
        assert all(detail.strip() for detail in entry.details), which


def test_what_ends_programs_from_outside_has_a_way_out() -> None:
    ends = of_kind("error code")
    assert set(ADVICE) <= set(ends) and {*DECIDED, "portal-refused"} == set(ADVICE)
    for code, advice in ADVICE.items():
        assert f"help: {advice}" in ends[code].details


def test_every_name_leads_to_its_entry() -> None:
    for entry in ours():
        for name in entry.names:
            assert entry in named(name, ours()), name


def test_the_order_does_not_change_and_no_name_is_there_twice() -> None:
    assert tuple(everything(Registry(), commands)) == ours()
    keys = [(entry.kind, name) for entry in ours() for name in entry.names if entry.kind != "option"]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("take", [("builtin", "take")]),
        ("let*", [("form", "let*")]),
        ("pump", [("clause", "pump")]),
        ("breaker bad", [("clause", "breaker bad")]),
        ("pump breaker bad", [("clause", "breaker bad")]),
        ("bad", [("clause", "breaker bad")]),
        ("delta posts number above", [("clause", "delta COLLECTION number above")]),
        ("delta otherwise", [("clause", "delta otherwise")]),
        ("dam affinity", [("dam", "affinity")]),
        ("lisppump/affinity", [("dam", "affinity")]),
        ("dam affinity room-size", [("option", "affinity room-size")]),
        ("room-size", [("option", "affinity room-size"), ("option", "round-robin room-size")]),
        ("pluck", [("library", "pluck")]),
        ("frame", [("name", "frame")]),
        ("agents", [("clause", "agents"), ("name", "agents")]),
        ("frame_committed", [("hook", "frame_committed")]),
        ("worker", [("notion", "worker")]),
        ("workers", [("notion", "worker")]),
        ("echo_frames", [("notion", "echo_frames")]),
        ("signals", [("notion", "signals")]),
        ("programs.json", [("notion", "programs.json")]),
        ("self", [("notion", "self")]),
        ("catch", [("notion", "catch")]),
        ("echo-of", [("notion", "echo-of")]),
        ("plugins why", [("command", "plugins why")]),
        ("no-simulation", [("error code", "no-simulation")]),
        ("affinity nothing", []),
        ("", []),
    ],
)
def test_what_a_word_means(word: str, wanted: list[tuple[str, str]]) -> None:
    assert [(entry.kind, entry.name) for entry in named(word, ours())] == wanted


def test_a_word_with_several_meanings_has_them_all_in_the_order_of_the_tables() -> None:
    kinds = [entry.kind for entry in meanings("by", Registry(), commands)]
    assert kinds == ["dam", "merger", "echo", "clause"]


def test_a_word_that_is_none_is_suggested_another_of_any_table() -> None:
    for word, near in [
        ("afinity", "affinity"), ("braeker bad", "breaker bad"), ("frame_comitted", "frame_committed"),
        ("no-simulatoin", "no-simulation"), ("doctr", "doctor"), ("plukc", "pluck"),
    ]:  # fmt: skip
        assert nearest(word, ours()) == near
    assert nearest("qqqqqqqq", ours()) is None


def test_every_hook_says_its_part_of_speech_and_its_version() -> None:
    assert set(SINCE) == {*NOUNS, *VERBS, *PARTICIPLES}
    for name, entry in of_kind("hook").items():
        part = "noun" if name in NOUNS else "verb" if name in VERBS else "past participle"
        assert entry.details[0] == f"a {part}, since version {SINCE[name]} of the hooks"
        gives = [line for line in entry.details[1:] if line.startswith("gives: ")]
        assert gives == list(entry.details[1:]) and len(gives) == (part != "past participle")
        assert 1 <= SINCE[name] <= API_VERSION


def test_what_lisppump_brings_says_so() -> None:
    for kind in ("command", "hook", "form", "builtin", "library"):
        assert {entry.origin.plugin for entry in of_kind(kind).values() if entry.origin} == {"lisppump"}
    affinity = of_kind("dam")["affinity"].origin
    assert affinity is not None and affinity.plugin == "lisppump:affinity"
    assert affinity.file is not None and affinity.file.endswith("dam_affinity.py")
    assert of_kind("option")["affinity room-size"].origin == affinity


def test_the_limits_are_those_that_runs_have() -> None:
    entry = of_kind("default")["limits"]
    shown = {line.partition(":")[0]: line for line in entry.details}
    assert list(shown) == [each.name for each in fields(Limits)]
    for name, line in shown.items():
        most = getattr(Limits(), name)
        assert line.startswith(f"{name}: {'none' if most is None else f'{most:,}'} "), line
        assert line.rpartition(" ")[2].rstrip(".") in codes() or line.endswith("; the rest is cut.")
    assert shown["steps"] == "steps: 10,000,000  Steps of one run; beyond it step-limit."
    assert shown["output"].startswith("output: 65,536 (64 Ki)  ")
    assert shown["allocation"].startswith("allocation: 67,108,864 (64 Mi)  ")


# -- plugins


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_what_plugins_bring_says_where_it_came_from(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(put(site, "beta-tides", "1.2", TIDES, entry="tides", summary="Tides for worlds"))
    entries = installed(site, monkeypatch)
    origin = Origin("beta-tides:tides", "1.2", file)
    new = [entry for entry in entries if entry.origin == origin]
    assert [(entry.kind, entry.name) for entry in new] == [
        ("command", "tides"), ("command", "tides now"), ("dam", "ebb"), ("option", "ebb height"),
        ("backend", "sea"), ("builtin", "tide"), ("plugin", "beta-tides:tides"),
    ]  # fmt: skip
    for entry in new:
        for name in entry.names:
            assert entry in named(name, entries), name
    for word in ("water", "beta-tides/tide", "beta-tides/ebb height", "dam ebb", "beta-tides/tides now"):
        assert [entry.origin for entry in named(word, entries)] == [origin], word
    assert {entry.name for entry in named("tides", entries)} == {"tides", "beta-tides:tides"}
    (plugin,) = of_kind("plugin", entries).values()
    assert plugin.doc == "Tides for worlds." and plugin.details == (
        "state: ready",
        "offers: dam ebb, backend sea, builtin tide, builtin water, command tides",
        "implements: frame_committed",
        "to leave it out: -p no:beta-tides, or (plugins (without beta-tides)) in pump.lisp",
    )
    heard = of_kind("hook", entries)["frame_committed"]
    assert heard.details[1:] == ("implemented by: beta-tides:tides",)


def test_of_two_the_first_has_the_name_and_the_other_its_full_name(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "beta-tides", "1.2", TIDES, entry="tides")
    put(site, "alpha-tides", "1.0", EBB, entry="tides")
    put(site, "gamma", "3.0", EBB.replace('"ebb"', '"affinity"'), entry="gamma")
    entries = installed(site, monkeypatch)

    def who(word: str) -> list[str]:
        return [entry.origin.plugin for entry in named(word, entries) if entry.origin is not None]

    assert who("ebb") == who("alpha-tides/ebb") == ["alpha-tides:tides"]
    assert who("beta-tides/ebb") == ["beta-tides:tides"]
    assert who("affinity") == ["gamma:gamma"] and who("lisppump/affinity") == ["lisppump:affinity"]
    assert of_kind("dam", entries)["beta-tides/ebb"].usage.startswith("(beta-tides/ebb ")


def test_lispy_keeps_its_own_names(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = TIDES.replace('"tide"', '"take"').replace("(tide ", "(take ")
    put(site, "beta-tides", "1.2", code, entry="tides")
    entries = installed(site, monkeypatch)
    assert [entry.origin for entry in named("take", entries)] == [of_kind("builtin")["take"].origin]
    (taken,) = named("beta-tides/take", entries)
    assert taken.name == "water" and taken.also == ("beta-tides/take",)


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("raise ValueError('no sea')", "state: broken at {file}:1", "reason: ValueError: no sea"),
        ("def (", "state: broken at {file}:1", "reason: SyntaxError: "),
    ],
)
def test_a_broken_plugin_is_a_word_too(
    site: Path, monkeypatch: pytest.MonkeyPatch, code: str, state: str, reason: str
) -> None:
    file = put(site, "dry-sea", "0.3", code, entry="sea", summary="A sea without water")
    seen(site, monkeypatch)
    (entry,) = meanings("dry-sea", Registry.load(), commands)
    assert (entry.kind, entry.doc) == ("plugin", "A sea without water.")
    assert entry.details[0] == state.format(file=file) and entry.details[1].startswith(reason)
    (entry,) = meanings("sea", Registry.load(without=["dry-sea"]), commands)
    assert entry.details[0] == "state: off"


def test_a_drop_in_without_trust_is_described_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    folder = tmp_path / "plugins"
    folder.mkdir()
    code = f'# mine\n\n"""Does evil. And more."""\nopen({str(mark)!r}, "w")\n'
    (folder / "evil.py").write_text(code)
    (folder / "mute.py").write_text("x = (\n")
    registry = Registry.load(tmp_path, trusted=False)
    (evil,) = meanings("plugins/evil.py", registry, commands)
    assert evil.gist == "Does evil." and evil.details[0] == "state: untrusted"
    (mute,) = meanings("mute", registry, commands)
    assert mute.doc == "Its author says nothing about it."
    assert not mark.exists()
    trusted = Registry.load(tmp_path, trusted=True)
    assert meanings("evil", trusted, commands)[0].details[0].startswith("state: ") and mark.exists()


def test_the_codes_are_ours_alone_and_import_no_plugin(site: Path) -> None:
    put(site, "loud", "1.0", "raise SystemExit('imported')", entry="loud")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lisppump.words import codes; "
        "assert 'bad-pool' not in codes() and len(codes()) > 80; "
        "sys.exit('loud' in sys.modules or 'pytest' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, site], check=True, cwd=ROOT)
