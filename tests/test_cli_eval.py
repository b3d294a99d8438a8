"""`lisppump eval`: values that read back, errors with a caret, JSON, state, plugins, policy, few imports."""

from __future__ import annotations

import io
import sys
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli_support import ROOT, Lisppump, golden, loaded, spawn
from tests.distributions import put, seen

KEYS = ["schema", "ok", "value", "text", "output", "error", "usage", "capabilities"]


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lisppump:
    monkeypatch.chdir(tmp_path)
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    text = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    (folder / "pump.lisp").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("(+ 1 2)", "3"),
        ('(list 1.5 "a\\nb" \'c :d #t nil)', '(1.5 "a\\nb" c :d #t nil)'),
        ("nil", "nil"),
        ('{"k" (list 1 2)}', '{"k" (1 2)}'),
        ("(define (f x) (* x x)) (f 12)", "144"),
    ],
)
def test_the_value_reads_back(lisppump: Lisppump, program: str, text: str) -> None:
    outcome = lisppump("eval", program)
    assert (outcome.code, outcome.out, outcome.err) == (0, text + "\n", "")


def test_what_is_printed_comes_first(lisppump: Lisppump) -> None:
    assert lisppump("eval", '(println "one") (display "two") 3').out == "one\ntwo\n3\n"


def test_an_error_has_its_caret_and_1(lisppump: Lisppump) -> None:
    outcome = lisppump("eval", '(println "before") (+ 1 (carr (list 2)))')
    assert outcome.code == 1 and outcome.out == "before\n"
    golden("error-eval.txt", outcome.err)


def test_json_has_the_pinned_keys(lisppump: Lisppump) -> None:
    good = lisppump("eval", '(display "hi") (list 1 "a")', "--json")
    assert list(good.json) == KEYS
    assert good.json["schema"] == "lisppump/eval@1" and good.json["ok"] is True and good.json["error"] is None
    assert good.json["value"] == [1, "a"] and good.json["text"] == '(1 "a")' and good.json["output"] == "hi"
    assert good.json["usage"]["steps"] > 0
    bad = lisppump("eval", "(car 5)", "--json")
    assert bad.code == 1 and list(bad.json) == KEYS and bad.err == ""
    assert bad.json["ok"] is False and bad.json["value"] is None
    assert bad.json["error"]["category"] == "type" and bad.json["error"]["line"] == 1
    assert lisppump("eval", "car", "--json").json["value"] is None


def test_a_program_from_a_file_and_from_stdin(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.lisp"
    file.write_text("; a file\n(* 6 7)\n")
    assert lisppump("eval", "-f", file).out == "42\n"
    file.write_text("\n(car")
    assert f"--> {file}:2:1" in lisppump("eval", "-f", file).err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"(+ 40 2)")))
    assert lisppump("eval", "-").out == "42\n"
    file.write_bytes(b"\n\xff")
    assert lisppump("eval", "-f", file).err.startswith("error[bad-token]: ")
    assert lisppump("eval", "-f", tmp_path / "absent").code == 2
    assert lisppump("eval", "1", "-f", file).code == 2


def test_a_program_may_be_held_short(lisppump: Lisppump) -> None:
    forever = "(let loop ((n 0)) (loop (+ n 1)))"
    assert lisppump("eval", forever, "--steps", "1000").err.startswith("error[step-limit]: ")
    assert lisppump("eval", forever, "--seconds", "0.01").err.startswith("error[time-limit]: ")


def test_outside_a_world_there_is_no_state(lisppump: Lisppump) -> None:
    outcome = lisppump("eval", "(rb-agents)")
    assert outcome.code == 1 and outcome.err.startswith("error[not-granted]: ")


def test_inside_a_world_the_state_is_there(lisppump: Lisppump, world: Path) -> None:
    def value(program: str) -> object:
        document = lisppump("-C", world, "eval", program, "--json").json
        assert document["ok"], document["error"]
        return document["value"]

    assert value("(length (rb-agents))") == 6
    assert value('(map (lambda (a) (get a "id")) agents)') == ["ann", "bob", "cid", "dee", "eve", "fay"]
    assert value("(rb-frame)") == 0
    assert not (world / ".lisppump").exists()
    lisppump("-C", world, "step", "-n", "2", "-q")
    assert value("(rb-frame)") == 2
    assert value("(get-in frame '(stats total_lines))") == 12
    assert value("(get-in frame '(last counts lines))") == 6
    assert value("(get-in frame '(echo signals boost))") == "bob"


