"""What the policy grants to echoes and to agents' programs, and what holds of a program of pump.lisp."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.errors import LisppumpError
from tests.cli_support import Lisppump
from tests.echo_worlds import TEMPERATURE, curl, echo, pages, program, world
from tests.echo_worlds import offline as offline
from tests.echo_worlds import weather as weather
from tests.weather import Weather


def test_nothing_but_the_frame_is_granted_where_the_policy_does_not_say_so(
    tmp_path: Path, weather: Weather
) -> None:
    folder = world(
        tmp_path / "w", weather,
        program(TEMPERATURE, more=""),
        program("(length agents)", "bob", "(allow web)"),
        "(by thinks)", "agents-programs",
        define=f"(define (thinks) {TEMPERATURE})",
    )  # fmt: skip
    with Pump.open(folder) as pump:
        pump.step()
    found = {name: echo(folder, name)["error"] for name in ("ada", "bob", "thinks")}
    assert {name: error["code"] for name, error in found.items()} == dict.fromkeys(found, "not-granted")
    assert not weather.asked and not pages(folder)


def test_functions_and_agents_own_programs_are_granted_the_web_by_the_policy(
    tmp_path: Path, weather: Weather, offline: Callable[[], None]
) -> None:
    folder = world(
        tmp_path / "w", weather,
        "(by thinks (allow state web))", "(agents-programs (allow state web))",
        define=f"(define (thinks) (list {TEMPERATURE} (length agents)))",
    )  # fmt: skip
    own = f"(string self {TEMPERATURE})".replace("PLACE", weather.place)
    (folder / "state").mkdir()
    (folder / "state" / "agents.json").write_text('{"agents": {"ada": {}, "bob": {}}}')
    (folder / "state" / "programs.json").write_text(json.dumps({"ada": {"source": own}, "bob": own}))
    with Pump.open(folder) as pump:
        pump.step()
    assert [echo(folder, name)["value"] for name in ("thinks", "ada", "bob")] == [
        [12.4, 2], "ada11.4", "bob10.4",
    ]  # fmt: skip
    assert echo(folder, "thinks")["granted"] == ["state", "web"]
    offline()
    with Pump.open(folder) as pump:
        assert pump.replay().equal


def test_the_data_of_an_error_is_kept_where_it_is_small(tmp_path: Path, weather: Weather) -> None:
    folder = world(
        tmp_path / "w", weather,
        program('(curl "http://127.1/")'),
        program("(raise (make-string 5000 \"x\"))", "bob"),
        "(by thinks (allow state web))",
        define='(define (thinks) (curl "ftp://a.com/"))',
    )  # fmt: skip
    with Pump.open(folder) as pump:
        pump.step()
        assert pump.replay().equal
    assert echo(folder)["error"]["data"] == {"reason": "numeric"}
    assert echo(folder, "thinks")["error"]["data"] == {"reason": "scheme"}
    assert "data" not in echo(folder, "bob")["error"]


def test_the_help_of_what_is_not_granted_names_all_that_is_needed(tmp_path: Path, weather: Weather) -> None:
    folder = world(
        tmp_path / "w", weather, program(TEMPERATURE, more=""), program("(rb-agents)", "bob", "(allow web)")
    )
    with Pump.open(folder) as pump:
        pump.step()
    for name in ("ada", "bob"):
        assert "(agents-programs (allow state web))" in echo(folder, name)["error"]["help"]


@pytest.mark.parametrize(
    "clause", ["(pump (name a) (allow web))", "(pump (name a) (echoes agents-programs (allow web)))"]
)
def test_a_grant_in_the_wrong_place_says_where_it_belongs(tmp_path: Path, clause: str) -> None:
    (tmp_path / "pump.lisp").write_text(clause)
    with pytest.raises(LisppumpError) as caught:
        Pump.open(tmp_path)
    found = [error for error in getattr(caught.value, "errors", [caught.value]) if "allow" in error.message]
    assert [error.code for error in found] == ["unknown-clause"]
    assert "(echoes (agents-programs (allow state web)))" in (found[0].help or "")


def test_a_function_of_no_name_that_is_defined_gets_names_that_are(tmp_path: Path) -> None:
    text = "(define (nix-data) 1) (pump (name a) (echoes (by nix-da) (by zzz)))"
    (tmp_path / "pump.lisp").write_text(text)
    with pytest.raises(LisppumpError) as caught:
        Pump.open(tmp_path)
    found = [error.help for error in getattr(caught.value, "errors", ()) if error.code == "unbound"]
    assert found == [
        "did you mean `nix-data`?", "nothing is defined by that name in pump.lisp, or in what it loads",
    ]  # fmt: skip


@pytest.mark.parametrize("source", ["(lambda (x) x)", "(call/cc (lambda (k) k))", "(list 1 car)"])
def test_what_cannot_be_kept_is_an_error_of_its_echo(tmp_path: Path, weather: Weather, source: str) -> None:
    folder = world(
        tmp_path / "w", weather, program(source), "(by thinks)", define=f"(define (thinks) {source})"
    )
    with Pump.open(folder) as pump:
        (committed,) = pump.step()
    for name in ("ada", "thinks"):
        assert echo(folder, name)["value"] is None
        assert echo(folder, name)["error"]["code"] == "json-error"
    assert any("echo `ada` failed" in note for note in committed.notes)


def test_one_program_runs_in_the_name_of_several(tmp_path: Path, weather: Weather) -> None:
    folder = world(tmp_path / "w", weather, '(program "ada" "bob" (source (list self (rb-echo self))))')
    with Pump.open(folder) as pump:
        pump.step(2)
    assert echo(folder)["value"] == ["ada", ["ada", None]]
    assert echo(folder, "bob")["value"] == ["bob", ["bob", None]]


def test_a_simulation_in_an_echo_has_no_portal(tmp_path: Path, weather: Weather) -> None:
    step = f"(lambda (state tick) {curl()})"
    inner = f"(simulation :initial-state {{:t 0}} :max-ticks 1 :observables '(t) :step {step})"
    folder = world(tmp_path / "w", weather, program(inner))
    with Pump.open(folder) as pump:
        pump.step()
    assert echo(folder)["error"]["code"] == "impure"
    assert not weather.asked


def test_the_limits_of_a_run_hold_for_what_is_taken_from_the_record(
    tmp_path: Path, weather: Weather, offline: Callable[[], None]
) -> None:
    source = f"(define a {TEMPERATURE}) (define b {TEMPERATURE}) (list a b)"
    folder = world(tmp_path / "w", weather, program(source), portal="(calls 1)")
    with Pump.open(folder) as pump:
        pump.step()
    assert echo(folder)["error"]["code"] == "web-limit"
    assert len(weather.asked) == 1
    offline()
    with Pump.open(folder) as pump:
        assert pump.replay().equal


@pytest.mark.parametrize(
    ("clause", "said", "help"),
    [
        ('(program "ada" (allow state wbe) (source 1))', "no capability `wbe`", "did you mean `web`?"),
        ('(program "ada" (allow everything) (source 1))', "no capability `everything`", "known: "),
        ('(program "ada")', "echo `program` needs (source ...)", "add (source "),
        ("(program 7 (source 1))", "wants a text, got 7", ""),
        ("(program (source 1))", "program", ""),
    ],
)
def test_a_grant_or_program_that_cannot_be_is_found_by_the_check(
    tmp_path: Path, weather: Weather, clause: str, said: str, help: str
) -> None:
    folder = world(tmp_path / "w", weather, clause)
    with pytest.raises(LisppumpError) as caught:
        Pump.open(folder)
    assert said in str(caught.value)
    first = getattr(caught.value, "errors", [caught.value])[0]
    assert help in (first.help or "")


def test_two_echoes_in_one_name_are_spoken_of(tmp_path: Path, weather: Weather) -> None:
    folder = world(tmp_path / "w", weather, program("1"), program("2"))
    with Pump.open(folder) as pump:
        (report,) = pump.step()
    assert echo(folder)["value"] == 2
    assert any("`ada`" in note for note in report.notes)


def test_the_state_of_a_world_does_not_say_how_long_a_page_took(tmp_path: Path, weather: Weather) -> None:
    folders = [world(tmp_path / name, weather, program("(length " + curl() + ")")) for name in ("a", "b")]
    digests = []
    for folder in folders:
        with Pump.open(folder) as pump:
            pump.step()
            digests.append(pump.head.digest)
        shutil.rmtree(folder / "state")
    assert digests[0] == digests[1]


def test_a_room_function_says_all_that_a_room_reads_and_can_say_why_an_echo_failed(
    tmp_path: Path, weather: Weather
) -> None:
    echoes = (program("(list 1 2)"), program("(car 5)", "bob"))
    brief = """(load prompt)
        (define (brief room)
          (map (lambda (agent) (section (get agent "id") (echo-of (get agent "id")) (tokens 100)))
               (get room "agents")))"""
    folder = world(tmp_path / "w", weather, *echoes, define=brief)
    text = (folder / "pump.lisp").read_text()
    (folder / "pump.lisp").write_text(text.replace("(pipe none)", "(pipe none) (prompt (room brief))"))
    with Pump.open(folder) as pump:
        pump.step()
        rooms = "".join(found.room for found in pump.plan().prompts)
    assert "what its program came to" not in rooms
    assert "## ada\n- 1\n- 2\n" in rooms
    assert "## bob\nits program failed: car wants" in rooms


def test_check_says_whose_echo_hides_another(
    tmp_path: Path, weather: Weather, capsys: pytest.CaptureFixture[str]
) -> None:
    echoes = program("1"), program("2", "bob"), "agents-programs", program("3")
    folder = world(tmp_path / "w", weather, *echoes)
    check = Lisppump(capsys)
    outcome = check("-C", folder, "check")
    assert outcome.code == 0 and "`program` and `program` both think in the name of ada" in outcome.err
    assert "of bob" not in outcome.err
    (folder / "state").mkdir()
    (folder / "state" / "programs.json").write_text('{"bob": {"source": "1"}}')
    assert "`program` and `agents-programs` both think in the name of bob" in check("-C", folder, "check").err
