"""`lisppump plugins new`: writes a distribution with a plugin that works and its tests. It runs nothing."""

from __future__ import annotations

import keyword
import os
import re
import shlex
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from lisppump import __version__
from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError, legible

LONGEST = 60  # letters of a name; a folder and a module are called after it


@dataclass(frozen=True, slots=True)
class Skeleton:
    """One kind of thing to write: what it is in a sentence, and how a world comes to use it."""

    what: str
    use: str


SKELETONS = {
    "dam": Skeleton("the dam `no-name`", '`(dam (no-name (by "trade")))` in pump.lisp chooses it.'),
    "backend": Skeleton(
        "the backend `no-name`", '`(pipe (no-name (words "good day")))` in pump.lisp chooses it.'
    ),
    "merger": Skeleton("the merger `no-name`", "`(merger (no-name (at-most 3)))` in pump.lisp chooses it."),
    "echo": Skeleton("the echo `no-name`", "`(echoes (no-name (busy 10)))` in pump.lisp chooses it."),
    "executor": Skeleton(
        "the executor `no-name`", "`(executor (no-name (first highest)))` in pump.lisp chooses it."
    ),
    "reservoir": Skeleton("the reservoir `no-name`", "`(reservoir no-name)` in pump.lisp chooses it."),
    "builtin": Skeleton(
        "the LisPy builtin `no-name`", '`(no-name "a text")` can be written in pump.lisp and in programs.'
    ),
    "command": Skeleton("the command `lisppump no-name`", "`lisppump no-name` tells about a world."),
    "hook": Skeleton(
        "hooks called `no-name`",
        "Its hooks act in every world here; `(plugins (without lisppump-no-name))` says no to them.",
    ),
}


@as_command("new")
@click.argument("name")
@click.option(
    "--dir", "folder", metavar="DIR", default=".", help="Write lisppump-NAME/ into DIR.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", default=("dam",), type=click.Choice([*SKELETONS]),
    help=f"What it offers: {', '.join(SKELETONS)}. May be given again; without it, a dam.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def new_command(
    settings: Settings, name: str, folder: Path, kinds: tuple[str, ...], dry_run: bool
) -> None:
    """Write lisppump-NAME/: a distribution of your own, which works and has tests. It never overwrites."""
    kinds = tuple(dict.fromkeys(kinds))
    check_name(name, kinds)
    target = Path(os.path.abspath(settings.dir / folder)) / f"lisppump-{name}"
    files = skeleton(name, kinds)
    refuse_if_taken(target)
    if not dry_run:
        write(target, files)
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/plugins-new@1",
                "dry_run": dry_run,
                "folder": legible(target),
                "kinds": list(kinds),
                "files": sorted(files),
            }
        )
        return
    settings.print(f"{legible(target)} {'would be written' if dry_run else 'is written'}:")
    for file in sorted(files):
        settings.print(f"  {file}")
    if not dry_run:
        place = os.path.relpath(target)
        place = shlex.quote(place if place.startswith(".") else f"./{place}")
        settings.note(f"next: python -m pytest {place}")
        settings.note(f"      lisppump plugins add -e {place}    in the folder of a world")
        settings.note(f"      lisppump plugins why {name}    what does it offer?")


def check_name(name: str, kinds: tuple[str, ...]) -> None:
    """Refuse a name that no index, module, shell or pump.lisp would take, or that lisppump has itself."""

    def refuse(sentence: str, help: str) -> LisppumpError:
        message = f"a plugin cannot be called `{legible(name)}`: {sentence}"
        return LisppumpError("bad-usage", message, help=help)

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        rule = "a name is small letters, digits and single hyphens, a letter first"
        raise refuse(rule, f"`{better}` would do" if better else "`tides` would do")
    if name == "lisppump" or name.startswith("lisppump-"):
        rest = name.removeprefix("lisppump").strip("-")
        raise refuse("lisppump- is put before it anyway", f"say `{rest or 'tides'}`")
    if len(name) > LONGEST:
        raise refuse(f"it has {len(name)} letters", f"at most {LONGEST} are taken")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise refuse("it is a word of Python", f"`my-{name}` would do")
    for kind in kinds:
        if name in _taken(kind):
            raise refuse(f"lisppump has a {kind} of that name", f"`my-{name}` would do")


