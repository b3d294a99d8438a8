"""Watching a run: the lines a frame leaves, the bar on a terminal, and what the two Ctrl-C do."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump.cli import progress
from lisppump.cli.context import Settings
from lisppump.delta import Delta
from lisppump.report import Event, FrameReport

TIME = "2026-01-01T00:00:00.000000Z"


def delta(stream: int, status: str = "ok", reason: str | None = None, **more: Any) -> Delta:
    return Delta(7, stream, TIME, {}, agents=(f"agent-{stream}",), status=status, reason=reason, **more)


def report(*deltas: Delta, quarantined: int = 0, notes: tuple[str, ...] = ()) -> FrameReport:
    counts = {"in": 9, "merged": 9 - quarantined, "duplicate": 0, "quarantined": quarantined}
    quarantine = tuple({"message": f"item {n} is wrong"} for n in range(quarantined))
    return FrameReport(7, "sha256:00", TIME, deltas, {"posts": counts}, quarantine, (), notes, 0.5)


class FakePump:
    """Tells the events it was given, and remembers that it was asked to stop."""

    def __init__(self, *events: Event) -> None:
        self.listeners: list[Callable[[Event], None]] = []
        self.events = events
        self.stops = 0
        self.stopped = False
        self.head = SimpleNamespace(number=7)

    def request_stop(self) -> None:
        self.stops += 1

    def go(self) -> tuple[FrameReport, ...]:
        for event in self.events:
            for listener in self.listeners:
                listener(event)
        return ()


def watched(settings: Settings, *events: Event) -> int:
    pump: Any = FakePump(*events)
    return progress.drive(settings, pump, pump.go)


def committed(done: FrameReport) -> Event:
    return Event("frame_committed", 7, report=done, streams=len(done.deltas))


def test_a_frame_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert watched(Settings(), committed(report(delta(1), delta(2)))) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "frame 7  2 streams  0.5 s  9 merged\n")


def test_what_went_wrong_stands_under_it(capsys: pytest.CaptureFixture[str]) -> None:
    done = report(
        delta(1),
        delta(2, "timed-out", "no answer within 5 s"),
        delta(3, "ok", "the second pass failed", partial=True),
        delta(4, "empty"),
        quarantined=7,
        notes=("3 streams were asked for",),
    )
    watched(Settings(), committed(done))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  timed-out  stream 2  agent-2: no answer within 5 s",
        "  ok (partial)  stream 3  agent-3: the second pass failed",
        "  quarantined: item 0 is wrong",
        "  quarantined: item 1 is wrong",
        "  quarantined: item 2 is wrong",
        "  quarantined: item 3 is wrong",
        "  quarantined: item 4 is wrong",
        "  and 2 more",
        "  note: 3 streams were asked for",
    ]


def test_verbose_tells_every_stream_and_quiet_none(capsys: pytest.CaptureFixture[str]) -> None:
    done = report(delta(1), delta(2))
    watched(Settings(verbose=True), committed(done))
    assert capsys.readouterr().err.splitlines()[1:] == ["  ok  stream 1  agent-1", "  ok  stream 2  agent-2"]
    watched(Settings(quiet=True), committed(done))
    assert capsys.readouterr() == ("", "")


def test_json_is_a_line_a_frame_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    done = report(delta(1))
    watched(Settings(json=True, quiet=True), committed(done), committed(done))
    out, err = capsys.readouterr()
    assert err == ""
    assert len(out.splitlines()) == 2 and out.startswith('{"schema":"lisppump/frame@1","frame":7,')


def test_a_policy_that_changed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    watched(Settings(), Event("policy_stale", 7, text="error[unbound]: x"), Event("policy_reloaded", 7))
    assert capsys.readouterr().err.splitlines() == [
        "pump.lisp does not check any more; the last good one stays",
        "error[unbound]: x",
        "pump.lisp has changed and was read again",
    ]


def test_what_is_to_be_said_of_a_frame_is_said_when_it_begins_and_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun = Event("frame_started", 1, streams=1, notes=("it goes on",))
    watched(Settings(color=False), begun, committed(report(delta(1), notes=("it goes on", "and this"))))
    told = capsys.readouterr().err
    assert told.startswith("note: it goes on\n") and told.count("it goes on") == 1
    assert "  note: and this" in told


def test_a_rest_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    watched(Settings(), Event("resting", 7, text="60 s"))
    assert capsys.readouterr().err == "  resting 60 s\n"


def test_the_first_interrupt_lets_the_frame_finish(capsys: pytest.CaptureFixture[str]) -> None:
    pump: Any = FakePump(committed(report(delta(1))))
    before = signal.getsignal(signal.SIGINT)

    def go() -> tuple[FrameReport, ...]:
        os.kill(os.getpid(), signal.SIGINT)
        done: tuple[FrameReport, ...] = pump.go()
        return done

    assert progress.drive(Settings(), pump, go) == 130
    assert pump.stops == 1
    assert capsys.readouterr().err.splitlines() == [
        "finishing this frame; Ctrl-C again abandons it, nothing is lost",
        "frame 7  1 stream  0.5 s  9 merged",
        "stopped after frame 7",
    ]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_interrupt_abandons_it() -> None:
    pump: Any = FakePump()

    def go() -> tuple[FrameReport, ...]:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second interrupt should have ended this")

    with pytest.raises(KeyboardInterrupt):
        progress.drive(Settings(), pump, go)


class Terminal(io.StringIO):
    """A stderr that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_shows_each_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    bar = progress.Bar(Settings(color=False))
    with bar:
        bar.hear(Event("frame_started", 7, streams=4))
        for number, status in ((1, "ok"), (3, "timed-out"), (4, "empty")):
            bar.hear(Event("stream_settled", 7, stream=number, delta=delta(number, status)))
        assert bar._render().plain.startswith("frame 7  #.!-  3 of 4 streams  3 timed-out  ")
        bar.message("finishing")
        assert bar._render().plain.endswith("  finishing")
        bar.hear(committed(report(delta(1))))
        bar.hear(Event("resting", 7, text="60 s"))
        assert "resting 60 s" in bar._render().plain
    assert "frame 7  1 stream  0.5 s  9 merged\n" in terminal.getvalue()


def test_rich_is_imported_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def bar(settings: Settings) -> progress.Watch:
        made.append("bar")
        return progress.Watch(settings)

    monkeypatch.setattr(progress, "Bar", bar)
    watched(Settings())
    assert made == []
    monkeypatch.setattr("sys.stderr", Terminal())
    watched(Settings(quiet=True))
    assert made == []
    watched(Settings())
    assert made == ["bar"]
