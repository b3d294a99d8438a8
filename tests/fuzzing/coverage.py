"""What libFuzzer drives: bytes that lead to parts of the language where no bytes before have been.

    python -m tests.fuzzing.coverage FOLDER [libFuzzer's options]

The first byte says how the others are read: as the text of a program, or as choices of the grammar. Only what
is imported in here is watched, so that this is a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lisppump.lispy"], enable_loader_override=False):
    import lisppump.lispy.builtins as builtins
    from tests.fuzzing.promises import broken
    from tests.fuzzing.writer import Bytes, program_of
    from tests.lispy.test_error_fuzz import programs

    builtins.load()

TEXT, GRAMMAR = b"t", b"g"


def program(data: bytes) -> str:
    """The program that bytes stand for."""
    if data[:1] == TEXT:
        return data[1:].decode("utf-8", "replace")
    return program_of(Bytes(data[1:]))


def one(data: bytes) -> None:
    """Hold the program of some bytes to the promises."""
    fault = broken(program(data))
    if fault is not None:
        raise AssertionError(fault)


def sow(folder: Path) -> None:
    """Put what is known to be worth a look into an empty corpus: the programs of the transcripts."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        for number, text in enumerate(programs()):
            (folder / f"transcript-{number:04d}").write_bytes(TEXT + text.encode("utf-8", "replace"))
        for number in range(64):
            (folder / f"grammar-{number:02d}").write_bytes(GRAMMAR + bytes(range(number, number + 120)))


if __name__ == "__main__":
    sow(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