def test_a_program_cannot_change_the_state(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    lisppump("-C", world, "eval", '(dict-set (rb-state "stats.json") "total_lines" 0)')
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before


def test_without_asking_for_state_a_broken_policy_does_not_matter(lisppump: Lisppump, world: Path) -> None:
    (world / "pump.lisp").write_text("(pump")
    assert lisppump("-C", world, "eval", "(+ 1 2)").out == "3\n"
    assert lisppump("-C", world, "eval", "(rb-agents)").code == 3


def test_it_imports_the_language_and_nothing_of_the_pump(world: Path) -> None:
    modules = loaded("-C", str(world), "eval", "(+ 1 2)", "-q")
    heavy = {"anthropic", "ollama", "rich", "prompt_toolkit", "pluggy", "asyncio"}
    assert not modules & heavy
    ours = {name for name in modules if name.startswith("lisppump.")}
    assert not [name for name in ours if not name.startswith(("lisppump.lispy", "lisppump.cli"))] or ours <= {
        *(name for name in ours if name.startswith(("lisppump.lispy", "lisppump.cli"))),
        "lisppump.errors", "lisppump.canon", "lisppump.folder", "lisppump.lisp_lib",
    }  # fmt: skip


# -- builtins of plugins

TIDES = """
    import sys
    from lisppump import hookimpl, lispy_builtin

    @lispy_builtin("tide", "(tide hour)", "The water.", example="(tide 6) ;=> 1.0")
    def tide(run, hour):
        print("looking out")
        if hour > 24:
            raise ValueError("no such hour")
        return hour / 6

    @lispy_builtin("moon", "(moon)", "The moon.", example="(moon) ;=> full", capability="sky")
    def moon(run):
        return "full"

    @hookimpl
    def builtins():
        return {"tide": tide, "moon": moon}
"""


@pytest.fixture
def tides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an installed plugin with builtins."""
    site = tmp_path / "site"
    file = put(site, "lisppump-tides", "1.2", TIDES, entry="tides")
    seen(site, monkeypatch)
    return file


def test_programs_use_builtins_of_plugins(lisppump: Lisppump, world: Path, tides: Path) -> None:
    assert lisppump("eval", "(list (tide 6) (map tide '(12)) (lisppump-tides/tide 3))").out == (
        "(1.0 (2.0) 0.5)\n"
    )
    assert lisppump("-C", world, "eval", "(+ (length agents) (tide 6))").out == "7.0\n"
    assert lisppump("eval", "(tide 6)", "-p", "no:lisppump-tides").code == 1


def test_a_plugin_that_pump_lisp_leaves_out_is_left_out(
    lisppump: Lisppump, world: Path, tides: Path
) -> None:
    path = world / "pump.lisp"
    path.write_text(path.read_text().replace("(pump\n", "(pump (plugins (without tides))\n"))
    assert "(without tides)" in path.read_text()
    assert lisppump("-C", world, "eval", "(tide 6)").code == 1
    assert lisppump("eval", "(tide 6)").code == 0


def test_what_a_plugin_prints_is_no_result(lisppump: Lisppump, tides: Path) -> None:
    outcome = lisppump("eval", "(tide 6)", "--json")
    assert outcome.json["value"] == 1.0 and outcome.err == "looking out\n"


def test_who_needs_no_plugin_finds_none(
    lisppump: Lisppump, world: Path, tides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distributions(**_: object) -> NoReturn:
        raise AssertionError("nobody needs plugins here")

    monkeypatch.setattr(metadata, "distributions", distributions)
    for program in ("(+ 1 2)", "(define (f) (g)) (define (g) 3) (f)", "(rb-agents)", "(describe 'car)"):
        assert lisppump("eval", program).code in (0, 1)
    assert lisppump("-C", world, "eval", "(+ 1 2)").out == "3\n"
    assert "lisppump_tides" not in sys.modules


def test_a_slow_plugin_is_not_waited_for(tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    slow = f"open({str(mark)!r}, 'w').close()\n    import time; time.sleep(3)"
    put(tmp_path / "site", "lisppump-slow", "1.0", f"    {slow}\n", entry="slow")
    path = f"{tmp_path / 'site'}:{ROOT}"
    assert spawn("eval", "(+ 1 2)", cwd=tmp_path, PYTHONPATH=path).out == "3\n"
    assert not mark.exists()


def test_an_unknown_name_asks_the_plugins_once(
    lisppump: Lisppump, tides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    find = metadata.distributions

    def distributions(**given: object) -> object:
        asked.append(1)
        return find(**given)

    monkeypatch.setattr(metadata, "distributions", distributions)
    outcome = lisppump("eval", "(try (unknown) (catch e (try (unknown-too) (catch e (tidee 6)))))")
    assert outcome.code == 1 and asked == [1]
    assert "error[unbound]: tidee has no value" in outcome.err
    assert "help: did you mean `tide`?\n" in outcome.err


def test_a_name_may_be_that_of_a_broken_plugin(lisppump: Lisppump, tides: Path) -> None:
    put(tides.parent, "lisppump-surf", "0.3", "1 / 0", entry="surf")
    outcome = lisppump("eval", "(surf 1)")
    assert outcome.code == 1
    golden("error-eval-broken-plugin.txt", outcome.err.replace(str(tides.parent), "SITE"))
    assert "lisppump-surf 0.3 is broken at" in lisppump("eval", "(surf 1)", "--json").json["error"]["help"]
    assert "broken" not in lisppump("eval", "(car 5)").err
    assert "broken" not in lisppump("eval", "(surf 1)", "-p", "no:surf").err
    assert lisppump("eval", "(tide 6)").out == "1.0\n"


def test_a_name_may_be_that_of_a_folder_nobody_trusts(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISPPUMP_CONFIG", str(world.parent / "config.toml"))
    (world / "plugins").mkdir()
    (world / "plugins" / "evil.py").write_text("open('EVIL', 'w')")
    outcome = lisppump("-C", world, "eval", "(surf 1)")
    assert outcome.code == 1 and not (world / "EVIL").exists() and not Path("EVIL").exists()
    assert "plugin plugins/evil.py " in outcome.err and "`lisppump trust`" in outcome.err


def test_a_fault_of_a_builtin_is_noted_beside_the_result(
    lisppump: Lisppump, world: Path, tides: Path
) -> None:
    outcome = lisppump("eval", "(tide 25)")
    assert outcome.code == 4 and outcome.out == ""
    golden("error-eval-builtin-failed.txt", outcome.err.replace(str(tides.parent), "SITE"))
    caught = "(list (length agents) (try (tide 25) (catch e 'none)))"
    outcome = lisppump("-C", world, "eval", caught)
    assert outcome.out == "(6 none)\n" and outcome.err.count("raised ValueError: no such hour") == 1
    assert lisppump("-C", world, "-q", "eval", caught).err == "looking out\n"


def test_the_same_fault_is_noted_once(lisppump: Lisppump, tides: Path) -> None:
    program = "(map (lambda (h) (try (tide h) (catch e h))) '(25 26 27))"
    outcome = lisppump("eval", program)
    assert outcome.out == "(25 26 27)\n" and outcome.err.count("no such hour") == 1


def test_a_capability_is_granted_by_name(lisppump: Lisppump, tides: Path) -> None:
    outcome = lisppump("eval", "(moon)")
    assert outcome.code == 1 and "error[not-granted]: this needs the capability sky" in outcome.err
    assert "(agents-programs (allow state sky)); on the command line: --allow sky\n" in outcome.err
    more = lisppump("eval", "(moon)", "--allow", "web")
    assert "on the command line: --allow sky --allow web\n" in more.err
    granted = lisppump("eval", "(moon)", "--allow", "sky", "--allow", "web", "--json").json
    assert granted["value"] == "full" and granted["capabilities"] == ["sky"]
    outcome = lisppump("eval", "(rb-agents)", "--allow", "state")
    assert outcome.code == 1 and "there is no pump.lisp" in outcome.err


def test_the_web_is_granted_on_the_command_line_alone(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("lisppump.portal.look_up", lambda host, port: asked.append(host) or ["10.0.0.1"])
    ask = '(try (curl "http://weather.org/") (catch e (list (get e :code) (get e :data))))'
    refused = lisppump("eval", ask, "--allow", "web", "--json").json
    assert refused["value"] == ["portal-refused", {"reason": "resolve"}]
    assert refused["capabilities"] == ["web"] and asked == ["weather.org"]
    assert lisppump("-C", world, "eval", ask, "--allow", "web", "--json").json["value"] == refused["value"]
    assert lisppump("-C", world, "eval", ask).out == '("not-granted" "web")\n'
    policy = world / "pump.lisp"
    policy.write_text(policy.read_text().replace("(name ", "(portal (calls 1)) (name ", 1))
    outcome = lisppump("-C", world, "eval", f"(begin {ask} {ask})", "--allow", "web")
    assert outcome.code == 1 and "error[web-limit]: the program asked" in outcome.err
    outcome = lisppump("eval", '(curl "http://127.1/")', "--allow", "web")
    assert outcome.code == 1 and "error[portal-refused]: the host of the URL is a number" in outcome.err
    assert "  note: the reason is `numeric`\n" in outcome.err


def test_a_number_that_is_none_is_said_so(lisppump: Lisppump) -> None:
    assert "'--steps': 'abc' should be a whole number." in lisppump("eval", "1", "--steps", "abc").err
    assert "'--seconds': 'x' should be a number." in lisppump("eval", "1", "--seconds", "x").err


def test_a_capability_that_nothing_gives_is_refused(lisppump: Lisppump, tides: Path) -> None:
    outcome = lisppump("eval", "1", "--allow", "wbe")
    assert outcome.code == 2 and outcome.out == ""
    assert "there is no capability `wbe`" in outcome.err and "did you mean `web`?" in outcome.err
    outcome = lisppump("eval", "1", "--allow", "sky", "--allow", "zzz")
    assert outcome.code == 2 and "known: sky, state, web" in outcome.err


# -- what pump.lisp defines


def test_programs_use_what_the_policy_defines(lisppump: Lisppump, world: Path) -> None:
    def value(program: str, *words: str) -> object:
        document = lisppump("-C", world, "eval", program, "--json", *words).json
        assert document["ok"], document["error"]
        return document["value"]

    assert value("(how-many frame)") == 6
    assert value("(map how-many '(1 2))") == [6, 6]
    assert value("(keys (first-frame))") == ["agents.json", "stats.json"]
    assert value("(define (how-many x) 7) (how-many 1)") == 7
    (world / "other.lisp").write_text("(define (how-many x) 8)")
    assert value("(how-many 1)", "--pump", str(world / "other.lisp")) == 8
    (world / "lisp_lib").mkdir()
    (world / "lisp_lib" / "more.lisp").write_text("(define (more x) (+ x (how-many x)))")
    (world / "pump.lisp").write_text('(load more) (define (how-many x) 10) (display "never shown")')
    assert value("(more 1)") == 11
    assert not (world / ".lisppump").exists()


def test_it_needs_no_policy_that_checks(lisppump: Lisppump, world: Path) -> None:
    text = (world / "pump.lisp").read_text()
    (world / "pump.lisp").write_text(text.replace("(dam round-robin)", "(dam no-such-dam)"))
    assert lisppump("-C", world, "eval", "(how-many 1)").out == "6\n"
    (world / "pump.lisp").write_text(f"(define broken (car 5))\n{text}")
    assert lisppump("-C", world, "eval", "(how-many 1)").out == "6\n"
    outcome = lisppump("-C", world, "eval", "(+ 1 broken)")
    assert outcome.code == 1 and "  --> pump.lisp:1:16\n" in outcome.err


def test_a_policy_that_cannot_be_read_is_no_matter_until_needed(lisppump: Lisppump, world: Path) -> None:
    (world / "pump.lisp").write_text("(define (how-many x")
    assert lisppump("-C", world, "eval", "(+ 1 2)").out == "3\n"
    outcome = lisppump("-C", world, "eval", "(how-many 1)")
    assert outcome.code == 1 and "pump.lisp does not check" in outcome.err
    (world / "pump.lisp").write_bytes(b"\xff")
    outcome = lisppump("-C", world, "eval", "(how-many 1)")
    assert outcome.code == 1 and "pump.lisp does not check" in outcome.err


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert spawn("eval", '"caf\u00e9"', cwd=tmp_path, PYTHONHASHSEED="77").out == '"caf\u00e9"\n'
    assert spawn("eval", '"caf\u00e9"', cwd=tmp_path, PYTHONIOENCODING="ascii").code == 0
    assert sys.stdout is not None


def test_what_is_no_text_is_a_bad_token_of_the_program(tmp_path: Path) -> None:
    file = tmp_path / "p.lisp"
    file.write_bytes(b'1\n(display "\xff")')
    outcome = spawn("eval", "-f", file, cwd=tmp_path)  # in a process that has imported no LisPy before
    assert (outcome.code, outcome.out) == (1, "")
    assert f"error[bad-token]: {file} should be UTF-8 text; line 2 is not\n" in outcome.err
    assert spawn("eval", "-f", file, "--json", cwd=tmp_path).json["error"]["category"] == "syntax"


def test_the_file_of_that_name_is_stdin(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"(+ 40 2)\n(car 5)")))
    outcome = lisppump("eval", "-f", "-")
    assert outcome.code == 1 and "--> <stdin>:2:1" in outcome.err


def test_who_runs_out_of_steps_is_told_how_to_get_more(lisppump: Lisppump) -> None:
    outcome = lisppump("eval", "(apply + (range 99))", "--steps", "10")
    assert outcome.code == 1 and "  help: `--steps N` allows more; `lisppump describe limits` " in outcome.err
    assert "describe" not in lisppump("eval", "(let f () (f))", "--seconds", "0.01").err
