"""`lisppump repl`: from a pipe, on a real terminal, and the parts that decide what an input is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lisppump.cli.context import Settings
from lisppump.cli.repl_commands import COMMANDS, candidates, submit
from lisppump.cli.repl_session import Input, Inputs, Session, unfinished, word_before
from tests.cli_support import ROOT, Lisppump, Outcome, golden, spawn
from tests.distributions import put, seen
from tests.terminal import Terminal

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
FOREVER = "(let loop ((n 0)) (loop (+ n 1)))"

Piped = Callable[..., Outcome]


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lisppump:
    monkeypatch.chdir(tmp_path)
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    twice = '(define (twice x)\n  "Two times x."\n  (* 2 x)) ; that is all\n'
    (folder / "pump.lisp").write_text(twice + ROOMS)
    return folder


@pytest.fixture
def piped(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> Piped:
    """Runs the REPL on what comes in, with options."""

    def run(text: str | bytes, *words: str | Path) -> Outcome:
        data = text.encode() if isinstance(text, str) else text
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        return lisppump("repl", *words)

    return run


def test_commands_by_other_names(piped: Piped) -> None:
    assert piped(",describe take").out == piped(",d take").out == piped(",doc take").out != ""
    refused = piped(",quit?\n").err
    assert "there is no command ,quit?" in refused and "commands: ,doc, ,apropos" in refused


def test_who_runs_out_of_steps_is_told_how_a_session_has_more(piped: Piped) -> None:
    outcome = piped(FOREVER, "--steps", "100")
    assert "  help: a session begun with `lisppump repl --steps N` has" in outcome.err


@pytest.fixture
def session(world: Path) -> Iterator[Session]:
    """A session in the world."""
    opened = Session(Settings(dir=world), None, None, ())
    yield opened
    opened.close()


# -- from a pipe


def test_forms_are_evaluated_in_turn(piped: Piped) -> None:
    outcome = piped('(define (f x)\n  ; twice\n  (* 2 x))\n(display "hi") (f 4)\n"a\n b" #| c\n |#\n')
    assert outcome == Outcome(0, '#<procedure f>\nhi\nnil\n8\n"a\\n b"\n', "")
    assert piped("") == piped("; nothing\n\n") == Outcome(0, "", "")


def test_the_last_value_has_a_name(piped: Piped) -> None:
    assert piped("(list 1 2)\n(define x 3)\n(cons x _)\n_").out == "(1 2)\n3\n(3 1 2)\n(3 1 2)\n"
    assert piped("(lambda (x) (* x x))\n(_ 3)").out.endswith("\n9\n")
    assert piped("7\n(car 5)\n_").out == "7\n7\n"
    assert "error[unbound]: _ has no value" in piped("(list _)").err


def test_an_error_does_not_end_it(piped: Piped) -> None:
    outcome = piped('(define x 1)\n\n  (car\n x) (+ x 1)\n(f]\n(+ x 2)\n(display "\n')
    assert (outcome.code, outcome.out) == (1, "1\n2\n3\n")
    golden("repl-errors.txt", outcome.err)
    outcome = piped(b"(+ 1 2)\n(list\n\xff)\n(+ 1 3)")
    assert (outcome.code, outcome.out) == (1, "3\n")
    assert "<stdin> should be UTF-8 text; line 3 is not" in outcome.err


def test_each_form_has_a_meter_of_its_own(piped: Piped) -> None:
    count = "(define (count n) (if (= n 0) 'done (count (- n 1))))\n"
    assert piped(count + "(count 400)\n" * 4, "--steps", "1000").out.endswith("done\n" * 4)
    outcome = piped(f"{FOREVER}\n(+ 1 2)", "--steps", "1000")
    assert outcome.out == "3\n" and outcome.err.startswith("error[step-limit]: ")
    assert piped(FOREVER, "--seconds", "0.01").err.startswith("error[time-limit]: ")


def test_it_stands_where_eval_stands(piped: Piped, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert piped("(length agents) (twice (rb-frame))", "-C", world).out == "6\n0\n"
    outcome = piped("(rb-agents)\n(+ 1 2)")
    assert outcome.code == 1 and outcome.out == "3\n" and "there is no pump.lisp" in outcome.err
    site = world.parent / "site"
    code = '''
        from lisppump import hookimpl, lispy_builtin

        @lispy_builtin("moon", "(moon)", "The moon.", example="(moon) ;=> full", capability="sky")
        def moon(run):
            print("looking up")
            return "full"

        @hookimpl
        def builtins():
            return {"moon": moon}
    '''
    put(site, "lisppump-moon", "1.0", code, entry="moon")
    seen(site, monkeypatch)
    assert piped("(moon)").err.startswith("error[not-granted]: ")
    assert piped("(moon)", "--allow", "sky") == Outcome(0, '"full"\n', "looking up\n")


def test_a_broken_policy_matters_to_who_needs_it(piped: Piped, world: Path) -> None:
    (world / "pump.lisp").write_text("(pump (name")
    outcome = piped("(+ 1 2)\n(rb-agents)\n(+ 1 3)", "-C", world)
    assert (outcome.code, outcome.out) == (1, "3\n4\n") and outcome.err.startswith("error[unclosed]: ")


def test_json_is_a_line_for_each_form(piped: Piped, lisppump: Lisppump) -> None:
    outcome = piped('(display "hi") (list 1)\n(car 5)\n,time 2\n)\n,doc car\n,quit', "--json")
    first, second, failed, timed, unread, refused = outcome.lines
    assert outcome.code == 1 and outcome.err == "" and list(first) == list(second)
    assert list(second) == list(lisppump("eval", "(list 1)", "--json").json)
    assert (first["output"], second["value"], failed["error"]["code"]) == ("hi", [1], "wrong-type")
    assert timed["value"] == 2 and timed["milliseconds"] > 0
    assert unread["error"]["code"] == "unexpected-close" and unread["schema"] == "lisppump/error@1"
    assert refused["error"]["message"] == ",doc answers people, not programs"


def test_a_value_comes_as_soon_as_its_form_is_whole(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "lisppump", "repl"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        for text, value in (("(+ 1 2)\n", "3\n"), ("(list 1\n", None), (" 2)\n", "(1 2)\n")):
            process.stdin.write(text)
            process.stdin.flush()
            if value is not None:
                assert process.stdout.readline() == value
        process.stdin.close()
        assert process.wait() == 0


def test_from_a_pipe_it_imports_no_terminal() -> None:
    code = (
        "import sys; from lisppump.cli import main; main(['repl']); "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input="(+ 1 2)", capture_output=True, text=True, check=True
    )
    modules = set(done.stderr.split())
    assert done.stdout == "3\n"
    assert not modules & {"prompt_toolkit", "pygments", "asyncio", "pluggy", "rich", "lisppump.words"}


# -- commands


def test_commands_of_every_kind(piped: Piped, world: Path) -> None:
    typed = """
        ,help
        ,doc twice
        (define (mine x) "Quux." (twice x))
        ,doc mine
        ,source twice
        ,source mine
        ,apropos quux
    """
    outcome = piped("".join(line.strip() + "\n" for line in typed.splitlines()), "-C", world)
    assert outcome.code == 0 and outcome.err == ""
    golden("repl-commands.txt", outcome.out)


def test_what_other_forms_define_is_known(piped: Piped) -> None:
    outcome = piped(
        '(define-values (mine more) (values (lambda (a) "Adds." (+ a 1)) 2))\n(defstruct point x y)\n'
        ",doc mine\n,source mine\n,doc more\n,source make-point\n,doc _\n,apropos adds\n"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "mine    definition\n  Adds.\n  its value is a procedure\n" in outcome.out
    assert '(lambda (a) "Adds." (+ a 1))\n' in outcome.out
    assert "more    definition\n  Defined here.\n  its value is an integer\n" in outcome.out
    assert "\n(define (make-point &key x y) (dict " in outcome.out
    assert "_    definition\n  The last value.\n  its value is a procedure\n" in outcome.out
    assert "definition  mine" in outcome.out
    outcome = piped("(define-values (mine more) (values 1 2))\n,source more\n")
    assert outcome.code == 1 and "more has no definition to show" in outcome.err


def test_a_definition_that_is_refused_changes_nothing(piped: Piped) -> None:
    outcome = piped("(define quote 1)\n(define unless (car nil))\n'a (unless #f 1)")
    assert outcome.code == 1 and outcome.out == "a\n1\n"


def test_doc_and_apropos_say_what_the_commands_say(piped: Piped, lisppump: Lisppump) -> None:
    assert piped(",doc take").out == lisppump("describe", "take").out
    assert piped(",doc frame").out == lisppump("describe", "frame").out != ""
    assert piped(",doc breaker bad").out == lisppump("describe", "breaker", "bad").out
    assert piped(",source tally").out.startswith("(define (tally items)\n")
    assert piped(",apropos dice seed").out == lisppump("apropos", "dice", "seed").out


def test_a_command_that_cannot_be_done_is_an_error(piped: Piped, world: Path) -> None:
    commands = [
        "dock", "nothing", "doc", "time", "doc twise", "doc qqqq", "source car", "source twise",
        "source qqqq", "apropos qqqq",
    ]  # fmt: skip
    outcome = piped("".join(f",{command}\n" for command in commands) + "(+ 1 2)", "-C", world)
    assert (outcome.code, outcome.out) == (1, "3\n")
    golden("repl-no-command.txt", outcome.err)


def test_time_says_what_a_form_took(piped: Piped) -> None:
    outcome = piped(",time (length\n  (list 1 2 3))\n,time (car\n 5)")
    value, took = outcome.out.splitlines()[:2]
    assert value == "3" and took.endswith(" ms")
    steps, word, size, unit, *_ = took.split()
    assert int(steps) > 0 and word == "steps" and int(size) > 0 and unit == "bytes"
    assert "--> <stdin>:3:7\n" in outcome.err


def test_plan_says_what_the_next_frame_would_do(piped: Piped, world: Path, lisppump: Lisppump) -> None:
    outcome = piped(",plan", "-C", world)
    assert outcome.out == lisppump("-C", world, "plan").out and outcome.code == 0
    outcome = piped(",plan")
    assert outcome.code == 1 and outcome.err.startswith("error[no-simulation]: ")


def test_quit_ends_it(piped: Piped) -> None:
    for command in ("quit", "q", "exit"):
        assert piped(f"1\n,{command}\n2") == Outcome(0, "1\n", "")
    assert piped(",q\n1", "--json") == Outcome(0, "", "")


@pytest.mark.parametrize("form", ["(exit)", "exit", "quit", "(quit)", "(begin (exit 0))", "(bye)"])
def test_who_wants_to_leave_is_told_how(piped: Piped, form: str) -> None:
    outcome = piped(f"{form}\n1")
    assert (outcome.code, outcome.out) == (1, "1\n") and outcome.err.startswith("error[unbound]: ")
    assert outcome.err.endswith("\n  help: ,quit or Ctrl-D ends the session\n")
    assert piped(f"(define-values (exit quit bye) (values list list list))\n{form}").code == 0
    assert "ends the session" not in piped("(exitt)").err


def test_the_help_names_every_command(piped: Piped) -> None:
    assert [line.split()[0] for line in piped(",help").out.splitlines()] == [f",{name}" for name in COMMANDS]


# -- the world goes on


def test_it_sees_frames_and_edits_as_they_come(
    session: Session, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session.settings.out = sys.stdout

    def out(text: str) -> str:
        submit(session, Input(text))
        return capsys.readouterr().out

    assert session.place() == "rooms 0"
    assert out("(list (rb-frame) (twice 4))") == "(0 8)\n"
    assert spawn("step", "-n", "2", "-q", cwd=world).code == 0
    assert out("(rb-frame)") == "2\n" and session.place() == "rooms 2"
    pump = world / "pump.lisp"
    pump.write_text(pump.read_text().replace("(* 2 x)", "(* 20 x)"))
    assert out("(twice 4)") == "80\n"
    pump.write_text("(pump")
    session.catch_up()
    assert session.place() == session.place() == "rooms 2"
    assert capsys.readouterr().err.count("error[unclosed]") == 1


# -- what an input is


@pytest.mark.parametrize(
    ("text", "wants_more"),
    [
        ("", False),
        ("(f", True),
        ("(f)", False),
        ("(f))", False),
        ("(f]", False),
        ('"a', True),
        ('(f "a)', True),
        ("#| a", True),
        ("(f) ; (", False),
        ("{1", True),
        ("{1}", False),
        ("'", True),
        ("(f) #;", True),
        ("' ; a", True),
        ("#\\(", False),
        (",doc (", False),
        (",time (f", True),
        (",time (f)", False),
        (",time", False),
        (",(f", True),
    ],
)
def test_an_input_goes_on_until_it_is_whole(text: str, wants_more: bool) -> None:
    assert unfinished(text) is wants_more


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("(str", "str"),
        ("(f (string-u", "string-u"),
        ("'str", "str"),
        ("(f ", None),
        ("(", None),
        ('(f "str', None),
        ("(f ; str", None),
        ("#| str", None),
        ('"a" str', "str"),
        ("", None),
    ],
)
def test_a_word_is_completed_where_one_ends(text: str, word: str | None) -> None:
    assert word_before(text) == word


def test_lines_are_put_together() -> None:
    inputs = Inputs("<stdin>")
    lines = ["(f\n", "; )\n", '"a)\n', 'b" #| ) \n', "|# [1\n", "]) (g)\n", "\n", ",time (\n", ")\n", "(h\n"]
    whole = [found for line in lines if (found := inputs.add(line)) is not None]
    assert [(found.line, found.text.count("\n")) for found in whole] == [(0, 6), (6, 1), (7, 2)]
    assert whole[0].text == "".join(lines[:6])
    assert inputs.rest() == Input("(h\n", "<stdin>", 9) and inputs.rest().text == ""


# -- completion


def said_of(session: Session, before: str) -> dict[str, str]:
    return {name: gist for _, name, gist in candidates(session, before)}


def test_every_kind_of_name_is_completed_with_what_is_said_of_it(session: Session) -> None:
    submit(session, Input('(define (mine-own x) "All mine. Yes." x) (define-macro (mine-too x) x)'))
    nothing = "Its author says nothing about it."
    assert said_of(session, "(mine") == {"mine-own": "All mine.", "mine-too": nothing}
    assert said_of(session, "(twi")["twice"] == "Two times x."
    assert said_of(session, "(take-w")["take-while"].startswith("The elements before ")
    assert said_of(session, "(unles")["unless"] and said_of(session, "(tall")["tally"]
    assert said_of(session, "(fram") == {"frame": "The documents of the newest frame."}
    assert said_of(session, "_") == {"_": "The last value."}
    assert said_of(session, '"tak') == said_of(session, "(") == {}
    assert candidates(session, "(list 'take-r")[0][:2] == ("take-r", "take-right")


def test_own_definitions_hide_those_of_the_language(session: Session) -> None:
    submit(session, Input("(define-values (mine more) (values 1 2))"))
    assert said_of(session, "mine") == {"mine": "Defined here."}
    submit(session, Input('(define (take-right x) "Not what you think." (list x))'))
    assert said_of(session, "(take-right")["take-right"] == "Not what you think."


def test_commands_are_completed(session: Session) -> None:
    assert list(said_of(session, ",")) == list(COMMANDS)
    assert list(said_of(session, ",so")) == ["source"]
    assert "twice" in said_of(session, ",doc twi")


# -- on a terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts the REPL on a terminal of its own."""
    started: list[Terminal] = []

    def start(*words: str | Path, **environment: str) -> Terminal:
        history = str(tmp_path / "state" / "history")
        line = [sys.executable, "-m", "lisppump", *map(str, words), "repl"]
        given = {"LISPPUMP_HISTORY": history, "PYTHONPATH": str(ROOT), **environment}
        started.append(Terminal(line, tmp_path, given))
        return started[-1]

    yield start
    for each in started:
        each.close()


