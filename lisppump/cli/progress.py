"""Watching a run: a live bar on a terminal, plain lines elsewhere, and Ctrl-C. It runs nothing itself."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from lisppump.cli.context import Settings
from lisppump.cli.show import quarantine_lines
from lisppump.collector import look_less_often

if TYPE_CHECKING:
    from lisppump.delta import Delta
    from lisppump.pump import Pump
    from lisppump.report import Event, FrameReport

INTERRUPTED = 130


def drive(settings: Settings, pump: Pump, go: Callable[[], Sequence[FrameReport]]) -> int:
    """Let the pump go while it is watched; the exit code of the command."""
    look_less_often()
    watch = Bar(settings) if sys.stderr.isatty() and not settings.quiet else Watch(settings)
    pump.listeners.append(watch.hear)
    with watch, Stopper(pump, watch) as stopper:
        go()
    if stopper.asked:
        settings.note(f"stopped after frame {pump.head.number}")
        return INTERRUPTED
    if pump.stopped:
        settings.note(f"stopped after frame {pump.head.number}, as `lisppump stop` asked")
    return 0


def give_up(settings: Settings, pump: Pump) -> None:
    """Give up the frame that was begun and not finished, if there is one, and say so."""
    number = pump.abandon()
    kept = "what came for it stays in the journal"
    settings.note("no frame is open" if number is None else f"frame {number} was given up; {kept}")


class Stopper:
    """Ctrl-C while a run is going: the first finishes the frame, the second abandons it."""

    def __init__(self, pump: Pump, watch: Watch) -> None:
        self.asked = False
        self._pump = pump
        self._watch = watch
        self._before: Any = None

    def __enter__(self) -> Stopper:
        self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            _hush()
            raise KeyboardInterrupt
        self.asked = True
        self._pump.request_stop()
        self._watch.message("finishing this frame; Ctrl-C again abandons it, nothing is lost")


def _hush() -> None:
    """Let the loop say nothing of how its tasks end, now that they are abandoned."""
    import asyncio

    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)


class Watch:
    """What a run tells in plain lines: one a frame, and what went wrong in it indented under it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.told: tuple[str, ...] = ()  # notes of the frame that were told when it began

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open here."""

    def hear(self, event: Event) -> None:
        """Take one event of the loop."""
        if event.kind == "frame_started":
            self.told = event.notes
            for note in event.notes:
                self.settings.note(f"note: {note}")
        elif event.kind == "frame_committed" and event.report is not None:
            self.committed(event.report)
        elif event.kind == "resting":
            self.resting(event)
        elif event.kind == "paused":
            self.paused(event)
        elif event.kind in ("caught_up", "remarked"):
            self.settings.note(f"note: {event.text}")
        elif event.kind == "resumed":
            self.settings.note("it goes on")
        elif event.kind == "policy_stale":
            self.settings.note("pump.lisp does not check any more; the last good one stays")
            for line in (event.text or "").split("\n"):
                self.settings.note(line)
        elif event.kind == "policy_reloaded":
            self.settings.note("pump.lisp has changed and was read again")

    def message(self, text: str) -> None:
        """Say something while a frame runs."""
        self.settings.note(text)

    def resting(self, event: Event) -> None:
        """The heart rests before the next frame."""
        self.settings.note(f"  resting {event.text}")

    def paused(self, event: Event) -> None:
        """Somebody asked the run to wait."""
        self.settings.note(f"paused after frame {event.frame}: `lisppump resume` goes on, `stop` ends it")

    def committed(self, report: FrameReport) -> None:
        """A frame is done: its JSON line, or its line with what went wrong."""
        if self.settings.json:
            self.settings.line(report.to_json())
        self.settings.note(report.line())
        for line in details(report, all_streams=self.settings.verbose, told=self.told):
            self.settings.note(line)


def details(report: FrameReport, *, all_streams: bool = False, told: Sequence[str] = ()) -> list[str]:
    """The lines under a frame's line: streams that failed and why, items in quarantine, notes."""
    lines = [
        f"  {delta.status}{' (partial)' * delta.partial}  stream {delta.stream}  {_who_and_why(delta)}"
        for delta in report.deltas
        if all_streams or delta.partial or delta.status not in ("ok", "empty")
    ]
    lines += quarantine_lines(report.quarantine)
    return lines + [f"  note: {note}" for note in report.notes if note not in told]


def _who_and_why(delta: Delta) -> str:
    return ", ".join(delta.agents) + (f": {delta.reason}" if delta.reason else "")


class Bar(Watch):
    """The same on a terminal, with a bar of the streams while a frame runs."""

    def __init__(self, settings: Settings) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        super().__init__(settings)
        self._text = Text
        self._console = Console(stderr=True, no_color=not settings.paints(sys.stderr), highlight=False)
        self._kind = Live
        self._live: Live | None = None
        self._frame = 0
        self._states: list[str | None] = []
        self._began = 0.0
        self._said = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar off the screen."""
        self._stop()

    def hear(self, event: Event) -> None:
        """Draw what is going on; lines are written while the bar is off."""
        if event.kind == "stream_settled" and event.stream is not None and event.delta is not None:
            self._states[event.stream - 1] = event.delta.status
            return
        self._stop()
        super().hear(event)
        if event.kind == "frame_started":
            self._start(event.frame, [None] * event.streams, "")

    def resting(self, event: Event) -> None:
        """A bar without streams, as long as the rest lasts."""
        self._start(event.frame, [], f"resting {event.text}")

    def paused(self, event: Event) -> None:
        """A line, and a bar as long as it waits."""
        super().paused(event)
        self._start(event.frame, [], "paused")

    def message(self, text: str) -> None:
        """Beside the bar, or as a line where there is none."""
        if self._live is None:
            super().message(text)
        self._said = text

    def _start(self, frame: int, states: list[str | None], said: str) -> None:
        self._frame, self._states, self._said = frame, states, said
        self._began = self._console.get_time()
        self._live = self._kind(
            get_renderable=self._render, console=self._console, transient=True, refresh_per_second=8
        )
        self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> Any:
        text = self._text(f"frame {self._frame}")
        if self._states:
            text.append("  ")
            for state in self._states:
                text.append(*_MARKS.get(state, ("!", "red")))
            settled = sum(state is not None for state in self._states)
            text.append(f"  {settled} of {len(self._states)} streams")
            bad = [f"{n} {state}" for n, state in enumerate(self._states, 1) if state not in _MARKS]
            if bad:
                text.append("  " + ", ".join(bad), "red")
        text.append(f"  {self._console.get_time() - self._began:.1f} s")
        if self._said:
            text.append(f"  {self._said}", "yellow")
        return text


_MARKS: dict[str | None, tuple[str, str]] = {
    None: (".", "dim"), "ok": ("#", "green"), "empty": ("-", "yellow"),
}  # fmt: skip
