"""The prompt of `lisppump repl` without a terminal: keys come out of a pipe, what is shown goes nowhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from lisppump.cli.context import Settings
from lisppump.cli.repl_commands import submit
from lisppump.cli.repl_session import Input, Session
from lisppump.cli.repl_terminal import Kept, Names, _history, _prompt, converse


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session outside of any world, for a user whose state lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    opened = Session(Settings(), None, None, ())
    yield opened
    opened.close()


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    """Keys for the prompts within."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


def typed(keyboard: PipeInput, session: Session, keys: str) -> str:
    """The input that these keys make."""
    keyboard.send_text(keys)
    return _prompt(session, None).prompt("> ")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("(+ 1 2)\r", "(+ 1 2)"),
        ("(list 1\r2)\r", "(list 1\n      2)"),
        ("(define (f x)\r(* x\r2))\r", "(define (f x)\n  (* x\n     2))"),
        ('"a\rb"\r', '"a\nb"'),
        ("'\ra\r", "'\na"),
        ("#| (\r|# 1\r", "#| (\n|# 1"),
        ("(car ; (\r'(1))\r", "(car ; (\n  '(1))"),
        ("(f]\r", "(f]"),
        (",doc (\r", ",doc ("),
        (",time (f\r1)\r", ",time (f\n        1)"),
    ],
)
def test_enter_ends_an_input_that_is_whole_and_indents_one_that_is_not(
    keyboard: PipeInput, session: Session, keys: str, text: str
) -> None:
    assert typed(keyboard, session, keys) == text


def test_ctrl_d_leaves_and_ctrl_c_gives_the_line_up(keyboard: PipeInput, session: Session) -> None:
    with pytest.raises(EOFError):
        typed(keyboard, session, "\x04")
    with pytest.raises(KeyboardInterrupt):
        typed(keyboard, session, "(car\x03")


def test_a_completion_comes_with_what_is_said_of_it(session: Session) -> None:
    submit(session, Input('(define (mine-own x) "All mine. Yes." x)'))

    def offered(before: str) -> dict[str, tuple[int, str]]:
        found = Names(session).get_completions(Document(before), CompleteEvent(completion_requested=True))
        return {each.text: (each.start_position, each.display_meta_text) for each in found}

    assert offered("(mine") == {"mine-own": (-4, "All mine.")}
    start, doc = offered("(list (take-ri")["take-right"]
    assert (start, doc) == (-7, "The last n elements, or all there are; in any order.")
    assert offered(",qu") == {"quit": (-2, "Leave, as Ctrl-D does; so do ,q and ,exit.")}
    assert offered('"mine') == {}


def test_what_is_typed_is_kept_where_the_user_s_state_is(
    keyboard: PipeInput, session: Session, tmp_path: Path
) -> None:
    assert typed(keyboard, session, "(list 1\r2)\r") and typed(keyboard, session, ",quit\r")
    history = tmp_path / "state" / "lisppump" / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    again = _history(session, None)
    assert isinstance(again, Kept)
    assert list(again.load_history_strings()) == [",quit", "(list 1\n      2)"]
    named = _history(session, tmp_path / "elsewhere")
    assert list(named.load_history_strings()) == [] and (tmp_path / "elsewhere").exists()


def test_a_conversation(
    keyboard: PipeInput, session: Session, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    session.settings.out = sys.stdout
    keys = "(define (f x)\r(* 2 x))\r(f 4)\r(car 5)\r,source f\r,time (f _)\r(\x03,doc f\r,quit\r"
    keyboard.send_text(keys)
    converse(session, tmp_path / "history")
    out, err = capsys.readouterr()
    assert session.ended
    shown = [line for line in out.splitlines() if "> " not in line]
    assert "#<procedure f>" in shown and "8" in shown and "16" in shown
    assert "  (* 2 x))" in shown and "(f x)    definition" in shown
    assert "error[wrong-type]: car wants a list" in err


def test_ctrl_c_just_after_enter_does_no_harm(
    keyboard: PipeInput, session: Session, capfd: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    turns = count()
    plain = Application.cancel_and_wait_for_background_tasks

    async def interrupted(self: Application[Any]) -> None:
        await plain(self)
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(next(turns)):  # of the loop, until it is closed
            await asyncio.sleep(0)

    monkeypatch.setattr(Application, "cancel_and_wait_for_background_tasks", interrupted)
    session.settings.out = sys.stdout
    before = signal.getsignal(signal.SIGINT)
    keyboard.send_text("(+ 1 2)\r" * 6 + ",quit\r")
    converse(session, tmp_path / "history")
    out, err = capfd.readouterr()
    assert out.splitlines().count("3") == 6
    assert err == "" or err.count("\n") == 1  # what the REPL greets with
    assert not caplog.records and session.ended
    assert signal.getsignal(signal.SIGINT) is before