Start = Callable[..., Terminal]


def test_a_session_on_a_terminal(terminal: Start, world: Path, tmp_path: Path) -> None:
    repl = terminal("-C", world)
    repl.until(",help lists the commands")
    repl.until("rooms 0>")
    repl.type("(+ 1 2)\r", "3\r\n")
    repl.type("(define (f x)\r", "\n")  # goes on, and is indented
    repl.type("(* 2 x))\r", "#<procedure f>")
    repl.type(",source f\r", "(define (f x)\r\n  (* 2 x))")
    repl.type("(f _)\r", "6\r\n")
    repl.type("(car 5)\r", "error[wrong-type]: car wants a list")
    repl.until("--> <repl>:1:1")
    assert spawn("step", "-q", cwd=world).code == 0
    repl.type("(twice 4)\r", "8\r\n")
    repl.until("rooms 1>")
    repl.type("\x04", "")
    assert repl.wait() == 0
    history = tmp_path / "state" / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "+(define (f x)\n+  (* 2 x))\n" in history.read_text()
    again = terminal()
    again.until("lispy>")
    again.type("\x1b[A\r", "error[unbound]: twice has no value")  # the last input again, outside the world


def test_ctrl_c_stops_a_program_or_clears_the_line(terminal: Start) -> None:
    repl = terminal()
    repl.until("lispy>")
    repl.type(f"{FOREVER}\r", "")
    repl.until("interrupted", again="\x03")
    repl.type("\x03\x03", "lispy>")  # too often does no harm
    repl.type("(list 1", "(list 1")
    repl.type("\x03", "lispy>")
    repl.type("(+ 1 2)\r", "3\r\n")
    repl.type(",quit\r", "")
    assert repl.wait() == 0


