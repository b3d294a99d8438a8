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
from pathlib import Path, PurePath
from typing import Any

from lisppump import dropins, trust
from lisppump.errors import LisppumpError, place_of, said
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
    module: str = ""  # the dotted name behind which its code lies, where that is not the plugin itself
    error: BaseException | None = field(default=None, init=False)
    _contents: Contents | None = field(default=None, init=False)

    def contents(self) -> Contents:
        """What it brings; raises, each time, what was wrong the first time."""
        if self.error is not None:
            raise self.error
        if self._contents is None:
            plugin = self.plugin
            depth = sys.getrecursionlimit()
            try:
                with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no result of ours
                    code = self.importer()
                    plugin.file = plugin.file or _file(code)
                    plugin.digest = plugin.digest or self._digest(code)
                    self._contents = contents(code, plugin.id, plugin.version, plugin.digest)
            except KeyboardInterrupt as stop:
                stop.add_note(f"while plugin {plugin.id} was loaded; -p no:{plugin.switch} leaves it out")
                raise
            except BaseException as error:  # some libraries' worst is no Exception
                self.error = error
                raise
            finally:
                sys.setrecursionlimit(depth)  # it is everybody's
        return self._contents

    def _digest(self, code: Any) -> str | None:
        """The digest of the outermost package around its module that has files of its own."""
        parts = self.module.split(".")
        around = (sys.modules.get(".".join(parts[: n + 1])) for n in range(len(parts)))
        return next(filter(None, map(code_digest, around)), None) or code_digest(code)


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
        digest = None if reason else found.digest_of(name)
        plugin = Plugin(name, FOLDER, file=str(found.path(name)), digest=digest)
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
        key = canonical_name(_of_folder(distribution)[0])
        if seen.setdefault(key, number) != number:
            continue
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        except Exception as error:  # one distribution whose metadata is damaged hides no other
            plugin = Plugin("?", INSTALLED, state=BROKEN, place=_where(distribution), reason=said(error))
            found.append(Found(plugin, dict))
            continue
        if entries:
            name, version = _name_and_version(distribution)
            found.extend(_entry(entry, name, version, files) for entry in dict.fromkeys(entries))
    yield from sorted(found, key=lambda each: (each.plugin.distribution or "", each.plugin.name))


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str | None]:
    """As its metadata say, or else the name of the folder they lie in."""
    try:
        return distribution.metadata["Name"] or _of_folder(distribution)[0], distribution.version
    except Exception:
        return _of_folder(distribution)


def _of_folder(distribution: metadata.Distribution) -> tuple[str, str | None]:
    """Name and version as `tides-1.2.dist-info` says them; to read the metadata of all takes long."""
    stem, _, kind = PurePath(_where(distribution)).name.rpartition(".")
    if kind in ("dist-info", "egg-info"):
        name, _, version = stem.partition("-")
        return name, version.partition("-")[0] or None
    return _where(distribution), None


def _entry(
    entry: metadata.EntryPoint, name: str, version: str | None, files: Collection[Path]
) -> Found:
    plugin = Plugin(entry.name, INSTALLED, name, version)
    module = entry.value.partition(":")[0].strip()
    same = _file_of(module.partition(".")[0]) if files else None
    if same is not None and same in files:
        plugin.state, plugin.reason = OFF, f"plugins/{same.name} of this folder is the same file"
    return Found(plugin, partial(_load, entry, name), module)


def _load(entry: metadata.EntryPoint, name: str) -> Any:
    """What an entry point names; where no code of anybody's was reached, its line is what is wrong."""
    place = f"entry_points.txt of {name}: {entry.name} = {entry.value}"
    if entry.pattern.match(entry.value) is None:
        sentence = "it should be `module` or `module:object`"
        raise LisppumpError("broken-plugin", sentence, help=f"tell the authors of {name}", data=place)
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        if not (place_of(error) or "").startswith(f"{__file__}:"):
            raise
        way = f"install {name} anew, or tell its authors"
        raise LisppumpError("broken-plugin", said(error), help=way, data=place) from error


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
