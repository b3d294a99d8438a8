"""Who offers what: plugins with their states; stages, builtins and commands by the names that reach them.

Plugins are found first and imported only when something of them is wanted. Built-in stages are plugins too:
`plugins/KIND_NAME.py` offers the stage NAME and is imported only when it is named.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import discovery
from lisppump.discovery import Found
from lisppump.errors import LisppumpError, declare, legible, place_of, said, suggest
from lisppump.lispy.foreign import guarded
from lisppump.plugin import BROKEN, FOLDER, FOUND, GIVEN, OFF, READY, UNTRUSTED, Offer, Plugin, code_digest
from lisppump.plugin_contents import Contents, contents
from lisppump.stages import KINDS

if TYPE_CHECKING:
    import click

    from lisppump.lispy.builtins import BuiltinSpec

BUILTIN = "lisppump"

declare("plugin", 3, unknown_stage="pump.lisp names a stage that no plugin offers.")


@dataclass(frozen=True, slots=True)
class OfferedCommand:
    """A command of the command line and the plugin that it comes from."""

    command: click.Command
    plugin: Plugin


@dataclass(slots=True)
class Ears:
    """Who hears what happens in plugins: their builtins' faults, and (to trace) every call of a hook."""

    complain: Callable[[str], None] = lambda sentence: None
    trace: Callable[[str], None] | None = None


@dataclass(slots=True)
class _Member:
    """A plugin of this registry with what holds its code."""

    plugin: Plugin
    found: Found
    contents: Contents = field(default_factory=lambda: Contents(None))


