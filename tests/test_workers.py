"""Programs in workers: what they come to is what they come to here, whatever they are."""

from __future__ import annotations

import ast
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.programs import error_of

from lisppump.errors import LisppumpError
from lisppump.lispy import Limits
from lisppump.testing import frame_of
from lisppump.workers import confine
from lisppump.workers.hand import LOOK_EVERY
from lisppump.workers.nursery import BOOT, Nursery
from lisppump.workers.pool import Workers, evaluate, shared
from lisppump.workers.rule import HERE, Isolation
from tests.conftest import ROOT, data_folder
from tests.lispy.transcripts import FOLDER, entries
from tests.workers_support import SMALL, difference, here, program, seen, some, world

FIXTURES = "attacks/fixtures.json"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with some() as made:
        yield made


def attacks() -> list[dict[str, Any]]:
    folder = data_folder()
    if folder is None:
        return []
    return [json.loads(line) for line in (folder / "attacks/programs.jsonl").read_text("utf-8").splitlines()]


# -- the same


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.lisp")), ids=lambda path: path.stem)
def test_transcripts_come_to_the_same(path: Path, workers: Workers) -> None:
    frame = world()
    for entry in entries(path):
        wanted = program(entry.program, limits=SMALL, now=frame.time)
        assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}, entry.program
    assert workers.told() == []


@pytest.mark.parametrize("part", range(4))
def test_attacks_come_to_the_same(part: int, workers: Workers, shared_data: Path) -> None:
    fixtures = json.loads((shared_data / FIXTURES).read_text("utf-8"))
    frame = world(**{f"{name}_json": value for name, value in fixtures["frame"].items() if name.isalpha()})
    for case in attacks()[part::4]:
        wanted = program(case["source"], limits=Limits(steps=300_000), now=frame.time)
        there, own = workers.run(wanted, frame), here(wanted, frame)
        if {"time-limit", "worker-died"} & {getattr(each.error, "code", "") for each in (there, own)}:
            pytest.fail(f"{case['id']} ended by the clock, or its worker did: {seen(there)}")
        assert difference(there, own) == {}, case["id"]
    assert workers.told() == []


def test_programs_that_agents_posted_come_to_the_same(workers: Workers, shared_data: Path) -> None:
    lines = (shared_data / "lispy_posts/programs.jsonl").read_text("utf-8").splitlines()
    frame = world()
    for line in lines:
        case = json.loads(line)
        wanted = program(case["program"], limits=Limits(steps=100_000), now=frame.time)
        assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}, case["id"]
    assert workers.told() == []


@pytest.mark.parametrize(
    "source",
    [
        "(expt 7 4000)", "(- (expt 2 63))", "(list (expt 2 64) (list (expt 2 200)) 1.5)", "1e22", "-0.0",
        "'(a . b)", "(cons 1 (cons 2 3))", "(lambda (x) x)", "(list car 'x :k nil '() (list))", "1e-7",
        '"\\u0007 é 😀 \\" \\\\ "', "(seconds 5)", "''''x", "(error \"no\" 'x)", '{"b" 1 "a" 2}',
        '(raise {"code" "mine" "x" car})',
        "(define (f n) (g n)) (define (g n) (car n)) (f 1)", "(eval \"(car 1)\")", "(eval '(undefined-here))",
        "(rb-agents)", "agents", "frame", '(rb-state "log")', "(random 100)", "(now)", "(curl \"http://x.org/\")",
        '(display "one") (car 1)', "(list-tail '(1 2) 5)", "(no-such-naem)", "(map 1", "", "(exit)",
        "(assert #f)",
    ],
)  # fmt: skip
def test_values_and_errors_of_every_shape_come_through(source: str, workers: Workers) -> None:
    frame = world(log_jsonl=[{"n": 1}, {"n": 2}])
    wanted = program(source, seed=("echo", 3, "ann"), now=frame.time)
    assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("(raise car)", "#<procedure car>"),
        ("(raise (list 1 (lambda (x) x) nil))", [1, "#<procedure lambda>", None]),
        ('(define (mine a) a) (raise {"of" {"f" mine}})', {"of": {"f": "#<procedure mine>"}}),
    ],
)
def test_a_procedure_in_the_data_of_an_error_is_its_text(source: str, data: Any, workers: Workers) -> None:
    there = workers.run(program(source), frame := world())
    assert there.error is not None and there.error.data == data
    own = here(program(source), frame)
    assert own.error is not None and error_of(own.error)["data"] == error_of(there.error)["data"] == data


