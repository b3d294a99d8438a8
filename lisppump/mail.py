"""Letters between worlds: what one world's outbox has for another goes into that by import, each letter once.

An outbox is a log that a collection fills, `outbox.jsonl` as a rule, in a folder that this world can read,
such as a checkout of git. What is done with letters is the receiver's affair: its policy says where they lie
and who may run what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump.errors import LisppumpError, declare
from lisppump.importing import take_files
from lisppump.imports_folder import MOST_BYTES, File
from lisppump.schema import kind_of

if TYPE_CHECKING:
    from lisppump.pump import Pump
    from lisppump.report import Imported

declare(
    "usage", 1,
    no_mailbox="There is no outbox of that name, or this world takes no letters.",
)  # fmt: skip

LETTERS = "letters"  # the collection that takes them
OUTBOX = "outbox.jsonl"
EVERYBODY = ("", "*", "everybody")
CLAUSE = '(letters (fields (world string) (nr integer) (from string) (data string)) (into "inbox.jsonl"))'


def take(pump: Pump, path: Path, world: str | None, *, dry_run: bool) -> Imported:
    """Take in the letters of an outbox that are for this world, as a frame of their own; each has an outcome.

    `world` is what the sender is called: by default the folder that its state lies in.
    """
    if pump.policy.schema.get(LETTERS) is None:
        help = f"put {CLAUSE} into (delta ...)"
        raise LisppumpError("no-mailbox", "this world takes no letters", help=help)
    file = _outbox(path)
    name = world or _world_of(file)
    lines = _lines(file)
    return take_files(pump, [*_files(lines, name, pump.policy.name)], dry_run=dry_run)


def _outbox(path: Path) -> Path:
    """The file: a folder may be a world's, or its state's."""
    for place in (path, path / OUTBOX, path / "state" / OUTBOX):
        if place.is_file():
            return place
    help = f"name a file, or a folder with {OUTBOX} or state/{OUTBOX} in it"
    raise LisppumpError("no-mailbox", f"there is no outbox at {path}", help=help)


def _world_of(file: Path) -> str:
    folder = file.resolve().parent
    return (folder.parent if folder.name == "state" else folder).name


def _lines(file: Path) -> list[bytes]:
    """The lines of a log; one that is not finished yet is left for the next time."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise LisppumpError("no-mailbox", f"{file} is larger than {MOST_BYTES // 2**20} MiB")
        data = file.read_bytes()
    except OSError as error:
        why = (error.strerror or "the system does not say why").lower()
        raise LisppumpError("no-mailbox", f"{file} cannot be read: {why}") from None
    return data[: data.rfind(b"\n") + 1].split(b"\n")


def _files(lines: list[bytes], world: str, own: str) -> Iterator[File]:
    """Each letter for this world as a file of its own, by its place in the log; why a line is no letter.

    What cannot be read keeps its place, so that the others are the same letters when it is mended.
    """
    written = ((place, line) for place, line in enumerate(lines, 1) if line.strip())
    for number, (place, line) in enumerate(written, 1):
        name = f"{world}/letter-{number:06d}"
        try:
            letter = _read(line, f"line {place} of its outbox")
        except LisppumpError as error:
            column = "" if error.span is None else f" (column {error.span.column})"
            yield File(name, error=f"{error.message}{column}")
            continue
        if (letter.get("to") or "") in (*EVERYBODY, own):
            yield File(name, data={"frame": number, LETTERS: [_letter(world, number, letter)]})


def _read(line: bytes, label: str) -> dict[str, Any]:
    letter = canon.loads(line, label)
    if not isinstance(letter, dict):
        raise LisppumpError("bad-json", f"{label} should be an object, but it is {kind_of(letter)}")
    return letter


def _letter(world: str, number: int, letter: Mapping[str, Any]) -> dict[str, Any]:
    """A letter as the receiver has it: whose agent wrote it is a name of another world.

    One that says nobody has no `from`: whether such a letter passes, the receiver's policy says.
    """
    rest = {key: value for key, value in letter.items() if key not in ("agent", "from", "world", "nr")}
    names = [letter[key] for key in ("agent", "from") if letter.get(key) not in (None, "")]
    return {"world": world, "nr": number, **({"from": names[0]} if names else {}), **rest}
