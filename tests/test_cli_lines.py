"""No text of a world begins a line of the terminal: whatever a command prints, its lines are its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lisppump.cli.context import clean, table
from lisppump.errors import LisppumpError, on_one_line
from tests.cli_support import Lisppump

FORGED = "frame 99  3 streams"
BREAKS = "\n\r\v\f\x1c\x1e\x85\u2028\u2029"
TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
EVIL = "boring" + "".join(f"{letter}{FORGED}" for letter in BREAKS) + f"\nerror[state]: {TURNS}"
WORLD = """\
(define evil EVIL)

(define (first-frame)
  (dict "agents.json" (dict "agents" (dict "ada" (dict "name" evil) evil (dict "name" "Eve")))))

(define (persona agent room)
  (if (equal? (get agent "id") evil)
      (error evil)
      (dict "lines" (list (dict "agent" "ada" "text" evil)
                          (dict "agent" evil "text" "mine")
                          (dict "agent" "ada" evil evil)))))

(define (failing) (error evil))
(define (telling) evil)

(pump
  (name lines)
  (every (seconds 0))
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 2)
  (dam round-robin)
  (backends (script (lispy (program persona))))
  (pipe script)
  (delta (lines (fields (agent agent) (text string)) (into "lines.json") (append)))
  (echoes (by failing) (program "ada" (source evil)) (program "ben" (source (error evil)))))
"""


def forged(text: str) -> list[str]:
    """The lines that begin with what a world wrote, as a terminal, an editor or Python takes lines."""
    return [line for line in text.splitlines() if line.startswith((FORGED, "error[state]"))]


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    written = json.dumps(EVIL).replace("\\f", "\f")  # an escape that LisPy does not have
    (tmp_path / "pump.lisp").write_text(WORLD.replace("EVIL", written), encoding="utf-8")
    return tmp_path


def test_no_text_of_a_world_begins_a_line(lisppump: Lisppump, world: Path) -> None:
    at = ("-C", str(world))
    for line in (
        ["run", "--frames", "1", "-v"], ["step"], ["plan"], ["status"], ["log"], ["log", "--all"], ["show"],
        ["why", EVIL], ["why", "ada"], ["why", "nobody"], ["why", EVIL + "s"], ["quarantine"],
        ["quarantine", "show", "no-such"], ["diff", "0", "2"], ["diff", "0", "2", "--stat"],
        ["diff", "0", "2", "--agent", EVIL], ["diff", "0", "2", "--document", EVIL], ["replay"],
        ["replay", "--live", "1"], ["edits"], ["check"], ["doctor"], ["verify"], ["describe", EVIL],
        ["eval", "(error evil)"], ["cat", EVIL], ["undo", "--dry-run"], [EVIL], ["branch", EVIL, "--dry-run"],
        ["retry", "2", "--stream", "2", "--yes"],
    ):  # fmt: skip
        outcome = lisppump(*at, *line)
        told = outcome.out + outcome.err
        assert forged(told) == [], line
        assert not {*told} & {*BREAKS[1:], *TURNS}, line


def test_show_tells_which_echoes_failed(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step")
    found = json.loads(lisppump("-C", world, "show", "--json").out)["echo_errors"]
    assert found["ada"] == {"code": "unbound", "message": "evil has no value"}
    assert found["failing"] == {"code": "user-error", "message": EVIL}
    told = lisppump("-C", world, "show").out
    assert "echoes ada, ben, failing\n  ada failed: evil has no value (unbound)\n" in told


def test_what_is_asked_for_keeps_its_lines(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "eval", '(begin (display "a\\nb") (error "c\\nd"))')
    assert outcome.out == "a\nb\n"
    assert "]: c\\nd\n" in outcome.err


def test_what_breaks_a_line_or_turns_it_around_is_spelled_out() -> None:
    assert clean("a\r\v\x85\u2028\u202eb\tc\nd") == "a\\x0d\\x0b\\x85\\u2028\\u202eb\tc\nd"
    assert on_one_line("a\nb") == "a\\nb"
    assert table([["a\nb", "c"], ["d", "e\u2029"]]) == ["a\\nb  c", "d     e\\u2029"]
    error = LisppumpError("bad-usage", "a\nb", help="c\nd", trace=("e\nf",))
    error.add_note("g\nh")
    assert error.diagnostic().split("\n") == [
        "error[bad-usage]: a\\nb", "  in e\\nf", "  note: g\\nh", "  help: c\\nd"
    ]  # fmt: skip


def test_how_many_frames_is_said_in_the_same_way_to_step_and_run(tmp_path: Path, lisppump: Lisppump) -> None:
    lisppump("init", tmp_path)
    assert lisppump("-C", tmp_path, "step", "--frames", "2").code == 0
    assert lisppump("-C", tmp_path, "run", "-n", "1").code == 0
    assert lisppump("-C", tmp_path, "status", "--json").json["frame"] == 3