def test_limits_are_those_of_the_program(workers: Workers) -> None:
    frame = world()
    for limits in (
        Limits(steps=1000),
        Limits(output=10),
        Limits(elements=10),
        Limits(string=5),
        Limits(depth=40),
    ):
        for source in ("(range 100)", '(display "twelve chars")', "(let loop ((i 0)) (loop (+ i 1)))",
                       "(define (f n) (+ 1 (f n))) (f 1)"):  # fmt: skip
            wanted = program(source, limits=limits)
            assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}, (source, limits)


@pytest.mark.parametrize("depth", [255, 256, 257, 258])
def test_values_may_be_as_deep_there_as_here(depth: int, workers: Workers) -> None:
    frame = world()
    for inner in ("(list (nest (- n 1)))", '(dict "k" (nest (- n 1)))', "(cons 1 (cons (nest (- n 1)) 2))"):
        wanted = program(f"(define (nest n) (if (= n 0) '() {inner})) (nest {depth})")
        assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}


def test_what_is_defined_for_a_program_is_there(workers: Workers) -> None:
    frame = world(log_jsonl=[{"n": 1}, {"n": 2}])
    defined = {"self": "ann", "earlier": {"mood": ["calm", 1, None]}, "window": frame.documents["log.jsonl"]}
    wanted = program('(list self (get earlier "mood") (length window) window)', defined=defined)
    there = workers.run(wanted, frame)
    assert there.value[:3] == ["ann", ["calm", 1, None], 2]
    assert difference(there, here(wanted, frame)) == {}


def test_seeds_of_any_kind_throw_the_same_dice(workers: Workers) -> None:
    frame = world()
    for seed in ((1,), ("1",), (1, "echo", 2), (2**80,)):
        wanted = program("(list (random 1000) (random-shuffle (range 10)))", seed=seed)
        assert difference(workers.run(wanted, frame), here(wanted, frame)) == {}, seed


# -- the frame


def test_workers_have_the_frame_that_was_handed_over_last_and_only_what_changed_is_sent() -> None:
    log = [{"n": n} for n in range(3)]
    one = frame_of({"agents.json": {"agents": {"ann": {}}}, "a.json": 1, "b.json": 2, "log.jsonl": log})
    base = one.documents["log.jsonl"].base
    with some() as workers:
        ask = program('(list (get frame "a") (has-key? frame "b") (length (rb-state "log")) (rb-frame))')
        assert workers.run(ask, one).value[:3] == [1, True, 3]
        base.append({"n": 3})
        two = frame_of({"agents.json": {"agents": {"ann": {}}}, "a.json": 5, "log.jsonl": []}, number=1)
        documents = dict(two.documents)
        documents["log.jsonl"] = type(one.documents["log.jsonl"])()
        documents["log.jsonl"].base, documents["log.jsonl"].start, documents["log.jsonl"].stop = base, 0, 4
        two = type(two)(1, two.time, documents, {**two.digests, "log.jsonl": "longer"})
        nursery = workers._nursery
        assert nursery is not None
        told: list[Any] = []
        tell = nursery._tell
        nursery._tell = lambda *message: (told.append(message), tell(*message))[1]  # type: ignore[method-assign]
        assert workers.run(ask, two).value[:3] == [5, False, 4]
        assert workers.run(ask, two).value[:3] == [5, False, 4]
        frames = [message for message in told if message[0] == "frame"]
        assert len(frames) == 1
        changed, gone = frames[0][3:5]
        assert changed == {"a.json": (False, b"5"), "log.jsonl": (True, b'[{"n":3}]')} and gone == ("b.json",)
        assert workers.run(ask, one).value[:3] == [1, True, 3]


def test_a_world_whose_agents_are_elsewhere(workers: Workers) -> None:
    frame = frame_of({"people.json": {"all": {"zed": {"x": 1}}}})
    wanted = program("(map (lambda (a) (get a :id)) agents)")
    assert workers.run(wanted, frame, ("people.json", ("all",))).value == ["zed"]
    assert workers.run(wanted, frame).error.code == "no-agents"  # type: ignore[union-attr]


