"""Finds plugins, checks what they offer, names their stages and remembers where each came from.

Built-in stages are plugins too: `plugins/KIND_NAME.py` offers the stage NAME and is imported only when named.
Installed packages use the entry-point group `lisppump`; a broken one is a line in `broken`, no crash.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any

import pluggy

from lisppump import hookspecs
from lisppump.errors import LisppumpError, declare, place_of, suggest
from lisppump.stages import KINDS, Kind

GROUP = "lisppump"
BUILTIN = "lisppump"

declare(
    "plugin", 3,
    unknown_stage="pump.lisp names a stage that no plugin offers.",
)  # fmt: skip
declare(
    "plugin", 4,
    broken_plugin="A plugin cannot be loaded.",
    bad_hook="A plugin implements a hook that does not exist, or in a way that cannot work.",
    bad_stage="A stage class has not the methods its kind needs.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """One named stage and where it came from."""

    kind: str
    name: str
    factory: type
    plugin: str
    version: str | None
    file: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that could not be loaded: one line says package, version and place."""

    plugin: str
    version: str | None
    place: str
    reason: str

    def line(self) -> str:
        """What the user reads."""
        version = f" {self.version}" if self.version else ""
        return f"plugin {self.plugin}{version} is broken at {self.place}: {self.reason}"


class Registry:
    """The plugins of one process and the stages they offer."""

    def __init__(self, *, without: Collection[str] = ()) -> None:
        self.manager = pluggy.PluginManager("lisppump")
        self.manager.add_hookspecs(hookspecs)
        self.without = frozenset(without)
        self.broken: list[Broken] = []
        self.clashes: list[str] = []
        self._offers: dict[tuple[str, str], Offer] = {}

    @classmethod
    def load(cls, *, without: Collection[str] = ()) -> Registry:
        """A registry of every installed plugin that is not switched off."""
        registry = cls(without=without)
        for entry, name, version in _entry_points():
            if name in registry.without or entry.name in registry.without:
                continue
            plugin = None
            try:
                plugin = entry.load()
                registry.register(plugin, f"{name}:{entry.name}", version)
            except Exception as error:
                # What we refuse is the plugin's fault, though the line that refuses it is ours.
                ours = getattr(plugin, "__file__", None) if isinstance(error, LisppumpError) else None
                place = ours or place_of(error) or "its entry point"
                registry.broken.append(Broken(name, version, place, _reason(error)))
        return registry

    @property
    def hooks(self) -> Any:
        """The relay through which hooks are called."""
        return self.manager.hook

    def register(self, plugin: Any, name: str, version: str | None = None) -> None:
        """Check a plugin's hooks and take in what it offers; nothing of it stays when a check fails."""
        _check_hooks(plugin, name)
        self.manager.register(plugin, name)
        try:
            offers = list(self._offers_of(plugin, name, version))
        except BaseException:
            self.manager.unregister(plugin)
            raise
        for offer in offers:
            taken = self._offers.setdefault((offer.kind, offer.name), offer)
            if taken is not offer:
                full = f"{offer.plugin.partition(':')[0]}/{offer.name}"
                self._offers[(offer.kind, full)] = offer
                self.clashes.append(
                    f"{offer.kind} `{offer.name}` is offered by {taken.plugin} and {offer.plugin}; "
                    f"the first keeps the name, the other is `{full}`"
                )

    def find(self, kind: str, name: str) -> Offer:
        """The stage of that kind and name; built-in ones are imported now."""
        offer = self._offers.get((kind, name)) or self._builtin(kind, name)
        if offer is not None:
            return offer
        near = suggest(name, self.names(kind))
        if near is None and self.broken:
            lines = "; ".join(broken.line() for broken in self.broken)
            raise LisppumpError(
                "broken-plugin",
                f"there is no {kind} called `{name}` among the plugins that work",
                help=f"{lines}; mend it, or leave it out with -p no:{self.broken[0].plugin}",
            )
        raise LisppumpError(
            "unknown-stage",
            f"there is no {kind} called `{name}`",
            help=f"did you mean `{near}`?" if near else f"known: {', '.join(self.names(kind))}",
        )

    def names(self, kind: str) -> list[str]:
        """Every name that `find` answers, sorted."""
        builtin = {name for found, name in _builtin_stages() if found == kind}
        return sorted(builtin | {name for found, name in self._offers if found == kind})

    def builtins(self) -> dict[str, Any]:
        """LisPy builtins that plugins offer, by name."""
        found: dict[str, Any] = {}
        for table in self.manager.hook.builtins():
            found.update(table)
        return found

    def _builtin(self, kind: str, name: str) -> Offer | None:
        short = name.removeprefix(f"{BUILTIN}/")
        if (kind, short) not in _builtin_stages() or BUILTIN in self.without:
            return None
        module = import_module(f"lisppump.plugins.{kind_prefix(kind)}_{short.replace('-', '_')}")
        plugin = f"{BUILTIN}:{short}"
        offer = next(o for o in self._offers_of(module, plugin, None) if (o.kind, o.name) == (kind, short))
        self._offers[(kind, name)] = offer
        return offer

    def _offers_of(self, plugin: Any, name: str, version: str | None) -> Iterator[Offer]:
        for kind in KINDS.values():
            hook = getattr(plugin, kind.hook, None)
            if hook is None or not hasattr(hook, "lisppump_impl"):
                continue
            table = hook()
            if not isinstance(table, Mapping):
                raise LisppumpError(
                    "bad-hook", f"{kind.hook}() of plugin {name} should return a dict of name -> class"
                )
            for stage, factory in table.items():
                check_stage(kind, str(stage), factory, name)
                yield Offer(kind.name, str(stage), factory, name, version, _file_of(factory))