def test_tab_completes_and_shows_what_is_said(terminal: Start, world: Path) -> None:
    repl = terminal("-C", world)
    repl.until("rooms 0>")
    repl.type("(twic\t", "(twice")
    repl.type(" 4)\r", "8\r\n")
    repl.type("(take-\t", "take-while")
    repl.until("The elements before the first")
    repl.type("\x03", "rooms 0>")


def test_colours_are_for_terminals_that_want_them(terminal: Start) -> None:
    for environment, colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        repl = terminal(**environment)
        repl.until("lispy>")
        repl.type("(if 1 2)\r", "2\r\n")
        assert ("\x1b[38;" in repl.raw or "\x1b[0;38;" in repl.raw) is colours


def test_on_a_dumb_terminal(terminal: Start) -> None:
    repl = terminal(TERM="dumb")
    repl.until("lispy>")
    repl.type("(+ 1\r", "")
    repl.type("2)\r", "3\r\n")
    assert "\x1b[38;" not in repl.raw


def test_without_a_place_for_history_it_goes_on(terminal: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    repl = terminal(LISPPUMP_HISTORY=str(tmp_path / "file" / "history"))
    repl.until("what you type is not kept: ")
    repl.until("lispy>")
    repl.type("(+ 1 2)\r", "3\r\n")


def test_a_broken_policy_is_said_and_does_no_harm(terminal: Start, world: Path) -> None:
    (world / "pump.lisp").write_text("(pump")
    repl = terminal("-C", world)
    repl.until("error[unclosed]")
    repl.until("lispy>")
    repl.type("(+ 1 2)\r", "3\r\n")


def test_who_may_not_be_asked_is_not_prompted(terminal: Start) -> None:
    repl = terminal("--no-input")
    repl.type("(+ 1 2)\n", "3\r\n")
    repl.type("\x04", "")
    assert repl.wait() == 0 and "lispy>" not in repl.raw
