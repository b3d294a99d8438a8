"""Is all well here? Findings about Python, packages, settings, plugins and one world. It changes nothing.

Every look is taken for itself, so that whatever is broken hides nothing else. No plugin runs that nobody has
trusted.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from lisppump import __version__
from lisppump.blame import blamed
from lisppump.clauses_parts import StageChoice
from lisppump.errors import ErrorList, LisppumpError, legible, said
from lisppump.folder import find_root, root_of
from lisppump.plugin import BROKEN, OFF, READY, UNTRUSTED
from lisppump.policy import Policy, switches_in
from lisppump.registry import BUILTIN, Registry
from lisppump.room import LEAST, LITTLE, size
from lisppump.secrets import safe
from lisppump.stages import Finding
from lisppump.workers.rule import NONE

OK, WARNING, ERROR = "ok", "warning", "error"
LEVELS = (OK, WARNING, ERROR)
DISTRIBUTION = "lisppump"


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding, and what it is about."""

    topic: str
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        found = self.finding
        help = None if found.help is None else _unicode(found.help)
        return {"topic": self.topic, "level": found.level, "what": _unicode(found.what), "help": help}


def examine(folder: Path, registry: Registry, *, pump: Path | None = None) -> Iterator[Remark]:
    """Every remark about this installation and the world of a folder, in a fixed order.

    `pump` is another policy than the folder's pump.lisp.
    """
    yield from _looks("python", _python)
    yield from _looks("packages", _packages)
    yield from _looks("config", _config)
    yield from _looks("workers", _workers)
    patient = _Patient(folder, registry, pump)
    yield from _looks("world", patient.world)
    yield from _looks("plugins", patient.plugins)
    yield from _looks("plugins.lock", patient.lock)
    yield from _looks("stages", patient.stages)
    yield from _looks("backends", patient.backends)
    yield from _looks("state", patient.state)
    yield from _looks("journal", patient.journal)
    yield from _looks("disk", patient.disk)


def _looks(topic: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Remark]:
    """The remarks of one look; where it fails, that is one of them."""
    try:
        for finding in look():
            yield Remark(topic, replace(finding, what=safe(finding.what)))
    except LisppumpError as error:
        yield Remark(topic, _of(error))
    except Exception as error:
        yield Remark(topic, Finding(ERROR, f"nobody can look at it: {said(error)}"))


def _unicode(text: str) -> str:
    """A text as JSON can hold it, whatever the names of files in it are made of."""
    return text.encode(errors="backslashreplace").decode()


def _of(error: LisppumpError) -> Finding:
    """An error as a finding: its place, its sentence, and how many more there are."""
    place = f"{error.span.file}:{error.span.line}" if error.span else ""
    place = "" if place in error.message else f"{place}: "
    others = len(error.errors) - 1 if isinstance(error, ErrorList) else 0
    more = f" ({others} more error{'s' if others > 1 else ''})" if others else ""
    return Finding(ERROR, f"{place}{error.message}{more}", error.help)


# -- the installation


def _python() -> Iterator[Finding]:
    found = f"Python {platform.python_version()} ({sys.executable})"
    wanted = _wanted_python()
    if wanted and not _fits(platform.python_version(), wanted):
        yield Finding(ERROR, f"{found}; lisppump wants {wanted}", "make an environment with another Python")
    else:
        yield Finding(OK, found)


def _wanted_python() -> str:
    try:
        return metadata.metadata(DISTRIBUTION)["Requires-Python"] or ""
    except (metadata.PackageNotFoundError, KeyError):
        return ""


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    yield Finding(OK, f"lisppump {__version__} ({Path(__file__).parent})")
    try:
        requires = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        sentence = "lisppump is not installed, so nobody knows what it needs"
        yield Finding(WARNING, sentence, "pip install -e its folder")
        return
    good = []
    for requirement in map(Requirement, requires):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        if version is not None and _fits(version, str(requirement.specifier)):
            good.append(f"{requirement.name} {version}")
            continue
        found = "absent" if version is None else version
        sentence = f"lisppump wants {requirement.name} {requirement.specifier}, installed is {found}"
        yield Finding(ERROR, sentence, f"pip install '{requirement}'")
    yield Finding(OK, ", ".join(good))


