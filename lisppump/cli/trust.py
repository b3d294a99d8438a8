"""`lisppump trust`: the user's yes to the Python in a folder's plugins/. It runs and imports none of it."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click

from lisppump import dropins, trust
from lisppump.cli.context import Settings, as_command, table
from lisppump.dropins import Dropins
from lisppump.errors import LisppumpError, legible
from lisppump.folder import find_root


@as_command("trust")
@click.option("--yes", is_flag=True, help="Answer the question: you have read the files.")
@click.option("--list", "listing", is_flag=True, help="Every folder that is trusted.")
@click.option("--remove", is_flag=True, help="Trust this folder no more.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
def command(settings: Settings, yes: bool, listing: bool, remove: bool, dry_run: bool) -> int | None:
    """Let the Python in this folder's plugins/ run, as it is now. If a file of it changes, it asks again."""
    if yes + listing + remove > 1:
        raise click.UsageError("--yes, --list and --remove exclude each other", click.get_current_context())
    if listing:
        _list(settings)
    elif remove:
        _remove(settings, dry_run)
    else:
        return _trust(settings, yes, dry_run)
    return None


def _trust(settings: Settings, yes: bool, dry_run: bool) -> int:
    root = settings.root() or find_root(settings.dir)
    found = dropins.look(root)
    before = trust.trusted().get(str(root))
    tell = partial(_tell, settings, root, found, before=before, dry_run=dry_run)
    if found is None:
        tell("has no plugins of its own; there is nothing to trust")
        return 0
    if before == found.digest:
        tell("is trusted already, with just these files in plugins/", trusted=True)
        return 0
    _show(settings, root, found, before, aloud=not (yes or dry_run))
    if dry_run:
        tell("would be trusted")
        return 0
    way = "read the files, then say it with `lisppump trust --yes`"
    if not settings.agree(_question(root), yes, help=way):
        tell("is not trusted; nothing was changed")
        return 1
    # What is trusted is what was shown; files that have changed since then will ask again.
    trust.trust(root, found.digest)
    tell("is trusted, with these files in plugins/", trusted=True)
    return 0


def ask_first(settings: Settings) -> None:
    """Before a run: where somebody is there to answer, ask for a folder that is not trusted as it is now.

    Where nobody is, its plugins do not run, and whoever needs them says why.
    """
    root = settings.root()
    silent = settings.json or settings.quiet or not sys.stderr.isatty()
    if root is None or silent or not settings.asks():
        return
    try:
        found = dropins.look(root)
        if found is None or trust.is_trusted(root, found.digest):
            return
        before = trust.trusted().get(str(root))
    except LisppumpError:
        return  # the registry tells of it, with all else that is broken
    _show(settings, root, found, before, aloud=True)
    if settings.agree(_question(root)):
        trust.trust(root, found.digest)


def _question(root: Path) -> str:
    return f"let the Python of {legible(root)} run, with all your rights?"


def _show(settings: Settings, root: Path, found: Dropins, before: str | None, *, aloud: bool) -> None:
    """What the question is about; -q silences it where nobody is asked."""
    write = settings.say if aloud else settings.note
    write(f"{legible(root / dropins.FOLDER)} holds Python that lisppump would run:")
    width = max(len(f"{len(data):,}") for data in found.files.values())
    rows = [(legible(file), f"{len(data):{width},} bytes") for file, data in found.files.items()]
    for line in table(rows, indent="  "):
        write(line)
    if before is not None:
        write("The folder was trusted before, with other content.")


def _tell(
    settings: Settings,
    root: Path,
    found: Dropins | None,
    sentence: str,
    *,
    before: str | None,
    dry_run: bool,
    trusted: bool = False,
) -> None:
    """What became of one folder."""
    if not settings.json:
        settings.print(f"{legible(root)} {sentence}")
        return
    files = {} if found is None else found.files
    settings.document(
        {
            "schema": "lisppump/trust@1",
            "folder": _text(root),
            "trusted": trusted,
            "digest": None if found is None else found.digest,
            "before": before,
            "files": [{"file": _text(file), "bytes": len(data)} for file, data in files.items()],
            "dry_run": dry_run,
        }
    )


def _list(settings: Settings) -> None:
    folders = sorted(trust.trusted().items())
    if settings.json:
        entries = [{"folder": name, "digest": kept, "stale": _stale(name, kept)} for name, kept in folders]
        settings.document({"schema": "lisppump/trusted@1", "folders": entries})
        return
    for folder, digest in folders:
        stale = _stale(folder, digest)
        settings.print(legible(folder) + (f"  ({stale})" if stale else ""))
    if not folders:
        settings.note("no folder is trusted")


def _stale(folder: str, digest: str) -> str | None:
    """Why a folder's trust stands for nothing now; None where its plugins run."""
    if not os.path.isdir(folder):
        return "gone"
    try:
        found = dropins.look(Path(folder))
    except LisppumpError as error:
        return error.message
    if found is None:
        return "has no plugins now"
    return None if found.digest == digest else "changed since"


def _remove(settings: Settings, dry_run: bool) -> None:
    root = Path(os.path.realpath(settings.dir))
    if str(root) not in trust.trusted():  # a folder that was trusted may be gone, or a world no more
        root = settings.root() or find_root(settings.dir)
    before = trust.trusted().get(str(root))
    if not dry_run:
        trust.distrust(root)
    no_more = "would be trusted no more" if dry_run else "is trusted no more"
    sentence = "was not trusted" if before is None else no_more
    stays = dry_run and before is not None
    _tell(settings, root, None, sentence, before=before, trusted=stays, dry_run=dry_run)


def _text(name: str | Path) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