def _taken(kind: str) -> list[str]:
    """Names of that kind that are built in."""
    if kind == "command":
        from lisppump.cli import COMMANDS

        return [*COMMANDS]
    if kind == "builtin":
        from lisppump.lispy.builtins import load
        from lisppump.lispy.forms import FORMS

        return [*load(), *FORMS]
    if kind == "hook":
        return []
    from lisppump.registry import Registry

    return Registry().names(kind)


def skeleton(name: str, kinds: tuple[str, ...]) -> dict[str, str]:
    """The text of every file, by its path in the distribution.

    One kind makes a module, several a package with a module each. The templates are a plugin that is called
    `no-name`; what is written is the same with the name in its place, in all three spellings of it.
    """
    word = name.replace("-", "_")
    package = f"lisppump_{word}"
    files, entries = {}, []
    for kind in kinds:
        alone = len(kinds) == 1
        module = package if alone else f"{package}.{kind}"
        files[f"{module.replace('.', '/')}.py"] = _template(f"{kind}.py")
        test = _template(f"{kind}_test.py").replace("lisppump_no_name", module)
        files[f"tests/test_{word}.py" if alone else f"tests/test_{word}_{kind}.py"] = test
        entries.append(f'{name if alone else f"{name}-{kind}"} = "{module}"')
    if len(kinds) > 1:
        files[f"{package}/__init__.py"] = '"""The plugin `no-name`: a module for each thing it offers."""\n'
    marks = {
        "@SUMMARY@": "A plugin for lisppump: " + ", ".join(SKELETONS[kind].what for kind in kinds),
        "@USE@": "\n\n".join(SKELETONS[kind].use for kind in kinds),
        "@VERSION@": __version__,
        "@ENTRY_POINTS@": "\n".join(entries),
        "@FILES@": f'py-modules = ["{package}"]' if len(kinds) == 1 else f'packages = ["{package}"]',
    }
    for file in ("pyproject.toml", "README.md"):
        files[file] = _template(file)
    files[".gitignore"] = _template("gitignore")
    spellings = {"no-name": name, "no_name": word, "NoName": "".join(map(str.title, name.split("-")))}
    return {file: _filled(_filled(text, marks), spellings) for file, text in files.items()}


def _template(name: str) -> str:
    return resources.files("lisppump.cli").joinpath("skeleton", f"{name}.in").read_text(encoding="utf-8")


def _filled(text: str, values: dict[str, str]) -> str:
    """The text with every mark's value in its place; values are not looked at again."""
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], text)


def refuse_if_taken(target: Path) -> None:
    """Something is there already, though it may be an empty folder."""
    if not target.parent.is_dir():
        raise LisppumpError("no-access", f"there is no folder {legible(target.parent)}", help="make it first")
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise LisppumpError(
            "folder-not-empty",
            f"{legible(target)} is there already",
            help="take another name, or another place with --dir; nothing was written",
        )


def write(target: Path, files: dict[str, str]) -> None:
    """Write the files beside their place, then move them in at once; a failure leaves nothing."""
    try:
        _write(target, files)
    except OSError as error:
        reason = (error.strerror or "the system did not say why").lower()
        message = f"{legible(target)} cannot be written: {reason}; nothing of it is there"
        way = "make room, or take another place with --dir"
        raise LisppumpError("no-access", message, help=way) from error


def _write(target: Path, files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix=".lisppump-", dir=target.parent) as scratch:
        folder = Path(scratch) / target.name
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        try:
            folder.rename(target)  # over an empty folder at most: the system refuses all else
        except OSError:
            refuse_if_taken(target)
            raise
