"""The backend `command`: any program that takes a prompt and prints a reply. It knows none by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request, one_text
from lisppump.delta import Usage
from lisppump.stages import Finding, Option
from lisppump.subprocesses import Program, at_once, environment, folder, put, remove

from .asking import TEXT, found, looked_at, ran, text_of

FILE = "{prompt-file}"
MOST = 8 << 20
UNKNOWN = Usage(dollars=None)  # what a program used that nobody has said anything of


class Command:
    """Runs a program for each call: the prompt is its standard input, what it prints is the reply.

    It runs in an empty folder of its own, which is removed afterwards, with PATH, HOME, the locale, proxies
    and the variables that `environment` names. Where a word of the command holds {prompt-file}, the prompt is
    in that file and nothing on standard input. When the call ends, all that the program started has ended.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "words", "value", 'The program and its arguments: "llm" "-m" "SmolLM2".', many=True,
            positional=True, type="string",
        ),
        Option("assume", "assume", "What one call counts as: the program does not say it.", default=None),
        Option(
            "silence", "value", "It is ended when it has printed nothing for so long.", default=None,
            unit="seconds", type="positive-number",
        ),
        Option(
            "output", "value", "The most that it may print; one that prints more is ended.", default=MOST,
            unit="bytes", type="positive",
        ),
        Option("at-once", "value", "The most that run side by side.", default=None, type="positive"),
        Option(
            "environment", "value", "Names of further variables that it gets, such as a key's.", default=(),
            many=True, type="string",
        ),
    )  # fmt: skip
    mends: ClassVar[bool] = True
    reports: ClassVar[bool] = False

    def __init__(
        self,
        words: tuple[str, ...],
        assume: Usage | None = None,
        silence: float | None = None,
        output: int = MOST,
        at_once: int | None = None,
        environment: tuple[str, ...] = (),
    ) -> None:
        self._words = words
        self._silence = silence
        self._most = output
        self._names = environment
        self._wish = at_once
        self.assumed = assume
        self.max_tokens = None if assume is None else assume.output

    @property
    def at_once(self) -> int:
        """As many as there are file descriptors for, or as (at-once n) says."""
        return at_once(self._wish)

    async def pour(self, request: Request) -> Reply:
        """What the program prints."""
        file = found(self._words[0], self._install())
        place = folder()
        try:
            program = self._program(file, place, one_text(request))
        except BaseException:
            remove(place)
            raise
        used = self.assumed or UNKNOWN
        ended = await ran(program, used)
        name = os.path.basename(self._words[0])
        if not ended.output.strip():
            said = f": {ended.errors}" if ended.errors else " and said nothing about it"
            raise BackendError(Failure.UNAVAILABLE, f"`{name}` printed nothing{said}", usage=used)
        try:
            return Reply(ended.output.decode(), usage=used)
        except UnicodeDecodeError as error:
            what = f"`{name}` printed no UTF-8 text: byte {error.start} is {ended.output[error.start]:#x}"
            raise BackendError(
                Failure.INVALID, what, usage=used, text=text_of(ended.output[:TEXT])
            ) from None

    def _program(self, file: str, place: str, prompt: str) -> Program:
        words, stdin = [file, *self._words[1:]], prompt.encode("utf-8", "backslashreplace")
        if any(FILE in word for word in words[1:]):
            path = os.path.join(place, "prompt.txt")
            put(path, prompt)
            words, stdin = [words[0], *(word.replace(FILE, path) for word in words[1:])], b""
        return Program(
            tuple(words), environment(self._names), place, stdin, place, self._most, self._silence
        )

    def _install(self) -> str:
        return f"install it, or name another program in (command \"{self._words[0]}\" ...)"

    def findings(self) -> Iterator[Finding]:
        """Whether the program is there, and the variables that it is to get."""
        yield from looked_at(self._words[0], self._install())
        for name in self._names:
            if not os.environ.get(name):
                yield Finding("warning", f"{name} is not set", f"export {name}, or name it no more")
        if self.assumed is None:
            what = "what a call costs is not declared"
            yield Finding("warning", what, "(assume (tokens n) (dollars d)): a token budget needs it")


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `command`."""
    return {"command": Command}
