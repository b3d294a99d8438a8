"""The REPL on a terminal: prompt, keys, colours, completion, history. The session does what is typed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.application.current import AppSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_completions, has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth, create_output

from lisppump import __version__
from lisppump.cli.context import clean
from lisppump.cli.repl_commands import candidates, submit
from lisppump.cli.repl_session import Input, Session, unfinished
from lisppump.errors import legible
from lisppump.lispy.formatter import next_column
from lisppump.lispy.lexer import LispyLexer


class Stop:
    """What Ctrl-C does: it ends what is `running`, gives up the line that is typed, and else does nothing.

    The terminal hands it over as a key while a line is typed. The signal is ours alone: prompt_toolkit takes
    it before the prompt is there and keeps it a little longer, when it can do nothing but fail.
    """

    def __init__(self) -> None:
        self.running = False
        self.around: AppSession | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.running:
            self.running = False
            raise KeyboardInterrupt
        app = self.around.app if self.around is not None else None
        if app is not None and app.loop is not None and not app.loop.is_closed():
            app.loop.call_soon_threadsafe(_give_up, app)  # it wakes a loop that waits for keys


def _give_up(app: Application[Any]) -> None:
    if app.is_running and not app.is_done:
        app.exit(exception=KeyboardInterrupt(), style="class:aborting")


def converse(session: Session, history: Path | None) -> None:
    """Ask for inputs and do what they say, until there are no more."""
    settings = session.settings
    settings.note(f"lisppump {__version__}; ,help lists the commands, Ctrl-D leaves")
    stop = Stop()
    before = signal.signal(signal.SIGINT, stop)
    try:
        with create_app_session(output=create_output(settings.out, always_prefer_tty=True)) as stop.around:
            prompt = _prompt(session, history)
            while not session.ended:
                session.catch_up()
                try:
                    text = prompt.prompt(f"{clean(session.place())}> ", handle_sigint=False)
                except KeyboardInterrupt:  # the line is given up
                    continue
                except EOFError:
                    return
                _do(session, text, stop)
    finally:
        signal.signal(signal.SIGINT, before)


def _do(session: Session, text: str, stop: Stop) -> None:
    """Do what an input says, as long as nobody stops it."""
    try:
        stop.running = True
        submit(session, Input(text))
        stop.running = False
    except KeyboardInterrupt:
        session.settings.say("interrupted")


def _prompt(session: Session, history: Path | None) -> PromptSession[str]:
    paints = session.settings.paints(session.settings.out)
    return PromptSession(
        multiline=True,
        key_bindings=keys(),
        completer=Names(session),
        complete_while_typing=False,
        history=_history(session, history),
        lexer=PygmentsLexer(LispyLexer) if paints else None,
        input_processors=[HighlightMatchingBracketProcessor()],
        prompt_continuation=lambda width, line, wraps: " " * width,
        color_depth=None if paints else ColorDepth.DEPTH_1_BIT,
    )


class Names(Completer):
    """Completes the names that mean something, each with a line about it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What may stand at the cursor."""
        for typed, name, gist in candidates(self._session, document.text_before_cursor):
            yield Completion(name, -len(typed), display_meta=clean(gist))


def keys() -> KeyBindings:
    """Enter ends an input that is whole, else it begins a line where that belongs; in a menu it chooses."""
    bindings = KeyBindings()

    @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER) & ~has_completions)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if unfinished(buffer.text):
            buffer.insert_text("\n" + " " * next_column(buffer.document.text_before_cursor))
        else:
            buffer.validate_and_handle()

    @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER) & has_completions)
    def _choose(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    return bindings


class Kept(FileHistory):
    """What was typed, in a file; when that cannot be written, it says so once and goes on."""

    def __init__(self, file: Path, session: Session) -> None:
        self._session = session
        self._told = False
        super().__init__(str(file))

    def store_string(self, string: str) -> None:
        """Add an input to the file."""
        try:
            super().store_string(string)
        except OSError as error:
            if not self._told:
                self._told = True
                _not_kept(self._session, Path(os.fsdecode(self.filename)), error)


def _history(session: Session, named: Path | None) -> History:
    """What was typed before, in a file that only the user reads; in memory alone where there can be none."""
    from platformdirs import user_state_path

    file = named or user_state_path("lisppump") / "history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        _not_kept(session, file, error)
        return InMemoryHistory()
    return Kept(file, session)


def _not_kept(session: Session, file: Path, error: OSError) -> None:
    reason = (error.strerror or "the system did not say why").lower()
    session.settings.note(f"what you type is not kept: {legible(file)} cannot be written: {reason}")
