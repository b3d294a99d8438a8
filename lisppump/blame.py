"""Whose fault it is: what goes wrong in foreign Python code says stage or hook, plugin, place and frame."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from lisppump.clock import cancelled
from lisppump.disk import StateError, trouble
from lisppump.errors import LisppumpError, declare, place_of, said
from lisppump.stages import kept

declare("plugin", 4, stage_failed="A stage raised an error.")

MOST_FRAMES = 5


@contextmanager
def blamed(
    kind: str, name: str, plugin: str, frame: int | None = None, *, made: bool = False
) -> Iterator[None]:
    """Run a stage's own code; `frame` is the one that is being made, if one is, or that was `made`."""
    try:
        yield
    except BaseException as error:  # a stage that exits would take the whole run with it
        closed = kind == "executor" and isinstance(error, GeneratorExit)  # what it awaits for is over
        if isinstance(error, KeyboardInterrupt) or closed or cancelled(error):
            raise
        if isinstance(error, LisppumpError) and _ours(error, kind, plugin):
            if error.code == "contract" and error.help is None:
                unmade = "" if frame is None or made else f"; frame {frame} was not made"
                error.help = f"it comes from plugin {plugin}{unmade}"
            elif error.span is not None:
                error.trace += (f"{kind} `{name}`" + ("" if frame is None else f", frame {frame}"),)
            raise
        raise LisppumpError(
            "stage-failed",
            f"{kind} `{name}` of plugin {plugin} raised {said(error)} ({_where(error, frame)})",
            help=f"choose another {kind} in pump.lisp, or tell the authors of {plugin.partition(':')[0]}",
            trace=own_frames(error),
        ) from error


def _ours(error: LisppumpError, kind: str, plugin: str) -> bool:
    """True for an error that says whose it is: of a contract, of a place in pump.lisp, of the disk."""
    told = error.code == "contract" or error.span is not None
    return told or is_builtin(plugin) or (kind == "reservoir" and isinstance(error, StateError))


def is_builtin(plugin: str) -> bool:
    """True for the id of a plugin that lisppump itself brings."""
    return plugin.startswith("lisppump:")


def hook_fault(hook: str, plugin: str, switch: str, error: BaseException, frame: int | None) -> LisppumpError:
    """The error of a plugin's hook."""
    if isinstance(error, LisppumpError) and error.code == "contract":
        what = f"broke its contract: {error.message}" + ("" if frame is None else f" (frame {frame})")
    else:
        what = f"raised {said(error)} ({_where(error, frame)})"
    return LisppumpError(
        "plugin-failed",
        f"hook `{hook}` of plugin {plugin} {what}",
        help=f"leave it out with -p no:{switch}, or tell its authors",
        trace=own_frames(error),
    )


def command_fault(command: str, plugin: str, switch: str, error: BaseException) -> LisppumpError:
    """The error of a plugin's command."""
    return LisppumpError(
        "plugin-failed",
        f"the command `{command}` of plugin {plugin} raised {said(error)} ({_where(error, None)})",
        help=f"tell the authors of {switch}",
        trace=own_frames(error),
    )


def own_frames(error: BaseException) -> tuple[str, ...]:
    """Where the plugin's own code stood, innermost last: none of ours, none of the standard library."""
    found: list[str] = []
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if _foreign(code.co_filename):
            found.append(f"{code.co_name} ({code.co_filename}:{trace.tb_lineno})")
        trace = trace.tb_next
    if len(found) > MOST_FRAMES:
        found = [f"{len(found) - MOST_FRAMES} calls", *found[-MOST_FRAMES:]]
    return tuple(found)


@cache
def _foreign(file: str) -> bool:
    """True for code that somebody else wrote: a plugin's, or a library that it uses."""
    if file.startswith("<"):
        return False
    path = Path(file)
    ours = Path(__file__).parent
    paths = sysconfig.get_paths()
    standard = Path(paths["stdlib"])
    site = {Path(paths["purelib"]), Path(paths["platlib"])}
    if path.is_relative_to(ours) or {"pluggy", "click"} & set(path.parts):  # what plugins are called through
        return False
    return not path.is_relative_to(standard) or any(path.is_relative_to(folder) for folder in site)


def _where(error: BaseException, frame: int | None) -> str:
    place = place_of(error) or "place unknown"
    return place if frame is None else f"{place}, frame {frame}"


class BlamedReservoir:
    """A plugin's reservoir whose faults are named; what the disk refuses stays what it is."""

    def __init__(self, inner: Any, name: str, plugin: str) -> None:
        self._inner = inner
        self._name = name
        self._plugin = plugin

    def __getattr__(self, word: str) -> Any:
        found = getattr(self._inner, word)
        return self._blamed(word, found) if callable(found) else found

    def _blamed(self, word: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **given: Any) -> Any:
            with blamed("reservoir", self._name, self._plugin):
                try:
                    answer = method(*args, **given)
                    return kept(word, answer, whose=f"reservoir `{self._name}`")
                except OSError as error:
                    doing = f"{word} of the reservoir `{self._name}` of plugin {self._plugin}"
                    raise trouble(error, doing) from error

        return called
