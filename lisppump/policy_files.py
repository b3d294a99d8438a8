"""The files of a policy: pump.lisp and what it loads, read once, kept as a bundle. It evaluates nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from lisppump.errors import LisppumpError, Source, Span, declare, suggest
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut
from lisppump.lispy.reader import read
from lisppump.policy_changes import lasting_changes

declare(
    "policy", 3,
    bad_load="A (load ...) names no file, or is not written with a bare name.",
    no_pump_form="The policy file does not end with its one (pump ...) form.",
    not_text="A policy file is no UTF-8 text.",
)  # fmt: skip

MAIN = "pump.lisp"  # the bundle's name of the policy file, whatever the file is called
OWN = "lisp_lib"
BUILTIN = "lisppump/lisp_lib"
_BARE = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Texts(Protocol):
    """Where texts come from: a folder, or the bundle of a journal."""

    @property
    def title(self) -> str:
        """What messages call the policy file."""
        ...

    def main(self) -> str:
        """The text of the policy file."""
        ...

    def library(self, name: str) -> tuple[str, str] | None:
        """The bundle's name and the text of a library file."""
        ...

    def libraries(self) -> list[str]:
        """The bare names of all library files."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """The policy file at `path`; library files are looked up beside it, then among the built-in ones."""

    path: Path

    @property
    def title(self) -> str:
        """What messages call the policy file."""
        return self.path.name

    def main(self) -> str:
        """The text of the policy file."""
        try:
            return _decoded(self.path.read_bytes(), self.title)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise LisppumpError(
                "no-simulation",
                f"there is no file {self.title} in {self.path.parent}",
                help="name another with --pump",
            ) from None

    def library(self, name: str) -> tuple[str, str] | None:
        """The bundle's name and the text of a library file."""
        own = self.path.parent / OWN / f"{name}.lisp"
        if own.is_file():
            key = f"{OWN}/{name}.lisp"
            return key, _decoded(own.read_bytes(), key)
        builtin = files("lisppump.lisp_lib").joinpath(f"{name}.lisp")
        if builtin.is_file():
            key = f"{BUILTIN}/{name}.lisp"
            return key, _decoded(builtin.read_bytes(), key)
        return None

    def libraries(self) -> list[str]:
        """The bare names of all library files."""
        found = {entry.name for entry in files("lisppump.lisp_lib").iterdir()}
        own = self.path.parent / OWN
        if own.is_dir():
            found |= {entry.name for entry in own.iterdir()}
        return sorted(name.removesuffix(".lisp") for name in found if name.endswith(".lisp"))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The texts of a policy that was loaded before."""

    texts: Mapping[str, str]
    title: str = MAIN

    def main(self) -> str:
        """The text of the policy file."""
        return self.texts[MAIN]

    def library(self, name: str) -> tuple[str, str] | None:
        """The bundle's name and the text of a library file."""
        for folder in (OWN, BUILTIN):
            key = f"{folder}/{name}.lisp"
            if key in self.texts:
                return key, self.texts[key]
        return None

    def libraries(self) -> list[str]:
        """The bare names of all library files."""
        names = (key.rpartition("/")[2] for key in self.texts if key != MAIN)
        return sorted(name.removesuffix(".lisp") for name in names)


@dataclass(slots=True)
class Program:
    """What the files hold: definitions in the order in which they run, the pump form, and the errors so far.

    `complete` is False when a file could not be read, so that names may be missing for no fault of their own.
    """

    source: Source
    definitions: list[Node] = field(default_factory=list)
    pump: Node | None = None
    bundle: dict[str, str] = field(default_factory=dict)
    errors: list[LisppumpError] = field(default_factory=list)
    complete: bool = True


