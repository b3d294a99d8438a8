"""`lisppump plugins add`, `remove` and `sync`: plugins come, go, and stand in plugins.lock. None is run."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lisppump import lockfile
from lisppump.cli import installer
from lisppump.cli.context import Settings, as_command, plugins_of, table
from lisppump.cli.installer import Installed
from lisppump.errors import LisppumpError, declare, legible, suggest
from lisppump.folder import find_root
from lisppump.lockfile import Difference, Entry
from lisppump.plugin import canonical_name

ARCHIVES = (".whl", ".tar.gz", ".zip")

declare("plugin", 1, not_a_plugin="A distribution is no plugin of lisppump, or no plugin is called so.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a REQUIREMENT means: a distribution by name, or what lies at a path (its name is found out)."""

    text: str
    name: str | None = None
    path: Path | None = None

    def words(self, editable: bool) -> list[str]:
        """It, as an installer takes it; an address says a path without any letter that has a meaning."""
        return [*(["-e"] if editable else []), self.text if self.path is None else self.path.as_uri()]


# -- add


@as_command("add")
@click.argument("requirement", nargs=-1, required=True)
@click.option("-e", "--editable", is_flag=True, help="Use a project's folder where it lies.")
@click.option("--dry-run", is_flag=True, help="Only say what would be installed.")
def add_command(
    settings: Settings, requirement: tuple[str, ...], editable: bool, dry_run: bool
) -> None:
    """Install plugins and write them into plugins.lock.

    REQUIREMENT is a name with or without a version (`lisppump-tides>=1`), or the path of a wheel, an sdist or
    a project's folder.
    """
    wanted = [meant(text, editable) for text in requirement]
    root = world(settings)
    if dry_run:
        came = []
    else:
        with locked(settings, root) as entries:
            came = _install(settings, wanted, editable)
            if root is not None:
                new = {entry.name: lock_entry(root, entry) for entry in came}
                lockfile.write(root, {**entries, **new}.values())
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/plugins-add@1",
                "dry_run": dry_run,
                "lock": _lock_name(root),
                "requirements": [legible(each.text) for each in wanted],
                "installed": [_shown(entry) for entry in came],
            }
        )
        return
    if dry_run:
        what = ", ".join(each.text for each in wanted)
        settings.print(f"would install {what}" + (f" and write {_lock_name(root)}" if root else ""))
        return
    for entry in came:
        settings.print(f"{entry.name} {entry.version} is installed{_from(entry)}: {', '.join(entry.plugins)}")
    if root is None:
        settings.note(f"there is no simulation here, so no {lockfile.NAME}: only the environment has it")
    else:
        settings.note(f"written into {_lock_name(root)}")
    settings.note(f"next: lisppump plugins why {came[0].plugins[0]}    what does it offer?")


def _install(settings: Settings, wanted: Sequence[Wanted], editable: bool) -> list[Installed]:
    """Install what is wanted; the plugins that came, those that came along among them."""
    before = installer.look()
    words = [word for each in wanted for word in each.words(editable)]
    installer.install(settings, words, ", ".join(each.text for each in wanted))
    for each in wanted:
        again = _same_wheel(each, before)
        if again:
            words = ["--force-reinstall", "--no-deps", again]
            installer.install(settings, words, f"{each.text} anew, since that version was there")
    after = installer.look()
    came = [_found(each, after) for each in wanted]
    _refuse_others(came)
    # What another one needs may bring stages as well, which pump.lisp can choose.
    along = [entry for name, entry in after.items() if entry.plugins and before.get(name) != entry]
    return list({entry.name: entry for entry in [*came, *along]}.values())


def _same_wheel(wanted: Wanted, before: Mapping[str, Installed]) -> str | None:
    """The address of a wheel whose version was there before: pip would leave what is there."""
    name, version = _of_wheel(wanted.path)
    there = before.get(name)
    if wanted.path is None or there is None or not lockfile.same_version(there.version, version):
        return None
    return wanted.path.as_uri()


