"""`lisppump fmt`: LisPy files re-indented in place. How lines are laid out is the formatter's affair."""

from __future__ import annotations

import difflib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from lisppump.cli.context import Settings, as_command, incoming
from lisppump.cli.eval import decoded
from lisppump.errors import ErrorList, LisppumpError

STDIN = "<stdin>"
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Text:
    """A text before and after; `path` is None of what came in on stdin."""

    name: str
    path: Path | None
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether it was not laid out so already."""
        return self.before != self.after


@as_command("fmt")
@click.argument(
    "files", nargs=-1, metavar="[FILE]...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def command(settings: Settings, files: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Re-indent each FILE; where none is given, pump.lisp and what lies in its lisp_lib.

    Only the beginnings of lines change, and blanks at their ends go; strings, comments and the lines
    themselves stay. Prints the names of the files that were not laid out so. With `-` it is a filter, from
    stdin to stdout. If a file does not read, nothing is written.
    """
    texts = _formatted(dict.fromkeys(files) if files else _of_the_world(settings))
    changed = [text for text in texts if text.changed]
    writes = not (check or diff)
    if writes:
        for text in changed:
            if text.path is not None:
                _replace(text.path, text.name, text.after)
    if settings.json:
        _document(settings, texts, writes, diff)
    elif diff:
        for text in changed:
            for line in _diff(text):
                settings.print(line, fg=_STYLES.get(line[:1]))
    else:
        _names(settings, texts, writes)
    return 1 if check and changed else 0


def _of_the_world(settings: Settings) -> list[Path]:
    """The files of the policy that are the world's own."""
    from lisppump.folder import find_root

    main = settings.pump or find_root(settings.dir) / "pump.lisp"
    return [main, *sorted((main.parent / "lisp_lib").glob("*.lisp"))]


def _formatted(paths: dict[Path, None] | list[Path]) -> list[Text]:
    """All of the files; every mistake that is in the way is an error, all at once."""
    from lisppump.lispy.formatter import reindent

    texts: list[Text] = []
    errors: list[LisppumpError] = []
    for path in paths:
        is_file = str(path) != "-"
        name = _shown(path) if is_file else STDIN
        try:
            if is_file and path.exists() and not path.is_file():
                what = f"{name} is no regular file"
                raise LisppumpError("no-access", what, help="give it on stdin, as `-`")
            before = decoded(path.read_bytes() if is_file else incoming().read(), name)
            texts.append(Text(name, path if is_file else None, before, reindent(before, name)))
        except LisppumpError as error:
            errors.append(error)
    if errors:
        raise ErrorList(errors) if len(errors) > 1 else errors[0]
    return texts


def _shown(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _replace(path: Path, name: str, text: str) -> None:
    """Put a new text in place of a file's, whole or not at all; its mode stays, and a link stays a link."""
    from lisppump.disk import Disk, replace

    target = os.path.realpath(path)
    temporary = ""
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{path.name}.")
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)
        replace(Disk(), temporary, target, text.encode(), sync=True)
        temporary = ""
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise LisppumpError("no-access", f"{name} cannot be written: {reason}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _names(settings: Settings, texts: list[Text], writes: bool) -> None:
    """The names of what changes; of stdin the new text itself."""
    for text in texts:
        if text.path is None and writes:
            settings.raw(text.after.encode())
        elif text.changed:
            settings.print(text.name)


def _document(settings: Settings, texts: list[Text], writes: bool, diff: bool) -> None:
    files = [
        {
            "file": text.name,
            "changed": text.changed,
            "text": text.after if text.path is None else None,
            "diff": "".join(f"{line}\n" for line in _diff(text)) if diff else None,
        }
        for text in texts
    ]
    settings.document({"schema": "lisppump/fmt@1", "written": writes, "files": files})


def _diff(text: Text) -> Iterator[str]:
    """What changes in a text, as `patch` reads it."""
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", version) for version in (text.before, text.after))
    for line in difflib.unified_diff(before, after, text.name, text.name):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