def test_programs_leave_nothing_to_those_after_them(workers: Workers) -> None:
    frame = world()
    leaving = '(define secret 42) (define (car x) \'mine) (set-random-seed! 5) (random 10) (display "x")'
    after = program("(list (try secret (catch e (get e :code))) (car '(1 2)) (random 1000))")
    fresh = here(after, frame)
    for _ in range(3):
        assert workers.run(program(leaving), frame).ok
        assert difference(workers.run(after, frame), fresh) == {}


# -- who runs where


def test_evaluate_runs_where_the_policy_says() -> None:
    frame, wanted = world(), program("(+ 1 2)")
    before = shared().pids
    assert evaluate(wanted, frame, isolation=HERE).value == 3
    assert shared().pids == before
    assert evaluate(wanted, frame, isolation=Isolation()).value == 3
    assert len(shared().pids) >= 2


def test_threads_have_workers_of_their_own(workers: Workers) -> None:
    frame = world()
    found: dict[int, list[Any]] = {}

    def ask(number: int) -> None:
        asked = [program(f"(+ {number} {n})") for n in range(40)]
        found[number] = [workers.run(each, frame).value for each in asked]

    threads = [threading.Thread(target=ask, args=(number * 1000,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number * 1000: [number * 1000 + n for n in range(40)] for number in range(6)}
    assert 2 <= len(workers.pids) <= 7


def test_a_worker_is_used_again_until_it_has_run_enough() -> None:
    frame = world()
    with some(runs=3) as workers:
        pids = []
        for _ in range(7):
            workers.run(program("1"), frame)
            pids.append(workers.pids[1:])
        assert [len(each) for each in pids] == [1, 1, 0, 1, 1, 0, 1]
        assert len({each for each in pids if each}) == 3


def test_a_worker_that_reached_a_limit_is_not_used_again() -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        (first,) = workers.pids[1:]
        assert workers.run(program("(car 1)"), frame).error is not None
        assert workers.pids[1:] == (first,)
        workers.run(program("(let loop () (loop))", limits=SMALL), frame)
        assert workers.pids[1:] == ()


def test_a_worker_that_keeps_more_and_more_memory_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        (first,) = workers.pids[1:]
        workers.run(program("1"), frame)
        assert workers.pids[1:] == (first,)
        monkeypatch.setattr("lisppump.workers.hand.GROWTH", -1)
        for _ in range(LOOK_EVERY):
            workers.run(program("1"), frame)
        assert first not in workers.pids


# -- what the zygote is


def test_the_zygote_imports_the_language_and_the_nouns_and_nothing_else() -> None:
    nursery = Nursery()
    try:
        ours = {name for name in nursery.modules if name.split(".")[0] == "lisppump"}
        other = {name for name in ours if not name.startswith(("lisppump.lispy", "lisppump.workers"))}
        assert other == {
            "lisppump",
            "lisppump.canon",
            "lisppump.clock",
            "lisppump.errors",
            "lisppump.frame",
            "lisppump.lisp_lib",
            "lisppump.quick",
            "lisppump.secrets",
            "lisppump.steering",
        }
        assert {name for name in ours if name.startswith("lisppump.workers")} == {
            "lisppump.workers",
            *(f"lisppump.workers.{name}" for name in (
                "answers", "borrowed", "cargo", "child", "confine", "program", "seccomp", "wire", "zygote",
            )),
        }  # fmt: skip
        foreign = {name.split(".")[0] for name in nursery.modules} - {*sys.stdlib_module_names, "lisppump"}
        assert {name for name in foreign if not name.startswith("_")} <= {"orjson", "re2", "lark"}
        assert not {"socketserver", "asyncio", "multiprocessing", "ssl", "http"} & set(nursery.modules)
    finally:
        nursery.close()


def test_all_that_the_language_ever_imports_is_there_before_a_worker_is_closed_in() -> None:
    nursery = Nursery()
    nursery.close()
    there = set(nursery.modules)
    files = [*(ROOT / "lisppump/lispy").rglob("*.py"), *(ROOT / "lisppump/workers").glob("*.py")]
    files = [
        file
        for file in files
        if file.name not in ("lexer.py", "desk.py", "hand.py", "nursery.py", "pool.py", "watch.py")
    ]
    for file in [*files, *(ROOT / f"lisppump/{name}.py" for name in ("errors", "canon", "frame"))]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                node.body.clear()
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                assert name in there or name in ("__future__", "importlib.util"), (file.name, name)


def test_nothing_of_the_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    with some() as workers:
        workers.run(program("1"), world())
        for pid in workers.pids:
            environment = Path(f"/proc/{pid}/environ")
            if not environment.exists():
                pytest.skip("this system shows no environments")
            words = [word.partition(b"=")[0] for word in environment.read_bytes().split(b"\0") if word]
            assert set(words) <= {b"LD_LIBRARY_PATH", b"DYLD_LIBRARY_PATH"}


def test_a_worker_has_given_up_all_that_it_could_reach() -> None:
    with some() as workers:
        workers.run(program("1"), world())
        place = Path(f"/proc/{workers.pids[1]}")
        if not place.exists():
            pytest.skip("this system shows nothing of processes")
        there = sorted(os.readlink(each).partition(":")[0] for each in (place / "fd").iterdir())
        assert there == ["/dev/null"] * 3 + ["pipe"] * 2
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        assert status["NoNewPrivs"].strip() == "1"
        assert not confine.has_seccomp() or status["Seccomp"].strip() == "2"
        limits = {
            line[:26].strip(): line[26:].split()[:2] for line in (place / "limits").read_text().splitlines()
        }
        for name in ("Max core file size", "Max file size", "Max processes"):
            assert limits[name] == ["0", "0"]
        assert "unlimited" not in (*limits["Max address space"], *limits["Max cpu time"])


def memory_of(pid: int) -> Iterator[bytes]:
    """All that a process could read of its own memory."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            words = line.split()
            if "r" not in words[1] or words[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(part, 16) for part in words[0].split("-"))
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except OSError:
                continue


def test_a_key_of_the_parent_is_nowhere_in_a_worker_s_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = ["canary-in-", "the-mine-7731"]
    key = "".join(halves)
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    kept = [key, key.encode()]
    with some() as workers:
        workers.run(program('(list "planted-' + 'in-a-program")'), world())
        for pid in workers.pids:
            try:
                pages = list(memory_of(pid))
            except OSError:
                pytest.skip("this system shows no memory of other processes")
            assert not any(key.encode() in page for page in pages)
        assert any(b"planted-in-a-program" in page for page in pages)  # so the look would have found it
    assert kept and gc.isenabled()


def test_a_zygote_that_cannot_start_is_an_error_with_a_way_out() -> None:
    with some("raise SystemExit(3)") as workers, pytest.raises(LisppumpError) as caught:
        workers.run(program("1"), world())
    assert caught.value.code == "no-worker" and "(isolate none)" in (caught.value.help or "")
    boot = BOOT.replace("sys.argv[2]", "'/nowhere'")
    with some(boot) as workers, pytest.raises(LisppumpError) as caught:
        workers.run(program("1"), world())
    assert caught.value.code == "no-worker" and "/nowhere" in caught.value.message


KILLED = """
import os, pathlib
file = pathlib.Path({file!r})
file.write_text(file.read_text() + "x")
if len(file.read_text()) <= {times}:
    os.kill(os.getpid(), 9)
"""


def test_a_zygote_that_is_killed_as_it_starts_is_started_again_thrice_at_most(tmp_path: Path) -> None:
    file = tmp_path / "starts"
    for times, starts in ((2, 3), (9, 3)):
        file.write_text("")
        with some(f"{KILLED.format(file=str(file), times=times)}\n{BOOT}") as workers:
            if times < starts:
                assert workers.run(program("(+ 1 2)"), world()).value == 3
            else:
                with pytest.raises(LisppumpError) as caught:
                    workers.run(program("(+ 1 2)"), world())
                assert caught.value.code == "no-worker" and "started 3 times" in caught.value.message
                assert "run again" in (caught.value.help or "")
            told = workers.told()
        assert len(file.read_text()) == starts
        lost = "the process that workers come from was lost as it started (signal 9)"
        assert told == [lost] * min(times, 3)


def test_values_do_not_depend_on_the_hash_seed() -> None:
    code = """
from tests.workers_support import program, seen, some, world
sources = ('(keys (group-by even? (range 9)))', '(list->set (list "b" "a"))', '(no-such)', '(random 9)')
with some() as workers:
    print([seen(workers.run(program(source), world())) for source in sources])
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "77")
    }  # fmt: skip
    assert len(outputs) == 1