def _of_wheel(path: Path | None) -> tuple[str, str]:
    """Name and version that a wheel's file name says; empty for anything else."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, *_ = parse_wheel_filename(path.name if path else "")
    except InvalidWheelFilename:
        return "", ""
    return str(name), str(version)


def _found(wanted: Wanted, after: Mapping[str, Installed]) -> Installed:
    """The distribution that came, by its metadata."""
    if wanted.path is None:
        found = after.get(wanted.name or "")
    else:
        found = next((entry for entry in after.values() if entry.path == wanted.path), None)
        found = found or after.get(_of_wheel(wanted.path)[0])
    if found is None:
        raise LisppumpError(
            "install-failed",
            f"the installer is content, but {sys.executable} does not find what {wanted.text} is",
            help="-v shows all that the installer says",
        )
    return found


def _refuse_others(came: Sequence[Installed]) -> None:
    """What offers nothing to lisppump is no plugin; it is said what became of it."""
    others = [entry.name for entry in came if not entry.plugins]
    if others:
        raise LisppumpError(
            "not-a-plugin",
            f"{', '.join(others)} has no entry point in the group `lisppump`: it is no plugin; "
            f"it stays installed, and nothing was written into {lockfile.NAME}",
            help=f"`{shlex.join(['pip', 'uninstall', *others])}` takes it away again",
        )


# -- remove


def _removable(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers there: the distributions of plugins."""
    names = {plugin.distribution for plugin in plugins_of(ctx) if plugin.distribution}
    return sorted(name for name in names if name.startswith(incomplete))


@as_command("remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=_removable)
@click.option("--keep", is_flag=True, help="Only take it from plugins.lock; it stays installed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def remove_command(settings: Settings, names: tuple[str, ...], keep: bool, yes: bool, dry_run: bool) -> int:
    """Uninstall plugins and take them from plugins.lock. NAME is that of a distribution."""
    root = world(settings)
    with locked(settings, root) as entries:
        there = {name: entry for name, entry in installer.look().items() if entry.plugins}
        wanted = list(dict.fromkeys(_known(word, there, entries) for word in names))
        gone = [] if keep else [name for name in wanted if name in there]
        unlocked = [name for name in wanted if name in entries]
        doing = _doing(gone, unlocked)
        agree = dry_run or not gone or settings.agree(f"{doing}?", yes)
        if not agree:
            gone = unlocked = []
        elif not dry_run:
            if gone:
                installer.uninstall(settings, gone)
            if root is not None and unlocked:
                lockfile.write(root, [entry for name, entry in entries.items() if name not in unlocked])
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/plugins-remove@1",
                "dry_run": dry_run,
                "lock": _lock_name(root),
                "uninstalled": gone,
                "unlocked": unlocked,
            }
        )
    elif agree:
        settings.print(f"would {doing}" if dry_run else f"done: {doing}")
    else:
        settings.print("nothing was changed")
    return 0 if agree else 1


def _known(word: str, there: Mapping[str, Installed], entries: Mapping[str, Entry]) -> str:
    """The canonical name of a plugin's distribution that is installed or stands in the lock."""
    name = canonical_name(word)
    if name in there or name in entries:
        return name
    offering = [entry.name for entry in there.values() if word in entry.plugins]
    near = offering[0] if offering else suggest(name, [*there, *entries])
    raise LisppumpError(
        "not-a-plugin",
        f"no plugin distribution is called {legible(word)}, neither installed nor in {lockfile.NAME}",
        help=f"did you mean `{near}`?" if near else "`lisppump plugins` lists them",
    )


def _doing(gone: Sequence[str], unlocked: Sequence[str]) -> str:
    parts = [f"uninstall {', '.join(gone)}"] if gone else []
    if unlocked:
        parts.append(f"take {', '.join(unlocked)} from {lockfile.NAME}")
    return " and ".join(parts) or "nothing"


# -- sync


