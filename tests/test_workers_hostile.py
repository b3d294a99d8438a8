"""Workers that are broken or lie: each ends as a limit of the one program, and the next finds all well."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump.errors import LisppumpError
from lisppump.lispy import Limits
from lisppump.lispy.errors import CapabilityError, LimitError
from lisppump.workers import confine
from lisppump.workers.answers import decoded
from lisppump.workers.wire import Broken
from tests.conftest import ROOT
from tests.workers_support import broken, difference, evaluators, here, linux, program, some, world

has_landlock = pytest.mark.skipif(not confine.landlock_version(), reason="this kernel has no Landlock for us")
has_seccomp = pytest.mark.skipif(not confine.has_seccomp(), reason="this kernel has no seccomp for us")
on_linux = pytest.mark.skipif(not linux, reason="only Linux bounds a process's memory")

SOUND = ("BUILTINS", "GOOD", "FAILED")
OTHERWISE = ("NEVER", "SECOND_LIES", "SECOND_ENDS", "SHORT", "HALF_WAY")
ASKING = ("FETCH_UNASKED", "FETCH_ODD", "FETCH_FOREVER", "LAMBDA", "LIMITS")
HOSTILE = [
    name for name in evaluators() if name not in (*SOUND, *OTHERWISE, *ASKING) and not name.startswith("CALL")
]


# -- an evaluator with a fault


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("(take-memory)", "allocation-limit"),
        ("(take-pages)", "worker-broken"),
        ("(die)", "worker-died"),
        ("(crash)", "worker-died"),
        ("(raise-python)", "worker-broken"),
        pytest.param("(open-file)", "worker-forbidden", marks=has_seccomp),
        pytest.param("(dial)", "worker-forbidden", marks=has_seccomp),
        pytest.param("(start)", "worker-forbidden", marks=has_seccomp),
        pytest.param(f"(kill {os.getpid()})", "worker-forbidden", marks=has_seccomp, id="kill"),
    ],
)
def test_a_fault_of_the_evaluator_is_a_limit_and_the_next_program_is_healthy(source: str, code: str) -> None:
    frame = world()
    with some(broken("BUILTINS")) as workers:
        for wanted in (program(source), program(f"(try {source} (catch e 'caught))")):
            result = workers.run(wanted, frame)
            assert isinstance(result.error, LimitError) and result.error.code == code, result.error
            assert (result.ok, result.value, result.text, result.output) == (False, None, "", "")
            healthy = program("(+ 1 2)")
            assert difference(workers.run(healthy, frame), here(healthy, frame)) == {}


@pytest.mark.parametrize("seconds", [None, 0.2])
def test_a_loop_in_c_ends_when_its_time_is_over(seconds: float | None) -> None:
    frame = world()
    with some(broken("BUILTINS")) as workers:
        wanted = program("(loop-in-c)", limits=Limits(seconds=seconds))
        result = workers.run(wanted, frame, deadline=0.3)
        assert result.error is not None and result.error.code == "time-limit"
        assert result.error.message == f"the program ran longer than {0.3 if seconds is None else 0.2:g} s"
        assert workers.run(program("(+ 1 2)"), frame).value == 3


@has_landlock
def test_landlock_alone_keeps_files_sockets_and_processes_out_of_reach(tmp_path: Path) -> None:
    boot = broken("BUILTINS").replace(
        "zygote.main", "zygote.confine.has_seccomp = lambda: False; zygote.main"
    )
    place, version = tmp_path / "written", confine.landlock_version()
    with some(boot) as workers, socket.create_server(("127.0.0.1", 0)) as server:
        sources = ["(open-file)", f"(write-file {json.dumps(str(place))})"]
        sources += [f"(dial-out {server.getsockname()[1]})"] if version >= 4 else []
        sources += [f"(kill {os.getpid()})"] if version >= 6 else []
        for source in sources:
            result = workers.run(program(source), world())
            assert result.error is not None and result.error.code == "worker-broken"
            (said,) = workers.told()
            assert "PermissionError" in said, source
    assert not place.exists()


def test_what_the_evaluator_says_when_it_fails_is_for_the_operator_alone() -> None:
    with some(broken("BUILTINS")) as workers:
        result = workers.run(program("(raise-python)"), world())
        assert result.error is not None and "secret" not in result.error.diagnostic()
        (said,) = workers.told()
        assert said.startswith("the worker that ran the program of ann failed inside: KeyError")
        assert "\x1b" not in said and workers.told() == []


# -- a worker that lies


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_is_none_is_an_error_of_that_program(name: str) -> None:
    frame = world()
    with some(broken(name)) as workers:
        result = workers.run(program("(+ 1 2)"), frame, deadline=20)
        assert isinstance(result.error, LimitError) and result.error.code == "worker-broken"
        assert workers.told()
        assert workers.pids[1:] == ()  # it is not used again
    with some() as workers:
        assert workers.run(program("(+ 1 2)"), frame).value == 3


def test_answers_that_are_good_are_taken_from_whoever_says_them() -> None:
    with some(broken("GOOD")) as workers:
        assert workers.run(program("(+ 1 2)"), world()).value == 7
        assert workers.run(program("(+ 1 2)"), world()).value == 7
    with some(broken("FAILED")) as workers:
        error = workers.run(program("(+ 1 2)"), world()).error
        assert error is not None and error.code == "bad-value" and not isinstance(error, LimitError)


@pytest.mark.parametrize("name", ["SHORT", "HALF_WAY"])
def test_a_worker_that_ends_half_way_has_died(name: str) -> None:
    with some(broken(name)) as workers:
        result = workers.run(program("1"), world())
        assert result.error is not None and result.error.code == "worker-died"


def test_a_worker_that_never_answers_is_late() -> None:
    with some(broken("NEVER")) as workers:
        result = workers.run(program("1"), world(), deadline=0.2)
        assert result.error is not None and result.error.code == "time-limit"


@pytest.mark.parametrize("name", ["SECOND_LIES", "SECOND_ENDS"])
def test_a_worker_that_fails_after_others_is_not_the_fault_of_its_program(name: str) -> None:
    frame = world()
    with some(broken(name)) as workers:
        assert [workers.run(program("1"), frame).value for _ in range(4)] == [7, 7, 7, 7]
        said = workers.told()
        assert said and all("another took its place" in each for each in said)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"[", b"[1", b"nul", b"[1,]", b"\xff", b'["\\ud800"]', b"[1]", b"{}", b"5", b"[" * 10**6,
     b"[" + b"1" * 30 + b"," + b"[" * 2000 + b"]" * 2000 + b"]", b"[1," + b"1" * 5000 + b"]",
     b"[NaN," + b"1" * 30 + b"]", b"[1e400," + b"1" * 30 + b"]", b'["' + b"1" * 30],
)  # fmt: skip
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Broken):
        decoded(data)


def test_long_integers_are_read_as_they_are() -> None:
    number = -(7**4000)
    assert decoded(b"[1,%d,1.5]" % number) == [1, number, 1.5]
    assert decoded(b'[1,"' + b"1" * 30 + b'"]') == [1, "1" * 30]


# -- pages of the web


class Web:
    """A portal that reads nothing."""

    def __init__(self, calls: int = 3, seconds: float = 30.0, took: float = 0.0) -> None:
        self.calls, self.seconds, self.took = calls, seconds, took
        self.asked: list[tuple[str, float]] = []

    def fetch(self, url: str, seconds: float) -> Any:
        self.asked.append((url, seconds))
        if "refused" in url:
            error = LisppumpError("portal-refused", "not there", help="go home", data={"reason": "host"})
            error.seconds = self.took  # type: ignore[attr-defined]
            raise error
        if "stopped" in url:
            raise LimitError("web-limit", "nothing more")
        if "granted" in url:
            raise CapabilityError("not-granted", "no", data="web")
        if "defect" in url:
            raise ZeroDivisionError
        status = 404 if "absent" in url else 200
        text = '{"big": 123456789012345678901234567890}' if "json" in url else "é" * 10
        return SimpleNamespace(url=url, status=status, text=text, json="json" in url, seconds=self.took)


def surfer(source: str, **limits: Any) -> Any:
    return program(source, allow=frozenset({"state", "web"}), limits=Limits(**limits))


@pytest.mark.parametrize(
    "source",
    [
        '(curl "http://x.org/json")', '(curl "http://x.org/")', '(curl "http://x.org/absent")',
        '(curl "http://refused.org/")', '(try (curl "http://refused.org/") (catch e e))',
        '(try (curl "http://stopped.org/") (catch e "caught"))',
        '(try (curl "http://granted.org/") (catch e e))',
        '(map curl (list "http://a.org/" "http://b.org/" "http://c.org/"))',
        '(map curl (list "http://a.org/" "http://b.org/" "http://c.org/" "http://d.org/"))', "(curl 5)",
        '(simulation :initial-state {} :max-ticks 1 :step (lambda (s t) (curl "http://a.org/")))',
    ],
)  # fmt: skip
def test_pages_are_read_by_the_parent_as_they_would_be_here(source: str) -> None:
    frame, there, own = world(), Web(), Web()
    with some() as workers:
        assert (
            difference(workers.run(surfer(source), frame, web=there), here(surfer(source), frame, web=own))
            == {}
        )
        assert there.asked == own.asked


def test_time_that_pages_take_counts_for_the_web() -> None:
    there, own, frame = Web(seconds=1.0, took=0.6), Web(seconds=1.0, took=0.6), world()
    source = '(curl "http://a.org/") (curl "http://b.org/") (curl "http://c.org/")'
    with some() as workers:
        result = workers.run(surfer(source), frame, web=there)
        assert result.error is not None and result.error.code == "web-limit"
        assert difference(result, here(surfer(source), frame, web=own)) == {}
        assert there.asked == own.asked == [("http://a.org/", 1.0), ("http://b.org/", 0.4)]


def test_a_program_that_was_not_granted_the_web_reaches_nobody() -> None:
    web = Web()
    with some() as workers:
        result = workers.run(program('(curl "http://x.org/")'), world(), web=web)
        assert result.error is not None and result.error.code == "not-granted" and web.asked == []


@pytest.mark.parametrize("name", ["FETCH_UNASKED", "FETCH_ODD"])
def test_a_worker_cannot_ask_for_pages_that_its_program_may_not_have(name: str) -> None:
    web = Web()
    with some(broken(name)) as workers:
        result = workers.run(program("1"), world(), web=web)
        assert result.error is not None and result.error.code == "worker-broken" and web.asked == []


def test_a_worker_cannot_ask_for_more_pages_than_its_program_may() -> None:
    web = Web(calls=3)
    with some(broken("FETCH_FOREVER")) as workers:
        result = workers.run(surfer("1"), world(), web=web)
        assert result.error is not None and result.error.code == "worker-broken" and len(web.asked) == 3


def test_what_goes_wrong_in_the_parent_is_raised_there_and_ends_the_worker() -> None:
    with some() as workers:
        with pytest.raises(ZeroDivisionError):
            workers.run(surfer('(try (curl "http://defect.org/") (catch e 1))'), world(), web=Web())
        assert workers.pids[1:] == ()
        assert workers.run(program("(+ 1 2)"), world()).value == 3


# -- processes that go


def gone(pid: int) -> bool:
    """Whether a process ends within a minute; one that nobody has waited for has ended as well."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this system cannot wait for the end of processes that are not its own")
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 60)[0])
    finally:
        os.close(watched)