def read_program(texts: Texts) -> Program:
    """Read the policy file and everything that it loads."""
    text = texts.main()
    program = Program(Source(texts.title, text))
    program.bundle[MAIN] = text
    forms = _read(program, text, texts.title)
    pumps = [form for form in forms if form.head == "pump"]
    for form in forms:
        if form.head != "pump":
            _take(program, form, texts)
    changes = lasting_changes([*program.definitions, *pumps])
    if changes:
        program.errors.extend(changes)
        program.complete = False
    if not program.complete and not forms:
        return program
    if pumps and forms[-1] is pumps[-1]:
        program.pump = pumps[-1]
    for form in pumps:
        if form is not program.pump:
            message = (
                "there is more than one (pump ...) form"
                if program.pump
                else "(pump ...) is not the last form"
            )
            place = form.items[0].span
            program.errors.append(
                LisppumpError("no-pump-form", message, span=place, help="keep one, at the end of the file")
            )
    if not pumps:
        program.errors.append(_no_pump(program, forms))
    return program


def differs(bundle: Mapping[str, str], texts: Texts) -> bool:
    """True when a bundle would not be what is read now: the same texts load the same texts."""
    try:
        libraries = ((key, texts.library(Path(key).stem)) for key in bundle if key != MAIN)
        return texts.main() != bundle[MAIN] or any(now != (key, bundle[key]) for key, now in libraries)
    except LisppumpError:
        return True


def _no_pump(program: Program, forms: list[Node]) -> LisppumpError:
    near = next((form for form in reversed(forms) if suggest(form.head or "", ["pump"])), None)
    if near is not None:
        program.definitions.remove(near)  # it defines nothing, and was said to be wrong
        return LisppumpError(
            "no-pump-form",
            f"the last form should be (pump ...), got ({near.head} ...)",
            span=near.items[0].span,
            help="did you mean `pump`?",
        )
    end = forms[-1].span if forms else Span(program.source, 0, 0)
    return LisppumpError(
        "no-pump-form",
        "the file should end with a (pump ...) form"
        + (", this is its last one" if forms else ", it holds none"),
        span=Span(end.source, end.start, min(end.end, end.start + 1)),
        help='add (pump (name world) (agents "agents.json" agents) (pipe ...) (delta ...))',
    )


def _read(program: Program, text: str, name: str) -> list[Node]:
    try:
        return read(text, name)
    except LisppumpError as error:
        program.errors.append(error)
        program.complete = False
        return []


def _take(program: Program, form: Node, texts: Texts) -> None:
    """Add a top-level form, or the forms of the file that it loads."""
    if form.head == "load":
        _load(program, form, texts)
    else:
        program.definitions.append(form)


def _load(program: Program, form: Node, texts: Texts) -> None:
    what = form.items[1] if len(form.items) == 2 else None
    name = what.name or (what.value if what.kind == "string" else None) if what is not None else None
    if what is None or not isinstance(name, str) or not _BARE.fullmatch(name):
        bad = what or form
        program.errors.append(
            LisppumpError(
                "bad-load",
                f"load wants one bare name of a file in lisp_lib, got {cut(bad.text)}",
                span=bad.span,
                help="write (load dam) for lisp_lib/dam.lisp",
            )
        )
        program.complete = False
        return
    try:
        found = texts.library(name)
    except LisppumpError as error:
        program.errors.append(error.located(what.span))
        program.complete = False
        return
    if found is None:
        known = texts.libraries()
        near = suggest(name, known)
        program.errors.append(
            LisppumpError(
                "bad-load",
                f"there is no lisp_lib/{name}.lisp, neither beside this file nor built in",
                span=what.span,
                help=f"did you mean `{near}`?" if near else f"known: {', '.join(known)}" if known else None,
            )
        )
        program.complete = False
        return
    key, text = found
    if key in program.bundle:  # loaded before, or being loaded
        return
    program.bundle[key] = text
    for inner in _read(program, text, key):
        _take(program, inner, texts)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise LisppumpError(
            "not-text",
            f"{name} should be UTF-8 text, byte {error.start + 1} is not",
            help="save it as UTF-8",
        ) from None