@as_command("sync")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be installed.")
def sync_command(settings: Settings, yes: bool, dry_run: bool) -> int:
    """Make the environment what plugins.lock says. What the lock does not name is left alone."""
    root = world(settings) or find_root(settings.dir)
    with locked(settings, root) as entries:
        before = _difference(root, entries)
        wanted = sorted([*before.missing, *dict(before.other)], key=lambda entry: entry.name)
        _refuse_absent(root, wanted)
        if wanted and not (settings.json and (yes or dry_run)):  # nobody is asked blindly
            _say_plan(settings, root, before, wanted, dry_run)
        if wanted and not dry_run:
            if settings.agree(f"install {len(wanted)} of {len(entries)} plugins?", yes):
                words = [word for entry in wanted for word in _words(root, entry)]
                what = ", ".join(f"{entry.name} {entry.version}" for entry in wanted)
                installer.install(settings, words, what)
                _say_strangers(settings, wanted)
            else:
                wanted = []
        after = _difference(root, entries)
    if settings.json:
        now = {entry.name: version for entry, version in before.other}
        differs = [*((entry, None) for entry in after.missing), *after.other]
        settings.document(
            {
                "schema": "lisppump/plugins-sync@1",
                "dry_run": dry_run,
                "lock": _lock_name(root),
                "installed": [{**entry.to_json(), "before": now.get(entry.name)} for entry in wanted],
                "differs": [{**entry.to_json(), "now": version} for entry, version in differs],
            }
        )
    elif not dry_run or not wanted:
        _say_difference(settings, root, entries, after)
    return 1 if after and not dry_run else 0


def _difference(root: Path, entries: Mapping[str, Entry]) -> Difference:
    return lockfile.compare(entries.values(), lockfile.installed(entries.values(), root))


def _say_plan(
    settings: Settings, root: Path, before: Difference, wanted: Sequence[Entry], dry_run: bool
) -> None:
    """What would be installed, in what version and from where: it is foreign code, and the user is asked."""
    now = {entry.name: version for entry, version in before.other}
    plain = {name for name, entry in installer.look().items() if not entry.plugins}
    write = settings.say if settings.json else settings.print
    write("would install:" if dry_run else "to install:")
    rows = [_row(root, entry, now.get(entry.name), entry.name in plain) for entry in wanted]
    for line in table(rows, indent="  "):
        write(line)


def _say_strangers(settings: Settings, came: Sequence[Entry]) -> None:
    """Say what a lock brought that is no plugin: somebody wrote it there by hand."""
    there = installer.look()
    for entry in came:
        if entry.name in there and not there[entry.name].plugins:
            settings.note(f"{entry.name} has no entry point in the group `lisppump`: it is no plugin")


def _row(root: Path, entry: Entry, now: str | None, plain: bool) -> list[str]:
    place = entry.path(root)
    where = "from an index" if place is None else f"from {place}" + (", used there" if entry.editable else "")
    there = f" (now {now}{', which is no plugin' if plain else ''})" if now else ""
    return [entry.name, entry.version, where + there]


def _words(root: Path, entry: Entry) -> list[str]:
    """An entry as an installer takes it: exactly this version; of a path, only if it holds this name."""
    place = entry.path(root)
    if place is None:
        return [f"{entry.name}=={entry.version}"]
    return ["-e", place.as_uri()] if entry.editable else [f"{entry.name} @ {place.as_uri()}"]


def _refuse_absent(root: Path, wanted: Sequence[Entry]) -> None:
    for entry in wanted:
        place = entry.path(root)
        if place is not None and not (place.is_dir() or place.is_file()):
            raise LisppumpError(
                "install-failed",
                f"{lockfile.NAME} says that {entry.name} {entry.version} comes from {place}, "
                "where nothing is; nothing was installed",
                help=f"put it there, or `lisppump plugins add` it from where it is now, "
                f"or `lisppump plugins remove --keep {entry.name}`",
            )


def _say_difference(
    settings: Settings, root: Path, entries: Mapping[str, Entry], after: Difference
) -> None:
    for entry in after.missing:
        settings.print(f"{entry.name} should be {entry.version}, and is not installed")
    for entry, version in after.other:
        settings.print(f"{entry.name} should be {entry.version}, and is {version}")
    if after:
        settings.note(f"`lisppump plugins add` writes what is there into {lockfile.NAME}")
    elif entries:
        many = "1 plugin" if len(entries) == 1 else f"{len(entries)} plugins"
        settings.print(f"the environment is what {lockfile.NAME} says: {many}")
    else:
        settings.print(f"{_lock_name(root)} names no plugins: nothing to do")