def test_a_worker_that_somebody_kills_is_replaced_and_told() -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        os.kill(workers.pids[1], signal.SIGKILL)
        assert workers.run(program("(+ 1 2)"), frame).value == 3
        (said,) = workers.told()
        assert "another took its place" in said and "signal 9" in said


def test_a_zygote_that_somebody_kills_is_replaced_and_takes_its_workers_along() -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        zygote, worker = workers.pids
        os.kill(zygote, signal.SIGKILL)
        if linux:
            assert gone(worker)
        assert workers.run(program("(length agents)"), frame).value == 1
        assert any("was lost (signal 9)" in said for said in workers.told())
        assert workers.pids[0] != zygote and gone(worker)


def test_closing_ends_all_and_what_comes_later_starts_anew() -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        pids = workers.pids
        workers.close()
        assert all(gone(pid) for pid in pids) and workers.pids == ()
        assert workers.run(program("(+ 1 2)"), frame).value == 3
        assert workers.told() == []


def test_ctrl_c_at_the_terminal_is_the_pump_s_alone() -> None:
    frame = world()
    with some() as workers:
        workers.run(program("1"), frame)
        pids = workers.pids
        for pid in pids:
            assert os.getsid(pid) == pids[0] != os.getsid(0)
            os.kill(pid, signal.SIGINT)
        assert workers.run(program("(+ 1 2)"), frame).value == 3
        assert workers.pids == pids