class Registry:
    """The plugins of one simulation and what they offer; `Registry()` has the built-in stages alone."""

    def __init__(
        self,
        found: Sequence[Found] = (),
        *,
        without: Collection[str] = (),
        clause: Collection[str] = (),
        order: Sequence[str] = (),
        reserved: Collection[str] = (),
        ears: Ears | None = None,
    ) -> None:
        self.reserved = frozenset(reserved)
        self.without = frozenset(without)
        self.order = tuple(order)
        self.ears = ears or Ears()
        self._clause = frozenset(clause)
        self._found = list(found)
        self._members: list[_Member] | None = None
        self._builtin_offers: dict[tuple[str, str], Offer] = {}
        self._views: dict[Any, Registry] = {}

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        without: Collection[str] = (),
        trusted: bool | None = None,
        reserved: Collection[str] = (),
        ears: Ears | None = None,
    ) -> Registry:
        """Find the plugins that are installed and those of a simulation folder; none is imported yet.

        `without` switches plugins off; `trusted` is an answer that stands above the user's trusted folders;
        `reserved` are names of commands that no plugin can have.
        """
        found = discovery.find(folder, trusted=trusted)
        return cls(found, without=without, reserved=reserved, ears=ears)

    def under(self, without: Collection[str], order: Sequence[str]) -> Registry:
        """The same plugins as the policy's (plugins ...) wants them; nothing is imported twice."""
        key = (frozenset(without), tuple(order))
        if key == (frozenset(), ()):
            return self
        if key not in self._views:
            self._views[key] = Registry(
                self._found, without=self.without, clause=without, order=order, reserved=self.reserved,
                ears=self.ears,
            )  # fmt: skip
        return self._views[key]

    def register(self, plugin: Any, name: str, version: str | None = None) -> None:
        """Take in an object as a plugin, after all others; raises what is wrong with it."""
        found = Found(Plugin(name, GIVEN, version=version), lambda: plugin)
        if any(member.contents.code is plugin for member in self._ready()):
            return  # it came in by another way; its hooks are called once
        member = self._member(found)
        if found.error is not None:
            raise found.error
        self._ready().append(member)
        self._found.append(found)
        self._views.clear()

    # -- what there is

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin in the order of look-up; those not imported yet are `found`."""
        if self._members is not None:
            return tuple(member.plugin for member in self._members)
        return tuple(self._switched(found) for found in self._found)

    def ready(self) -> Registry:
        """Itself, with every plugin imported and checked that is not switched off."""
        self._ready()
        return self

    @property
    def broken(self) -> list[Plugin]:
        """Those that cannot be loaded."""
        return [member.plugin for member in self._ready() if member.plugin.state == BROKEN]

    @property
    def absent(self) -> list[Plugin]:
        """Those of which nothing can be used, for whatever reason."""
        return [member.plugin for member in self._ready() if member.plugin.state != READY]

    def contents(self) -> Iterator[tuple[Plugin, Contents]]:
        """Every plugin that works, with what it brings."""
        for member in self._ready():
            if member.plugin.state == READY:
                yield member.plugin, member.contents

    # -- stages

    def find(self, kind: str, name: str) -> Offer:
        """The stage of that kind and name; one with a slash names its plugin, too."""
        offers = self.offers(kind, name)
        if offers:
            return offers[0]
        raise self._not_found(kind, name)

    def offers(self, kind: str, name: str) -> list[Offer]:
        """Everybody's stage of that kind and name; the first has the name."""
        prefix, _, short = name.rpartition("/")
        found = [
            offer
            for plugin, brought in self.contents()
            for offer in brought.offers
            if (offer.kind, offer.name) == (kind, short) and (not prefix or plugin.answers_to(prefix))
        ]
        if prefix in ("", BUILTIN) and BUILTIN not in (self.without | self._clause):
            builtin = self._builtin(kind, short)
            found += [] if builtin is None else [builtin]
        return found

    def full_name(self, offer: Offer) -> str:
        """What reaches it whoever else has the short name; where a distribution has two, its plugin's."""
        first = self.offers(offer.kind, offer.full_name)[0]
        return offer.full_name if first == offer else f"{offer.plugin}/{offer.name}"

    def names(self, kind: str) -> list[str]:
        """Every name that `find` answers, sorted; a full name only where it is needed."""
        names = {name for found, name in builtin_stages() if found == kind}
        if BUILTIN in self.without | self._clause:
            names = set()
        taken: set[str] = set()
        for _, brought in self.contents():
            for offer in brought.offers:
                if offer.kind == kind:
                    names.add(self.full_name(offer) if offer.name in taken else offer.name)
                    taken.add(offer.name)
        return sorted(names)

    @property
    def clashes(self) -> list[str]:
        """A sentence for every name that two want."""
        owners: dict[tuple[str, str], str] = {}
        told: list[str] = []
        for what, name, plugin, full in self._wishes():
            owner = owners.setdefault((what, name), plugin)
            if owner != plugin:
                told.append(
                    f"{what} `{name}` is offered by {owner} and {plugin}; "
                    f"the first keeps the name, the other is `{full}`"
                )
        return told

    def _wishes(self) -> Iterator[tuple[str, str, str, str]]:
        """(what, name, who offers it, its full name), in the order in which names are given away."""
        wanted = [
            (what, name, plugin.id, f"{plugin.switch}/{name}")
            for plugin, brought in self.contents()
            for what, names in (("builtin", brought.builtins), ("command", brought.commands))
            for name in names or ()
        ]
        own = {"builtin": language() if wanted else frozenset(), "command": self.reserved}
        yield from ((what, name, BUILTIN, name) for what, name, _, _ in wanted if name in own[what])
        yield from wanted
        stages = [offer for _, brought in self.contents() for offer in brought.offers]
        yield from ((offer.kind, offer.name, offer.plugin, self.full_name(offer)) for offer in stages)
        also = {(offer.kind, offer.name) for offer in stages} & builtin_stages()
        yield from ((kind, name, f"{BUILTIN}:{name}", f"{BUILTIN}/{name}") for kind, name in sorted(also))

    # -- what else plugins bring

    def builtins(self) -> Mapping[str, BuiltinSpec]:
        """The LisPy builtins of plugins by the names that reach them, in their guards."""
        taken: dict[str, BuiltinSpec] = {}
        for plugin, brought in self.contents():
            safe: dict[str, BuiltinSpec] = {}
            for name, spec in (brought.builtins or {}).items():
                if spec.name not in safe:
                    safe[spec.name] = guarded(spec, plugin.id, lambda said: self.ears.complain(said))
                taken.setdefault(name, safe[spec.name])
                taken[f"{plugin.switch}/{name}"] = safe[spec.name]
        return taken

    def commands(self) -> Mapping[str, OfferedCommand]:
        """The commands of plugins by the names that reach them; those of lisppump itself go before."""
        taken: dict[str, OfferedCommand] = {}
        for plugin, brought in self.contents():
            for name, command in (brought.commands or {}).items():
                if name not in self.reserved:
                    taken.setdefault(name, OfferedCommand(command, plugin))
                taken[f"{plugin.switch}/{name}"] = OfferedCommand(command, plugin)
        return taken

    # -- how it comes about

    def _ready(self) -> list[_Member]:
        if self._members is None:
            self._members = []
            for found in self._found:
                self._members.append(self._member(found))
        return self._members

    def _switched(self, found: Found) -> Plugin:
        """The plugin as this registry has it: off where it is switched off."""
        plugin = replace(found.plugin)
        if plugin.state in (FOUND, UNTRUSTED, BROKEN) and self._is_off(plugin):
            by_hand = any(plugin.answers_to(word) for word in self.without)
            plugin.state = OFF
            plugin.reason = f"by {'-p or LISPPUMP_PLUGINS' if by_hand else '(plugins (without ...))'}"
            plugin.help = None
        return plugin

    def _is_off(self, plugin: Plugin) -> bool:
        return any(plugin.answers_to(word) for word in self.without | self._clause)

    def _member(self, found: Found) -> _Member:
        """A plugin imported and asked what it holds, or broken with a reason."""
        plugin = self._switched(found)
        member = _Member(plugin, found)
        if plugin.state != FOUND:
            return member
        try:
            member.contents = found.contents()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            plugin.state, plugin.file = BROKEN, found.plugin.file
            plugin.place, plugin.reason, plugin.help = _fault(error, plugin.file)
            return member
        brought = member.contents
        plugin.state, plugin.file, plugin.digest = READY, found.plugin.file, found.plugin.digest
        plugin.offers = brought.offers
        plugin.hooks = tuple(dict.fromkeys(each.hook for each in brought.implementations))
        plugin.builtins = tuple(brought.builtins or ())
        plugin.commands = tuple(brought.commands or ())
        if self.ears.trace is not None:
            self.ears.trace(f"loaded {plugin.id}{_offered(plugin)}")
        return member

    def _builtin(self, kind: str, name: str) -> Offer | None:
        if (kind, name) not in builtin_stages():
            return None
        if (kind, name) not in self._builtin_offers:
            module = import_module(f"lisppump.plugins.{kind_prefix(kind)}_{name.replace('-', '_')}")
            brought = contents(module, f"{BUILTIN}:{name}", _own_version(), code_digest(module))
            offer = next(each for each in brought.offers if (each.kind, each.name) == (kind, name))
            self._builtin_offers[kind, name] = offer
        return self._builtin_offers[kind, name]

    def _not_found(self, kind: str, name: str) -> LisppumpError:
        """The error for a stage that is not there: whose it should be, or what else was meant."""
        prefix, _, short = name.rpartition("/")
        called = [plugin for plugin in self.absent if plugin.answers_to(prefix or short)]
        meant = called or [plugin for plugin in self.absent if _may_offer(plugin, prefix, short)]
        near = suggest(name, self.names(kind))
        if not meant and near is None:
            meant = self.broken or [plugin for plugin in self.absent if plugin.state == UNTRUSTED]
        what = f"there is no {kind} called `{name}`"
        if (kind, short) in builtin_stages() and prefix in ("", BUILTIN):
            way = f"take {BUILTIN} off the list of those left out"
            return LisppumpError("plugin-off", f"{what}: the built-in stages are switched off", help=way)
        if meant:
            return unusable(meant[0], what, [plugin.line() for plugin in meant[1:]])
        return LisppumpError(
            "unknown-stage",
            what,
            help=f"did you mean `{near}`?" if near else f"known: {', '.join(self.names(kind))}",
        )