# -- what they share


def meant(text: str, editable: bool) -> Wanted:
    """What a REQUIREMENT means; nothing is guessed, and no option of an installer passes for one."""
    from packaging.requirements import InvalidRequirement, Requirement

    def refuse(sentence: str, help: str | None = None) -> LisppumpError:
        usual = "write a name like `lisppump-tides>=1`, or the path of a wheel, sdist or project's folder"
        return LisppumpError("bad-usage", f"{legible(text)} {sentence}", help=help or usual)

    if text.startswith("-"):
        raise refuse("is an option, no requirement")
    if "://" in text or re.search(r"@\s*file:", text):
        raise refuse(
            f"is an address, and {lockfile.NAME} keeps names, versions and paths only",
            "get it to a folder, and add that: `lisppump plugins add -e ./FOLDER`",
        )
    if text.endswith(ARCHIVES) or text.startswith(".") or os.sep in text or os.path.isfile(text):
        return _meant_path(text, editable, refuse)
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise refuse("is neither a requirement nor a path") from None
    if os.path.isfile(requirement.name):
        raise refuse("names a file here, which the installer would take", f"say ./{requirement.name}")
    if requirement.url or requirement.extras:
        raise refuse(f"has more to it than {lockfile.NAME} keeps: an address, or extras")
    if editable:
        near = f"./{text}" if Path(text).is_dir() else "./FOLDER"
        raise refuse("cannot be editable", f"-e wants the path of a project's folder, like {near}")
    return Wanted(str(requirement), canonical_name(requirement.name))


def _meant_path(text: str, editable: bool, refuse: Any) -> Wanted:
    path = Path(text).resolve()
    if path.is_dir() and any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        return Wanted(text, path=path)
    if path.is_dir():
        raise refuse("is a folder without a pyproject.toml")
    if not path.exists():
        raise refuse("does not exist")
    if not path.is_file() or not text.endswith(ARCHIVES):
        raise refuse("is neither a wheel, nor an sdist, nor a project's folder")
    if editable:
        raise refuse("cannot be editable", "-e wants the path of a project's folder")
    return Wanted(text, path=path)


def world(settings: Settings) -> Path | None:
    """The folder whose plugins.lock is meant; None outside of a simulation."""
    return settings.root() if settings.dir.is_dir() else find_root(settings.dir)


@contextmanager
def locked(settings: Settings, root: Path | None) -> Iterator[dict[str, Entry]]:
    """What the lock says, while nobody else changes it or this environment on its behalf."""
    if root is None:
        yield {}
        return
    if not os.access(root, os.W_OK):
        raise LisppumpError(
            "no-access",
            f"{root} may not be written, so {lockfile.NAME} cannot be; nothing was changed",
            help="give the user who runs lisppump the right to write there",
        )
    with lockfile.changing(root, lambda: settings.note("another `lisppump plugins` is at work: waiting")):
        yield {entry.name: entry for entry in lockfile.read(root)}


def lock_entry(root: Path, entry: Installed) -> Entry:
    """What the lock says of a distribution: a path as seen from the world where it is in it or beside it."""
    if entry.path is None:
        return Entry(entry.name, entry.version)
    source = str(entry.path)
    if entry.path.is_relative_to(root.parent):
        source = os.path.relpath(entry.path, root)
        source = f"./{source}" if source.startswith("-") else source
    return Entry(entry.name, entry.version, source, entry.editable)


def _from(entry: Installed) -> str:
    if entry.path is None:
        return ""
    return f" from {legible(entry.path)}" + (", used there" if entry.editable else "")


def _shown(entry: Installed) -> dict[str, Any]:
    return {
        "name": entry.name,
        "version": entry.version,
        "source": None if entry.path is None else legible(entry.path),
        "editable": entry.editable,
        "plugins": list(entry.plugins),
    }


def _lock_name(root: Path | None) -> str | None:
    return None if root is None else legible(root / lockfile.NAME)
