"""What tests of backends share that run programs: a stand-in, worlds that ask it, and who is left over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

STAND_IN = ROOT / "tests" / "backends" / "stand_in.py"
RUN = (
    "import resource, sys; from lisppump.cli import main; code = main(sys.argv[1:]);"
    "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
)
WORLD = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (apply dict (apply append (map (lambda (n)
          (list (string-append "agent-" (number->string n)) (dict "mood" "calm"))) (range {streams})))))))

(pump
  (name programs)
  (every (seconds 0))
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams {streams})
  (dam round-robin)
  (backends (asked {backend}))
  (pipe asked (deadline (seconds {deadline})))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl")))
  {more})
"""


@dataclass
class Programs:
    """A folder with a stand-in for the Copilot CLI, and the marks that it leaves."""

    folder: Path
    told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("bin", "marks", "home", "tmp"):
            (self.folder / name).mkdir(parents=True)
        file = self.folder / "bin" / "copilot"
        file.write_text(f'#!/bin/sh\nexec {sys.executable} -S {STAND_IN} "$@"\n')
        file.chmod(0o755)

    @property
    def program(self) -> Path:
        """The stand-in."""
        return self.folder / "bin" / "copilot"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a run in which the stand-in is found."""
        return {
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "COPILOT_STANDIN": json.dumps(self.told),
            "COPILOT_STANDIN_PIDS": str(self.folder / "marks"),
            **more,
        }

    def world(self, backend: str, streams: int = 3, deadline: float = 60, more: str = "") -> Path:
        """A new world of so many rooms, each with one agent, that all ask one backend."""
        world = self.folder / "world"
        world.mkdir()
        policy = WORLD.format(backend=backend, streams=streams, deadline=deadline, more=more)
        (world / "pump.lisp").write_text(policy)
        return world

    def call(self, stream: int) -> dict[str, Any]:
        """What the stand-in was given for a stream: words, environment, prompt, shared."""
        return dict(json.loads((self.folder / "marks" / f"stream-{stream:04}.json").read_text()))

    def pid(self, stream: int) -> int:
        """The id of the process that was asked for a stream."""
        return int((self.folder / "marks" / f"stream-{stream:04}.program").read_text())

    def pids(self, who: str = "*") -> list[int]:
        """The ids of the processes that were started."""
        files = (self.folder / "marks").glob(f"stream-*.{who}")
        return [int(file.read_text()) for file in files if file.suffix != ".json" and file.read_text()]

    def wait_for(self, who: str, count: int, patience: float = 60) -> None:
        """Return when so many processes have left that mark."""
        wait_until(lambda: len(self.pids(who)) >= count, patience)

    def left(self) -> list[int]:
        """Those that still live."""
        return [pid for pid in self.pids() if lives(pid)]

    def litter(self) -> list[str]:
        """What of ours lies in the folder for temporary files."""
        return sorted(name for name in os.listdir(self.folder / "tmp") if name.startswith("lisppump-"))


def wait_until(holds: Callable[[], object], patience: float = 30) -> None:
    """Return when something holds; nobody else tells when a process is gone."""
    until = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.005)


def lives(pid: int) -> bool:
    """True for a process that is there and no zombie."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not os.path.isdir("/proc/self")


@contextlib.contextmanager
def nobody_left(programs: Programs) -> Iterator[None]:
    """At the end no process is left that the stand-in started; those of a failed test are ended, too."""
    try:
        yield
        assert programs.left() == []
    finally:
        for pid in programs.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(programs: Programs, *words: str, **more: str) -> subprocess.Popen[str]:
    """A command about the world, in a process of its own that says at its end how large it was."""
    environment = {
        **programs.environment(**more), "PYTHONPATH": str(ROOT),
        "LISPPUMP_CONFIG": os.environ["LISPPUMP_CONFIG"],
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "-C", str(programs.folder / "world"), *words],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ran(programs: Programs, *words: str, code: int = 0, **more: str) -> str:
    """What a command said on its stdout; its exit code is as wanted."""
    with start(programs, *words, **more) as process:
        out, err = process.communicate()
    assert process.returncode == code, (out, err)
    return out


def frame(programs: Programs, number: int = 1) -> dict[int, dict[str, Any]]:
    """The streams of a frame by their number."""
    document = json.loads(ran(programs, "show", str(number), "--json"))
    return {stream["stream"]: stream for stream in document["streams"]}


def lines(programs: Programs) -> set[str]:
    """The agents who said something."""
    file = programs.folder / "world" / "state" / "lines.jsonl"
    return {json.loads(line)["agent"] for line in file.read_text().splitlines()}


def peak(err: str) -> int:
    """The kilobytes that a pump had at its fullest, by what it said on its stderr."""
    return int(err.rpartition("peak ")[2].split()[0])


def findings(programs: Programs, **more: str) -> list[tuple[str, str]]:
    """What `doctor` says of backends: level and sentence."""
    with start(programs, "doctor", "--json", **more) as process:
        document = json.loads(process.communicate()[0])
    return [(each["level"], each["what"]) for each in document["findings"] if each["topic"] == "backends"]
