"""`lisppump init`: makes a folder that is a world. It writes all of it or nothing, and over nothing."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError, suggest

DEFAULT = "pair"
FOLDERS = {
    ".gitignore": "/.lisppump/\n",
    "plugins/.gitignore": "# Stages of your own, in Python: dams, backends, mergers, echoes.\n__pycache__/\n",
    "lisp_lib/.gitignore": "# LisPy of your own: (load name) in pump.lisp reads lisp_lib/name.lisp.\n",
    "state/.gitignore": "# The world's documents; the first frame makes them.\n*\n!.gitignore\n",
}


def _begins(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in examples() if name.startswith(incomplete)]


@as_command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--example", metavar="NAME", shell_complete=_begins,
    help="Begin with an example: pair (the default), colony, agora.",
)  # fmt: skip
@click.option(
    "--state", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER",
    help="Begin with a copy of this folder's documents as frame 0.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say whether it can be done.")
def command(
    settings: Settings, folder: Path | None, example: str | None, state: Path | None, dry_run: bool
) -> None:
    """Make DIR (or this folder) a world: pump.lisp, plugins/, lisp_lib/ and state/. It never overwrites."""
    name = example or DEFAULT
    text = example_text(name)
    target = (settings.dir / (folder or "")).resolve()
    documents, skipped = found(state, target) if state is not None else ([], 0)
    if dry_run:
        _refuse_if_taken(target)
    else:
        make(target, text, state, documents)
    if skipped:
        settings.note(f"{skipped} entries of {state} are no regular files and were left out")
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/init@1",
                "folder": os.fsencode(target).decode("utf-8", "replace"),
                "example": name,
                "documents": len(documents),
                "dry_run": dry_run,
            }
        )
        return
    beginning = f" with {len(documents)} documents" if documents else ""
    if dry_run:
        settings.print(f"{target} would be the world `{name}`{beginning}")
        return
    settings.print(f"{target} is now the world `{name}`{beginning}")
    place = "" if target == Path.cwd() else f" -C {settings.dir / (folder or '')}"
    settings.note(f"next: lisppump{place} plan    what would its first frame do?")
    settings.note(f"      lisppump{place} run --frames 10")


def examples() -> list[str]:
    """The names of the worlds that come with the package."""
    files = resources.files("lisppump.lisp_lib").iterdir()
    names = (file.name for file in files)
    return sorted(name[6:-5] for name in names if name.startswith("world_") and name.endswith(".lisp"))


def example_text(name: str) -> bytes:
    """The pump.lisp of an example."""
    known = examples()
    if name not in known:
        near = suggest(name, known)
        raise LisppumpError(
            "bad-usage",
            f"there is no example `{name}`",
            help=f"did you mean `{near}`?" if near else f"examples: {', '.join(known)}",
        )
    return resources.files("lisppump.lisp_lib").joinpath(f"world_{name}.lisp").read_bytes()


def found(state: Path, target: Path) -> tuple[list[Path], int]:
    """The documents of a folder, relative to it, and how many entries are no regular files."""
    source = state.resolve()
    if target == source or target.is_relative_to(source):
        raise LisppumpError(
            "bad-usage",
            f"the new world would lie in the state that it should begin with: {target}",
            help="name another DIR",
        )
    documents, skipped = [], 0
    for path, regular in _walk(source):
        if regular:
            documents.append(path.relative_to(source))
        else:
            skipped += 1
    return documents, skipped


def _walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Every file under a folder, sorted, and whether it is a regular one; links are not followed."""
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(path)
        else:
            yield path, stat.S_ISREG(mode)


def make(target: Path, policy: bytes, state: Path | None, documents: list[Path]) -> None:
    """Write the world beside its place, then move it in, pump.lisp last; a failure leaves nothing."""
    _refuse_if_taken(target)
    created = not target.exists()
    target.mkdir(parents=True, exist_ok=True)
    moved: list[Path] = []
    scratch = Path(tempfile.mkdtemp(prefix=".lisppump-", dir=target))
    try:
        _fill(scratch, policy, state, documents)
        for entry in sorted(scratch.iterdir(), key=lambda entry: entry.name == "pump.lisp"):
            entry.rename(target / entry.name)
            moved.append(target / entry.name)
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        shutil.rmtree(scratch)
        if created:
            target.rmdir()
        raise
    scratch.rmdir()


def _fill(folder: Path, policy: bytes, state: Path | None, documents: list[Path]) -> None:
    for name, text in FOLDERS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "pump.lisp").write_bytes(policy)
    for document in documents:
        assert state is not None
        path = folder / "state" / document
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(state / document, path)


def _refuse_if_taken(target: Path) -> None:
    """A folder may hold `.git` and other hidden things, but nothing that the world could be mixed up with."""
    if not target.is_dir():
        return
    ours = {name.partition("/")[0] for name in FOLDERS} | {".lisppump"}
    taken = sorted(e.name for e in target.iterdir() if not e.name.startswith(".") or e.name in ours)
    if taken:
        more = f" and {len(taken) - 10} more" if len(taken) > 10 else ""
        raise LisppumpError(
            "folder-not-empty",
            f"{target} holds files already: {', '.join(taken[:10])}{more}",
            help="name a new or an empty folder; nothing was written",
        )