def unusable(plugin: Plugin, what: str, more: Sequence[str] = ()) -> LisppumpError:
    """The error where something is wanted of a plugin that is broken, off or not trusted."""
    code = {BROKEN: "broken-plugin", OFF: "plugin-off"}.get(plugin.state, "untrusted-plugin")
    ways = {
        BROKEN: f"mend it, or leave it out with -p no:{plugin.switch}",
        OFF: f"take {plugin.switch} off the list of those left out",
    }
    message = "; ".join([f"{what}: {plugin.line()}", *more])
    return LisppumpError(code, message, help=plugin.help or ways.get(plugin.state), data=plugin.id)


def kind_prefix(kind: str) -> str:
    """What the files of a kind begin with in plugins/."""
    return {"merger": "merge"}.get(kind, kind)


def builtin_stages() -> frozenset[tuple[str, str]]:
    """(kind, name) of every built-in stage, read off the file names."""
    package = import_module("lisppump.plugins")
    prefixes = {kind_prefix(kind): kind for kind in KINDS}
    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        prefix, _, rest = module.name.partition("_")
        if prefix in prefixes and rest:
            found.add((prefixes[prefix], rest.replace("_", "-")))
    return frozenset(found)


def _may_offer(plugin: Plugin, prefix: str, name: str) -> bool:
    """Whether a plugin that cannot be asked may offer it: its names say so, or its text."""
    if prefix:
        return False
    if (plugin.distribution or "").endswith(f"-{name}"):
        return True
    if plugin.origin == FOLDER and plugin.file is not None:
        try:
            text = Path(plugin.file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return f'"{name}"' in text or f"'{name}'" in text
    return False


def _fault(error: BaseException, file: str | None) -> tuple[str, str, str | None]:
    """Where, why, what to do. What we refuse is the plugin's fault, though the refusing line is ours."""
    if isinstance(error, LisppumpError):
        place = error.data if isinstance(error.data, str) else file
        return legible(place or "its entry point"), error.message, error.help
    return legible(place_of(error) or file or "its entry point"), said(error), None


def _offered(plugin: Plugin) -> str:
    parts = [f"{offer.kind} {offer.name}" for offer in plugin.offers]
    parts += [f"builtin {name}" for name in plugin.builtins] + [f"command {name}" for name in plugin.commands]
    parts += [f"hook {name}" for name in plugin.hooks]
    return f": {', '.join(parts)}" if parts else ""


def _own_version() -> str:
    from lisppump import __version__

    return __version__


def language() -> frozenset[str]:
    """Every name that LisPy has by itself."""
    from lisppump.lispy.builtins import load
    from lisppump.lispy.forms import FORMS
    from lisppump.lispy.library import names

    return frozenset({*load(), *FORMS, *names()})