def _fits(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _config() -> Iterator[Finding]:
    from lisppump import config, trust

    file = config.path()
    config.load()
    trusted = len(trust.trusted())
    if not file.exists():
        yield Finding(OK, f"no settings of yours ({legible(file)} is not there)")
    else:
        yield Finding(OK, f"{legible(file)}; {trusted} trusted folder{'' if trusted == 1 else 's'}")


def _workers() -> Iterator[Finding]:
    """Whether agents' programs can be run apart, and what keeps them in on this machine."""
    from lisppump.frame import Frame
    from lisppump.workers.confine import protections
    from lisppump.workers.pool import shared
    from lisppump.workers.program import Program

    nothing = Frame(0, "1970-01-01T00:00:00Z", {}, {})
    result = shared().run(Program("(+ 1 2)", "doctor", "program of the doctor"), nothing)
    if result.value != 3:
        why = "it gives something else" if result.error is None else result.error.message
        help = "(isolate none) in pump.lisp runs programs in the pump's process; please report this"
        yield Finding(ERROR, f"a worker cannot add 1 and 2: {why}", help)
        return
    kept = list(protections())
    names = ", ".join(each.name for each in kept if each.there)
    yield Finding(OK, f"agents' programs can run apart from the pump, kept in by {names}")
    for each in kept:
        if not each.there:
            sentence = f"no {each.name} here: nothing but the evaluator sees to it that {each.what}"
            yield Finding(WARNING, sentence, "docs/workers.md says what is promised without it")


# -- the world


class _Patient:
    """One folder: what is known of it is found out once, by whichever look wants it first."""

    def __init__(self, folder: Path, registry: Registry, pump: Path | None) -> None:
        self._folder = folder
        self._registry = registry
        self._pump = pump
        self._root = root_of(folder, pump)
        self._policy: Policy | None = None

    def world(self) -> Iterator[Finding]:
        """Where pump.lisp is, and whether it checks."""
        if self._root is None:
            # Without a world there is still an installation to look at; a folder that is absent is a slip.
            level = WARNING if self._folder.is_dir() else ERROR
            try:
                find_root(self._folder)
            except LisppumpError as error:
                yield Finding(level, error.message, error.help)
            return
        path = self._path(self._root)
        try:
            self._policy = Policy.load(path, registry=self._registry)
        except LisppumpError as error:
            found = _of(error)
            yield Finding(found.level, f"{path.name} does not check: {found.what}", "see `lisppump check`")
            return
        yield Finding(OK, f"{self._policy.name}: {legible(path)} checks")
        if self._policy.isolation.where == NONE:
            sentence = "(isolate none): agents' programs run in the pump's own process, not apart from it"
            help = "(isolate worker) runs them apart; docs/workers.md says what that promises"
            yield Finding(WARNING, sentence, help)

    def _path(self, root: Path) -> Path:
        return self._pump or root / "pump.lisp"

    def plugins(self) -> Iterator[Finding]:
        """What is wrong with plugins, and which are well."""
        registry = self._switched()
        for plugin in registry.ready().plugins:
            if plugin.state == BROKEN:
                way = plugin.help or f"mend it, or leave it out with -p no:{plugin.switch}"
                yield Finding(ERROR, plugin.line(), way)
            elif plugin.state == UNTRUSTED:
                yield Finding(WARNING, plugin.line(), plugin.help)
            elif plugin.state == OFF:
                yield Finding(OK, plugin.line())
        for sentence in registry.clashes:
            yield Finding(WARNING, sentence, "call each by its full name")
        ready = [plugin for plugin in registry.plugins if plugin.state == READY]
        names = [plugin.id + (f" {plugin.version}" if plugin.version else "") for plugin in ready]
        yield Finding(OK, f"ready: {', '.join(names)}" if names else "none but the built-in stages")

    def lock(self) -> Iterator[Finding]:
        """What plugins.lock wants and this environment does not have."""
        from lisppump import lockfile

        if self._root is None:
            return
        entries = lockfile.read(self._root)
        difference = lockfile.compare(entries, lockfile.installed(entries, self._root))
        way = "lisppump plugins sync"
        for entry in difference.missing:
            yield Finding(ERROR, f"{entry.name} {entry.version} is not installed", way)
        for entry, version in difference.other:
            yield Finding(WARNING, f"{entry.name} should be {entry.version}, installed is {version}", way)
        if entries and not difference:
            yield Finding(OK, f"{len(entries)} of {len(entries)} installed as it says")

    def _switched(self) -> Registry:
        """The plugins as the policy's (plugins ...) wants them, even where the rest of it is wrong."""
        if self._root is None:
            return self._registry
        return self._registry.under(*switches_in(self._path(self._root)))

    def stages(self) -> Iterator[Finding]:
        """Where the stages come from that the policy chose."""
        if self._policy is None:
            return
        ours, others = [], []
        for kind, name, offer in dict.fromkeys((c.kind, c.name, c.offer) for c in self._policy.stages()):
            if _is_ours(offer.plugin):
                ours.append(f"{kind} {name}")
            else:
                version = f" {offer.version}" if offer.version else ""
                others.append(f"{kind} {name} from {offer.plugin}{version} ({offer.file})")
        if ours:
            yield Finding(OK, f"built in: {', '.join(ours)}")
        for line in others:
            yield Finding(OK, line)

    def backends(self) -> Iterator[Finding]:
        """What the backends of the policy say of themselves."""
        for alias, choice in self._policy.pipe.backends if self._policy is not None else ():
            if callable(getattr(choice.offer.factory, "findings", None)):
                yield from _of_backend(alias, choice)

    def state(self) -> Iterator[Finding]:
        """Whether the documents and the machinery's own folder could be written."""
        from lisppump.keep import FOLDER

        if self._root is None:
            return
        folders = [self._root / FOLDER]
        if self._policy is None or _is_ours(self._policy.reservoir.offer.plugin):
            folders.insert(0, self._root / (self._policy.state.folder if self._policy else "state"))
        for folder in folders:
            yield _writable(folder)

    def journal(self) -> Iterator[Finding]:
        """Whether the journal can be read, how far it goes, and who writes it now."""
        from lisppump.disk import Disk
        from lisppump.keep import FOLDER, Keep

        if self._root is None:
            return
        holder = Keep(self._root / FOLDER, Disk()).holder
        if holder is not None:
            yield Finding(OK, f"process {holder} is writing this world")
        yield from self._opened(self._root)

    def _opened(self, root: Path) -> Iterator[Finding]:
        from lisppump.reservoir import Store
        from lisppump.status import GO_ON, in_the_open, opening

        policy = self._policy
        if policy is None:
            view = Registry().find("reservoir", "files").factory(root / "state")
        else:
            view = policy.reservoir.make_reservoir(root / policy.state.folder)
        with Store.open(root, view, write=False) as store:
            head, opened, ended = store.head, opening(store), store.lately().get("ended")
            sentence = "no frame was made yet" if head is None else f"its newest frame is {head.number}"
            yield Finding(OK, sentence) if store.ahead is None else _of(store.ahead)
            if opened is not None and store.lock_holder() is None:
                yield Finding(WARNING, in_the_open(opened), GO_ON)
            if ended is not None and store.lock_holder() is None:
                yield Finding(WARNING, f"the last run ended: {ended['message']}", ended["help"])
            for note in store.notes:
                yield Finding(WARNING, note)

    def disk(self) -> Iterator[Finding]:
        """How much room there is."""
        if self._root is None:
            return
        usage = shutil.disk_usage(self._root)
        share = usage.free / usage.total if usage.total else 0.0
        sentence = f"{size(usage.free)} of {size(usage.total)} are free"
        if share < LEAST:
            yield Finding(ERROR, sentence, f"make room: under {LEAST:.0%} no frame is begun")
        elif share < LITTLE:
            yield Finding(WARNING, sentence, "make room before the next long run")
        else:
            yield Finding(OK, sentence)


def _is_ours(plugin: str) -> bool:
    return plugin.partition(":")[0] == BUILTIN


def _of_backend(alias: str, choice: StageChoice) -> Iterator[Finding]:
    """A backend's own findings; it is foreign code, and what it gives is held to its form."""
    try:
        with blamed("backend", choice.name, choice.offer.plugin), contextlib.redirect_stdout(sys.stderr):
            found = list(choice.make().findings())
    except LisppumpError as error:
        yield _of(error)
        return
    for finding in found:
        if _sound(finding):
            yield Finding(finding.level, f"{alias}: {finding.what}", finding.help)
        else:
            who = choice.offer.plugin
            sentence = f"backend `{choice.name}` of plugin {who} gave something that is no Finding"
            yield Finding(ERROR, sentence, f"tell the authors of {who.partition(':')[0]}")


def _sound(finding: Any) -> bool:
    """True for a Finding that can be shown."""
    return (
        isinstance(finding, Finding)
        and finding.level in LEVELS
        and isinstance(finding.what, str)
        and isinstance(finding.help, str | None)
    )


def _writable(folder: Path) -> Finding:
    """Whether a folder could be written, or made; nothing is tried."""
    place = folder
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        return Finding(ERROR, f"{legible(place)} is in the way of a folder", "move it away")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(ERROR, f"{legible(place)} cannot be written", f"chmod u+rwx {legible(place)}")
    made = "" if place == folder else ", will be made"
    return Finding(OK, f"{legible(folder)} can be written{made}")
