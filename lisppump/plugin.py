"""A plugin as the registry knows it: what it is called, where it came from, how it is, what it offers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lisppump.errors import declare, legible

READY, BROKEN, OFF, UNTRUSTED, FOUND = "ready", "broken", "off", "untrusted", "found"
FOLDER, INSTALLED, GIVEN = "folder", "installed", "given"

declare(
    "plugin", 4,
    broken_plugin="A plugin cannot be loaded.",
    untrusted_plugin="A plugin of the simulation folder may not run: nobody has trusted the folder.",
    plugin_off="What is wanted comes from a plugin that is switched off.",
    missing_plugin="pump.lisp requires a plugin, or a version of one, that is not there.",
    plugin_failed="The code of a plugin raised an error, or gave something that it should not.",
    wrong_api="A plugin is made for another version of the hooks than this one.",
)  # fmt: skip


def canonical_name(distribution: str) -> str:
    """The one spelling of a distribution's name, as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@dataclass(frozen=True, slots=True)
class Offer:
    """One named stage and where it came from.

    `plugin` is the id of the plugin that offers it, `version` that of its distribution, `digest` the sha256
    of its code.
    """

    kind: str
    name: str
    factory: type
    plugin: str
    version: str | None
    file: str | None
    digest: str | None = None

    @property
    def full_name(self) -> str:
        """What reaches it whoever else has the short name."""
        return f"{self.plugin.partition(':')[0]}/{self.name}"


@dataclass(slots=True)
class Plugin:
    """One plugin: an entry point of a distribution, a file of the simulation folder, or an object given by
    hand.

    `state` is ready, broken, off (switched off), untrusted, or found (not imported yet); `place`, `reason`
    and `help` say why it is not ready. `hooks` are the verbs and past participles it implements.
    """

    name: str
    origin: str
    distribution: str | None = None
    version: str | None = None
    file: str | None = None
    state: str = FOUND
    place: str | None = None
    reason: str | None = None
    help: str | None = None
    digest: str | None = None
    offers: tuple[Offer, ...] = ()
    hooks: tuple[str, ...] = ()
    builtins: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What messages call it: `lisppump-tides:tides`, `plugins/tides.py`, or the name it was given."""
        if self.origin == FOLDER:
            return f"plugins/{legible(self.name)}.py" if self.name else "plugins/"
        return f"{self.distribution}:{self.name}" if self.distribution else self.name

    @property
    def switch(self) -> str:
        """The shortest word that switches it off, and what stands before the slash in `plugin/name`."""
        return self.distribution or self.name

    def answers_to(self, word: str) -> bool:
        """True when a switch or a clause that says `word` means this plugin."""
        if word in (self.name, self.id):
            return True
        return self.distribution is not None and canonical_name(word) == canonical_name(self.distribution)

    def line(self) -> str:
        """What a person reads where it is not ready: package, version, place, reason."""
        who = f"plugin {self.distribution or self.id}" + (f" {self.version}" if self.version else "")
        if self.state == BROKEN:
            return f"{who} is broken at {self.place}: {self.reason}"
        if self.state == OFF:
            return f"{who} is switched off: {self.reason}"
        return f"{who} does not run: {self.reason}" if self.state == UNTRUSTED else who


def file_digest(files: list[Path], below: Path) -> str:
    """The sha256 of some files, names and contents, whatever order they come in."""
    total = hashlib.sha256()
    for file in sorted(files):
        name = file.relative_to(below).as_posix()
        total.update(f"{name}\n{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return f"sha256:{total.hexdigest()}"


def code_digest(module: Any) -> str | None:
    """The sha256 of the Python files of a module, or of the whole package; None where there are none."""
    try:
        if getattr(module, "__file__", None) is None:
            return None
        file = Path(module.__file__)
        files = [*file.parent.rglob("*.py")] if hasattr(module, "__path__") else [file]
        return file_digest(files, file.parent) if files else None  # a package in an archive has none
    except (OSError, TypeError, ValueError):
        return None
