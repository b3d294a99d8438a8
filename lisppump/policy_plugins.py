"""What a policy says of plugins: which are left out, which must be there, which it names. It imports none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lisppump.clauses_parts import Checked, StageChoice, Stages
from lisppump.errors import LisppumpError
from lisppump.lispy.nodes import Node
from lisppump.plugin import BROKEN, Plugin

UNUSABLE = ("broken-plugin", "untrusted-plugin", "plugin-off")


@dataclass(frozen=True, slots=True)
class PluginsClause:
    """Plugins that are left out, distributions that must be there, and whose hooks come first."""

    without: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    require: tuple[tuple[str, str], ...] = ()

    @property
    def switches(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What decides which plugins there are, and in which order they are asked."""
        return self.without, self.order


def switches(pump: Node | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of (plugins (without ...) (order ...)), read before any plugin is imported."""
    clause = next((item for item in pump.items if item.head == "plugins"), None) if pump is not None else None
    found: dict[str | None, tuple[str, ...]] = {}
    for option in clause.items if clause is not None else ():
        if option.kind == "list":
            found[option.head] = tuple(item.name for item in option.items[1:] if item.name is not None)
    return found.get("without", ()), found.get("order", ())


def clause_of(checked: Checked) -> PluginsClause:
    """The clause as the policy keeps it."""
    return PluginsClause(checked.of("without", ()), checked.of("order", ()), tuple(_pairs(checked)))


def unmet(checked: Checked, stages: Stages) -> Iterator[LisppumpError]:
    """An error for each requirement that this environment does not meet."""
    whole = [option for option in checked.all("require") if "distribution" in option.values]
    for option, (distribution, versions) in zip(whole, _pairs(checked), strict=True):
        error = _missing(distribution, versions) or _broken(distribution, stages)
        if error is not None:
            yield error.located(option.node.span)


def _pairs(checked: Checked) -> Iterator[tuple[str, str]]:
    for option in checked.all("require"):
        if "distribution" in option.values:  # else it was said to be wrong
            yield option.values["distribution"], option.values.get("versions", "")


def _missing(distribution: str, versions: str) -> LisppumpError | None:
    from importlib import metadata

    from packaging.specifiers import SpecifierSet

    way = f"lisppump plugins add '{distribution}{versions}'"
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return LisppumpError("missing-plugin", f"{distribution} is not installed", help=way)
    if SpecifierSet(versions).contains(version, prereleases=True):
        return None
    sentence = f"{distribution} {versions} is required, {version} is installed"
    return LisppumpError("missing-plugin", sentence, help=way)


def _broken(distribution: str, stages: Any) -> LisppumpError | None:
    for plugin in getattr(stages, "plugins", ()):
        if plugin.state == BROKEN and plugin.answers_to(distribution):
            return LisppumpError("broken-plugin", plugin.line(), help=plugin.help, data=plugin.id)
    return None


def named(
    clause: PluginsClause, choices: Iterable[StageChoice], used: Collection[str], stages: Any
) -> tuple[Plugin, ...]:
    """The plugins that a policy names: by a stage, a builtin that it `used`, the order, or as required."""
    words = {*clause.order, *(distribution for distribution, _ in clause.require)}
    chosen = {choice.offer.plugin for choice in choices}
    plugins: Sequence[Plugin] = getattr(stages, "plugins", ())
    return tuple(
        plugin
        for plugin in plugins
        if plugin.id in chosen
        or any(plugin.answers_to(word) for word in words)
        or any(name in used or f"{plugin.switch}/{name}" in used for name in plugin.builtins)
    )


def told_once(errors: list[LisppumpError], stages: Any) -> list[LisppumpError]:
    """Errors with one cause in one plugin tell it once; a name without value may be that plugin's, too."""
    lost = next((error for error in errors if error.code == "unbound"), None)
    if lost is not None:
        for plugin in getattr(stages, "absent", ()):
            lost.add_note(f"it may be a builtin of a plugin that is not there: {plugin.line()}")
    causes = {error.data: error for error in reversed(errors) if error.code in UNUSABLE}
    kept = []
    for error in errors:
        if error.code == "unbound" and causes:
            continue
        if error.code in UNUSABLE and causes[error.data] is not error:
            error.message = f"{error.message.partition(': ')[0]}, for the same reason"
            error.help, error.trace = None, ()
        kept.append(error)
    return kept