def kind_prefix(kind: str) -> str:
    """What the files of a kind begin with in plugins/."""
    return {"merger": "merge"}.get(kind, kind)


def check_stage(kind: Kind, name: str, factory: Any, plugin: str) -> None:
    """Hold a stage class to the methods of its kind, by name and arguments."""
    if not inspect.isclass(factory):
        raise LisppumpError("bad-stage", f"{kind.name} `{name}` of plugin {plugin} should be a class")
    for method, arguments in kind.methods.items():
        found = getattr(factory, method, None)
        wanted = f"{method}({', '.join(arguments)})"
        if not callable(found):
            raise LisppumpError(
                "bad-stage", f"{kind.name} `{name}` of plugin {plugin} lacks the method {wanted}"
            )
        parameters = list(inspect.signature(found).parameters.values())[1:]
        given = [
            p.name
            for p in parameters
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        if len(given) != len(arguments) and not takes_any:
            raise LisppumpError(
                "bad-stage",
                f"{kind.name} `{name}` of plugin {plugin} has {method}({', '.join(given)}), "
                f"it should be {wanted}",
            )


def _check_hooks(plugin: Any, name: str) -> None:
    known = [word for word, spec in vars(hookspecs).items() if hasattr(spec, "lisppump_spec")]
    for word in dir(plugin):
        function = inspect.getattr_static(plugin, word, None)
        if not hasattr(function, "lisppump_impl"):
            continue
        if word not in known:
            near = suggest(word, known)
            raise LisppumpError(
                "bad-hook",
                f"plugin {name} implements `{word}`, which is no hook",
                help=f"did you mean `{near}`?" if near else "see lisppump/hookspecs.py for all hooks",
            )
        if inspect.iscoroutinefunction(function):
            raise LisppumpError(
                "bad-hook",
                f"plugin {name} implements `{word}` as `async def`; hooks are ordinary functions",
                help="return an awaitable from `pour`; do slow work in a stage",
            )


def _builtin_stages() -> frozenset[tuple[str, str]]:
    """(kind, name) of every built-in stage, read off the file names."""
    package = import_module("lisppump.plugins")
    prefixes = {kind_prefix(kind): kind for kind in KINDS}
    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        prefix, _, rest = module.name.partition("_")
        if prefix in prefixes and rest:
            found.add((prefixes[prefix], rest.replace("_", "-")))
    return frozenset(found)


def _entry_points() -> Iterator[tuple[metadata.EntryPoint, str, str | None]]:
    """Every entry point of our group with its distribution, sorted, so that install order never decides."""
    found = []
    for distribution in metadata.distributions():
        for entry in distribution.entry_points:
            if entry.group == GROUP:
                found.append((entry, distribution.metadata["Name"] or entry.value, distribution.version))
    yield from sorted(found, key=lambda each: (each[1], each[0].name, each[0].value))


def _reason(error: BaseException) -> str:
    if isinstance(error, LisppumpError):
        return error.message + (f" ({error.help})" if error.help else "")
    return f"{type(error).__name__}: {error}"


def _file_of(factory: type) -> str | None:
    try:
        return inspect.getsourcefile(factory)
    except (TypeError, OSError):
        return None
