"""Programs that are run for a pipe: how they end, what they leave, and that it is nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lisppump import subprocesses
from lisppump.subprocesses import Ended, Keeper, Program, at_once, environment, find, run, stands_unrunnable
from tests.backends.programs import lives, wait_until


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def program(*words: str, **more: Any) -> Program:
    place = subprocesses.folder()
    words = (str(find(words[0]) or words[0]), *words[1:])
    return Program(words, environment(()), place, removed=place, **more)


def shell(script: str, **more: Any) -> Program:
    return program("sh", "-c", script, **more)


def ended(wanted: Program) -> Ended:
    """How it ended; nothing of it is left, neither a folder nor a descriptor nor a process of ours."""
    fds = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    found = asyncio.run(run(wanted))
    assert not os.path.exists(wanted.removed)
    assert not fds or len(os.listdir("/proc/self/fd")) == fds
    assert childless()
    return found


def children() -> set[str]:
    """The processes that this one has for children, dead ones among them."""
    tasks = Path("/proc/self/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}


@pytest.fixture(autouse=True)
def before() -> None:
    """Other tests in this process may have left children that are no matter of these."""
    global _before
    _before = children()


_before: set[str] = set()


def childless() -> bool:
    """True where this process has got no children since; dead ones are let go of for the next look."""
    since = children() - _before
    for child in since:
        with suppress(ChildProcessError):
            os.waitpid(int(child), os.WNOHANG)
    return not since


def test_the_prompt_is_its_standard_input_and_what_it_prints_the_output() -> None:
    found = ended(program("cat", stdin="grüße\n".encode()))
    assert found == Ended("exit", 0, "grüße\n".encode(), "")


def test_a_prompt_that_nobody_reads_holds_up_nothing() -> None:
    assert ended(shell("echo done", stdin=b"x" * 10_000_000)).output == b"done\n"


def test_a_long_prompt_comes_back_whole() -> None:
    text = os.urandom(3_000_000)
    assert ended(program("cat", stdin=text)).output == text


def test_exit_code_and_stderr() -> None:
    assert ended(shell("echo a; echo b >&2; exit 3")) == Ended("exit", 3, b"a\n", "b")


def test_one_that_kills_itself() -> None:
    found = ended(shell("echo a; kill -9 $$"))
    assert (found.how, found.number, found.output) == ("signal", 9, b"a\n")


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    assert ended(program("/no/such/program")).how == "unable"
    text = tmp_path / "text"
    text.write_text("no program")
    text.chmod(0o755)
    assert (ended(program(str(text))).how, stands_unrunnable(str(text))) == ("unable", False)
    text.chmod(0o644)
    if os.geteuid() != 0 or find(str(text)) is None:
        assert stands_unrunnable(str(text)) and not stands_unrunnable("text")


def test_silence_ends_it_and_output_puts_that_off() -> None:
    assert ended(shell("echo a; sleep 600", silence=0.3)).how == "silent"
    for where in ("", ">&2"):
        busy = shell(f"for n in $(seq 30); do echo $n {where}; sleep 0.05; done", silence=1.2)
        assert ended(busy).how == "exit"


def test_more_output_than_allowed_ends_it() -> None:
    found = ended(shell("yes", most=100_000))
    assert (found.how, found.output) == ("flooded", b"y\n" * 50_000)
    assert ended(shell("printf 12345", most=5)) == Ended("exit", 0, b"12345", "")
    assert ended(shell("printf 123456; sleep 600", most=5)).output == b"12345"


def test_whoever_listens_may_have_heard_enough() -> None:
    heard: list[bytes] = []

    def hear(data: bytes) -> bool:
        heard.append(data)
        return b"stop" in data

    found = asyncio.run(run(shell("echo stop; sleep 600"), hear))
    assert (found.how, found.output, b"".join(heard)) == ("heard", b"", b"stop\n")


def test_the_end_of_stderr_is_kept_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "canary-0123456789")
    found = ended(shell("yes canary-0123456789 | head -n 6000 >&2; echo last >&2; exit 1"))
    assert "canary" not in found.errors and found.errors.endswith("last")
    assert len(found.errors) <= subprocesses.TAIL


def test_files_are_read_before_they_go() -> None:
    place = subprocesses.folder()
    path = os.path.join(place, "used")
    for script in (f"echo 7 > {path}", f"echo 7 > {path}; echo; yes"):
        os.makedirs(place, exist_ok=True)
        wanted = Program(
            (str(find("sh")), "-c", script), environment(()), place, removed=place, kept=(path, path + "x"),
            most=1000,
        )  # fmt: skip
        assert ended(wanted).files == {path: b"7\n"}


def test_only_declared_variables_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "canary")
    monkeypatch.setenv("LC_ALL", "C")
    assert "SOME_API_KEY" not in environment(()) and environment(["SOME_API_KEY"])["SOME_API_KEY"] == "canary"
    output = ended(program("env")).output
    assert b"canary" not in output and b"LC_ALL=C" in output and b"PATH=" in output


LEAVES = "sleep 600 & echo $! > {0}/child; setsid sleep 600 & echo $! > {0}/stranger; "


def wrote(file: Path) -> bool:
    return file.exists() and file.read_text() != ""


def left(folder: Path) -> list[int]:
    return [pid for file in folder.iterdir() if file.is_file() and lives(pid := int(file.read_text()))]


@pytest.mark.parametrize("rest", ["echo done", "exit 1", "kill -9 $$", "trap '' TERM; sleep 600"])
def test_what_it_leaves_behind_ends_with_it(rest: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    ended(shell(LEAVES.format(marks) + rest, silence=0.5))
    assert left(marks) == [] and len(list(marks.iterdir())) == 2


def test_cancelling_ends_it_at_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    wanted = shell(LEAVES.format(marks) + f"trap '' TERM; echo $$ > {marks}/program; sleep 600")

    async def cancelled() -> None:
        task = asyncio.create_task(run(wanted))
        while not wrote(marks / "program"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert left(marks) == [] and not os.path.exists(wanted.removed)

    asyncio.run(cancelled())


def test_dropping_it_ends_it_soon(tmp_path: Path) -> None:
    """Cancelled twice, nobody waits for the end any more; the guard goes on by itself."""
    marks = tmp_path / "marks"
    marks.mkdir()
    wanted = shell(LEAVES.format(marks) + f"trap '' TERM; echo $$ > {marks}/program; sleep 600")

    async def dropped() -> None:
        task = asyncio.create_task(run(wanted))
        while not wrote(marks / "program"):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()

    asyncio.run(dropped())
    wait_until(lambda: not left(marks) and not os.path.exists(wanted.removed))
    wait_until(childless)


def test_a_guard_that_is_killed_takes_its_program_along(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    script = f"echo $$ > {marks}/program; sleep 600 & echo $! > {marks}/child; kill -9 $PPID; sleep 600"
    assert ended(shell(script)).how == "lost"
    wait_until(lambda: not left(marks))


def test_none_outlives_a_pump_that_is_killed(tmp_path: Path) -> None:
    marks, place = tmp_path / "marks", tmp_path / "place"
    marks.mkdir()
    place.mkdir()
    script = LEAVES.format(marks) + f"trap '' TERM; echo $$ > {marks}/program; sleep 600"
    code = (
        "import asyncio; from lisppump.subprocesses import *; keeper = Keeper()\n"
        f"open('{tmp_path}/kept', 'w').write(keeper.folder)\n"
        f"words, place = ('/bin/sh', '-c', {script!r}), {str(place)!r}\n"
        "asyncio.run(run(Program(words, environment(()), place, removed=place)))"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as pump:
        wait_until(lambda: pump.poll() is not None or wrote(marks / "program"))
        kept = (tmp_path / "kept").read_text()
        assert os.path.isdir(kept)
        pump.send_signal(signal.SIGKILL)
    wait_until(lambda: not left(marks) and not place.exists() and not os.path.exists(kept))


def test_a_keeper_keeps_its_folder_until_it_is_closed() -> None:
    keeper = Keeper()
    keeper.put("a", "file", "text")
    assert Path(keeper.folder, "a", "file").read_text() == "text"
    assert os.stat(keeper.folder).st_mode & 0o077 == 0
    keeper.close()
    assert not os.path.exists(keeper.folder)


def test_many_at_once_fit_into_the_descriptors() -> None:
    async def all_of_them() -> list[Ended]:
        return await asyncio.gather(*(run(program("cat", stdin=b"%d" % n)) for n in range(at_once(40))))

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()
    others = len(os.listdir("/proc/self/fd"))  # that tests before have left open
    resource.setrlimit(resource.RLIMIT_NOFILE, (subprocesses.SPARE + 4 * 40 + others, hard))
    try:
        found = asyncio.run(all_of_them())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [each.output for each in found] == [b"%d" % n for n in range(40)]
    assert at_once(3) == 3


def test_the_output_of_a_flood_is_not_kept() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = asyncio.run(run(shell("head -c 100000000 /dev/zero", most=1 << 20)))
    assert found.how == "flooded" and len(found.output) == 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
