"""Simulations as people see them; they share one budget, and are the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.cli.trajectories import in_short, is_simulation, lines
from lisppump.cli.values import two
from lisppump.testing import Clock
from tests.cli_support import Lisppump

GROWTH = (
    '(simulation :initial-state (dict :pop 100 :name "mars") :max-ticks %d :observables (list :pop :name) '
    ":step (lambda (state tick) (update state :pop (+ (get state :pop) (random-int 10)))))"
)


def test_eval_has_a_table_and_a_plot(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Lisppump(capsys)("eval", GROWTH % 30)
    assert outcome.out.startswith('{"trajectory" (')  # the value, whole, for who reads on
    table = outcome.err.splitlines()
    assert table[0].split() == ["tick", "pop", "name"]
    assert [row.split()[0] for row in table[1:13]] == [
        "0", "3", "5", "8", "11", "14", "16", "19", "22", "25", "27", "30",
    ]  # fmt: skip
    assert table[1].split() == ["0", "100", "mars"]
    assert table[13].startswith("pop  ▁") and len(table) == 14
    assert Lisppump(capsys)("eval", "-q", GROWTH % 3).err == ""
    assert Lisppump(capsys)("eval", "(dict :trajectory 1)").err == ""


def test_what_no_state_has_is_noted_with_the_names_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    misspelt = (GROWTH % 3).replace("(list :pop", "(list :popp")
    outcome = Lisppump(capsys)("eval", misspelt)
    note = "no state had `popp`, so that it is nil at each tick; a state has `pop`, `name`"
    assert outcome.err.splitlines()[-1] == f"note: {note}"
    value = Lisppump(capsys)("eval", "--json", misspelt).json["value"]
    assert value["note"] == note and in_short(value).endswith(note)


def test_the_repl_has_them_too() -> None:
    command = [sys.executable, "-m", "lisppump", "repl", "--no-input"]
    done = subprocess.run(command, input=f"{GROWTH % 5}\n", capture_output=True, text=True, timeout=60)
    assert "tick  pop" in done.stderr and "▁" in done.stderr


def test_json_has_the_data_alone(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Lisppump(capsys)("eval", "--json", GROWTH % 5)
    assert outcome.err == ""
    assert is_simulation(outcome.json["value"]) and outcome.json["value"]["ticks"] == 5


@pytest.mark.parametrize(
    ("course", "last"),
    [
        ([], []),
        ([{"a": 1}, {"a": 1}], ["a", "▁▁", "1", "..", "1"]),
        ([{"a": 0}, {"a": 10**400}], None),
        ([{"a": -1.7e308}, {"a": 1.7e308}], ["a", "▁█", "-1.7e+308", "..", "1.7e+308"]),
        ([{"a": True}, {"a": False}], None),
        ([{"a": None}, {}], None),
        ([{"a": [1, {"b": 2}]}], None),
    ],
)
def test_whatever_was_observed_can_be_shown(course: list[dict[str, object]], last: list[str] | None) -> None:
    shown = list(lines({"trajectory": course}))
    assert (shown[-1].split() == last) if last else (len(shown) == len(course) + 1)


WORLD = """\
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada"}}} "programs.json" {"ada" %s}})
(pump (name sims) (every (seconds 0)) (genesis first-frame) (agents "agents.json" agents) (pipe none)
  (delta (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer)))
  (echoes (agents-programs (limits (steps 2000000)))))
"""
MANY = """(define (one n) (simulation :initial-state (dict :x n) :max-ticks TICKS :observables (list)
                                       :step (lambda (s t) (update s :x (+ t (get s :x))))))
          (length (map (lambda (n) (get (one n) "ticks")) (range 1000)))"""


@pytest.mark.parametrize(("ticks", "ends"), [(10, None), (2000, "step-limit")])
def test_a_thousand_simulations_in_one_echo_share_one_budget(
    tmp_path: Path, ticks: int, ends: str | None
) -> None:
    from lisppump.lispy import to_text

    (tmp_path / "pump.lisp").write_text(WORLD % to_text(MANY.replace("TICKS", str(ticks))))
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        echo = pump.head.documents["echo_frames/ada.json"]
        assert pump.replay().equal
    if ends is None:
        assert (echo["value"], echo["error"]) == (1000, None)
    else:
        assert echo["error"]["code"] == ends
        assert echo["usage"]["steps"] <= 2_000_001


MILLION = """
import sys
from lisppump.lispy import Limits, Runtime
limits = Limits(steps=10**9, allocation=2**33, elements=10**6)
for seed in range(int(sys.argv[2])):
    result = Runtime(limits=limits, seed=7).run(sys.argv[1].replace("SEED", str(seed)))
    print(result.ok, result.usage["steps"], result.text)
"""


@pytest.mark.parametrize("runs", [2, pytest.param(25, marks=pytest.mark.slow)])  # a million ticks in all
def test_the_same_simulation_comes_to_the_same_bytes_in_two_processes(runs: int) -> None:
    program = GROWTH.replace(":step", ":seed SEED :step") % 20_000
    command = [sys.executable, "-c", MILLION, program, str(runs)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in "12"
    ]
    first, second = (run.communicate(timeout=300)[0] for run in both)
    assert first == second and first.count(b"True") == runs


def test_a_simulation_is_told_in_one_line_by_how_it_ended() -> None:
    value = {
        "trajectory": [{"n": 1}, {"n": 2.5}],
        "final-state": {"n": 2.5, "of": "a"},
        "ticks": 1,
        "seed": 0,
    }
    value["source"] = "(simulation)"
    assert in_short(value) == "a simulation of 1 tick, which ended with n 2.5, of a"
    assert in_short({"of": 3, "run": value}) == f'{{"of":3,"run":"{in_short(value)}"}}'
    assert in_short([value]).startswith('[{"trajectory"')
    assert in_short({"x": 1}) == '{"x":1}'


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a", "b", ("a", "b")),
        (1, {"x": 2}, ("1", '{"x":2}')),
        ("x" * 60, "y" * 60, ("x" * 50 + "... (60 letters)", "y" * 50 + "... (60 letters)")),
        (
            "one two three four five six seven eight nine ten 11 twelve",
            "one two three four five six seven eight nine ten 12 twelve",
            ("... eight nine ten 11 twelve", "... eight nine ten 12 twelve"),
        ),
        ("word " * 20 + "end", "word " * 20, ("... word word word end", "... word word word")),
    ],
)
def test_two_long_values_that_begin_alike_are_told_from_where_they_differ(
    before: object, after: object, told: tuple[str, str]
) -> None:
    assert two(before, after) == told
