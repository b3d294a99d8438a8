"""Where plugins come from: distributions' entry points, the simulation's own files. Finding runs nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from lisppump import dropins, trust
from lisppump.errors import LisppumpError
from lisppump.plugin import (
    BROKEN,
    FOLDER,
    FOUND,
    INSTALLED,
    OFF,
    UNTRUSTED,
    Plugin,
    canonical_name,
    code_digest,
)
from lisppump.plugin_contents import Contents, contents, file_of

GROUP = "lisppump"
NOBODY = "nobody has trusted this folder's Python yet"


@dataclass(slots=True)
class Found:
    """A plugin that was found; it is imported and asked when something of it is first wanted, and once."""

    plugin: Plugin
    importer: Callable[[], Any]
    package: str | None = None  # the module whose files are its code, where that is not the plugin itself
    error: BaseException | None = field(default=None, init=False)
    _contents: Contents | None = field(default=None, init=False)

    def contents(self) -> Contents:
        """What it brings; raises, each time, what was wrong the first time."""
        if self.error is not None:
            raise self.error
        if self._contents is None:
            plugin = self.plugin
            try:
                with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no result of ours
                    code = self.importer()
                    plugin.file = plugin.file or _file(code)
                    plugin.digest = plugin.digest or code_digest(sys.modules.get(self.package or "", code))
                    self._contents = contents(code, plugin.id, plugin.version, plugin.digest)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # some libraries' worst is no Exception
                self.error = error
                raise
        return self._contents


def find(folder: Path | None, *, trusted: bool | None = None) -> list[Found]:
    """Every plugin in the order of look-up: the folder's, then installed ones by name.

    `trusted` is an answer that stands above the user's trusted folders.
    """
    own = [] if folder is None else list(_folder(folder, trusted))
    # A file that nobody trusts switches nothing off.
    running = [found.plugin for found in own if found.plugin.state == FOUND]
    files = [Path(plugin.file).resolve() for plugin in running if plugin.file]
    return [*own, *_installed(files)]


def _folder(root: Path, trusted: bool | None) -> Iterator[Found]:
    """The drop-ins of a simulation folder."""
    name, place = "", str(root / "plugins")
    try:
        found = dropins.look(root)
        if found is None:
            return
        reason = _distrust(root, found.digest) if trusted is None else None if trusted else NOBODY
    except LisppumpError as error:
        # The drop-ins cannot be read, or nobody can say whether they are trusted: none of them runs.
        plugin = Plugin(name, FOLDER, state=BROKEN, place=place, reason=error.message, help=error.help)
        yield Found(plugin, dict)
        return
    for name in found.names:
        plugin = Plugin(name, FOLDER, file=str(found.path(name)), digest=found.digest_of(name))
        if name in found.twins:
            plugin.state, plugin.reason = OFF, f"it is the same file as plugins/{found.twins[name]}.py"
        elif reason is not None:
            plugin.state, plugin.reason = UNTRUSTED, reason
            plugin.help = "read it, then `lisppump trust`"
        yield Found(plugin, partial(dropins.load, found, name))


def _distrust(root: Path, digest: str) -> str | None:
    """Why the plugins of a folder may not run; None where they may."""
    if trust.is_trusted(root, digest):
        return None
    known = os.path.realpath(root) in trust.trusted()
    return "plugins/ has changed since this folder was trusted" if known else NOBODY


def _installed(files: Collection[Path]) -> Iterator[Found]:
    """The entry points of our group, sorted, so that install order never decides.

    A distribution that lies twice on the path is the one that Python would import.
    """
    seen: dict[str, int] = {}
    found = []
    for number, distribution in enumerate(metadata.distributions()):
        try:
            name = distribution.metadata["Name"]
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        except Exception as error:  # one distribution whose metadata is damaged hides no other
            plugin = Plugin("?", INSTALLED, state=BROKEN, place=_where(distribution), reason=str(error))
            found.append(Found(plugin, dict))
            continue
        if entries and seen.setdefault(canonical_name(name or "?"), number) == number:
            found.extend(_entry(entry, name or entry.value, distribution.version, files) for entry in entries)
    yield from sorted(found, key=lambda each: (each.plugin.distribution or "", each.plugin.name))


def _entry(
    entry: metadata.EntryPoint, name: str, version: str | None, files: Collection[Path]
) -> Found:
    plugin = Plugin(entry.name, INSTALLED, name, version)
    top = entry.value.partition(":")[0].partition(".")[0]
    same = _file_of(top) if files else None
    if same is not None and same in files:
        plugin.state, plugin.reason = OFF, f"plugins/{same.name} of this folder is the same file"
    return Found(plugin, entry.load, top)


def _file_of(module: str) -> Path | None:
    """The file of a top-level module, without importing it."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).resolve() if spec is not None and spec.origin else None


def _file(code: Any) -> str | None:
    """The file of a module, or of the class of an object."""
    return getattr(code, "__file__", None) or file_of(type(code))


def _where(distribution: metadata.Distribution) -> str:
    return str(getattr(distribution, "_path", "an unknown place"))