def test_ctrl_c_while_a_program_runs_ends_its_worker() -> None:
    frame = world()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with some(broken("BUILTINS")) as workers:
            workers.run(program("1"), frame)
            worker = workers.pids[1]
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.5)
                workers.run(program("(loop-in-c)"), frame)
            assert gone(worker) and workers.run(program("(+ 1 2)"), frame).value == 3
    finally:
        signal.signal(signal.SIGALRM, before)


PUMP = """
import threading
from tests.workers_support import broken, program, some, world
with some(broken("BUILTINS")) as workers:
    threading.Thread(target=workers.run, args=(program("(loop-in-c)"), world()), daemon=True).start()
    workers.run(program("1"), world())
    while len(workers._watch.hands) < 2 or not any(hand.busy == 0 for hand in workers._watch.hands): pass
    print(workers.pids[0], *(hand.pid for hand in workers._watch.hands), flush=True)
    input()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_stays_behind_when_the_pump_is_killed(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PUMP], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as pump:
        assert pump.stdout is not None
        pids = [int(word) for word in pump.stdout.readline().split()]
        assert len(pids) == 3
        pump.send_signal(number)
        pump.wait()
        assert all(gone(pid) for pid in pids)


def test_two_pumps_at_once_have_nothing_to_do_with_each_other() -> None:
    frame = world()
    with some() as one, some() as other:
        assert one.run(program("(+ 1 2)"), frame).value == other.run(program("(+ 1 2)"), world()).value == 3
        assert not {*one.pids} & {*other.pids}
        one.close()
        assert other.run(program("(+ 1 2)"), frame).value == 3 and other.told() == []
