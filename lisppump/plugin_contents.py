"""What a plugin holds, once its code is there: its nouns are asked here, and nowhere else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lisppump import hookspecs
from lisppump.errors import LisppumpError
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.plugin import Offer
from lisppump.plugin_checks import check_api, check_stage, defined_at, implementations
from lisppump.stages import KINDS

_STAGE = re.compile(r"[^\s()\[\]{}\"'`,;/:]+")
_COMMAND = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Implementation:
    """One function of a plugin that answers a verb or hears a past participle."""

    hook: str
    attribute: str
    function: Callable[..., Any]
    options: Mapping[str, Any]

    @property
    def wraps(self) -> bool:
        """True for a wrapper."""
        return bool(self.options.get("wrapper"))


@dataclass(frozen=True, slots=True)
class Contents:
    """All that one plugin brings."""

    code: Any
    implementations: tuple[Implementation, ...] = ()
    offers: tuple[Offer, ...] = ()
    builtins: Mapping[str, BuiltinSpec] | None = None
    commands: Mapping[str, Any] | None = None


def contents(code: Any, who: str, version: str | None, digest: str | None) -> Contents:
    """Hold a plugin's code to its checks and ask its nouns; raises what is wrong with it."""
    check_api(code, who)
    found: list[Implementation] = []
    offers: list[Offer] = []
    builtins: dict[str, BuiltinSpec] = {}
    commands: dict[str, Any] = {}
    kinds = {kind.hook: kind for kind in KINDS.values()}
    for hook, attribute, function, options in implementations(code, who):
        if hook not in hookspecs.NOUNS:
            found.append(Implementation(hook, attribute, function, options))
            continue
        table = _table(function, function(), who)
        if hook in kinds:
            for name, factory in table.items():
                if not _STAGE.fullmatch(name):
                    way = "a stage's name is one word, without / or :"
                    raise _bad(function, who, f"the name `{name}`", way)
                check_stage(kinds[hook], name, factory, who)
                offers.append(Offer(kinds[hook].name, name, factory, who, version, file_of(factory), digest))
        elif hook == "builtins":
            builtins.update(_builtins(function, table, who))
        else:
            commands.update(_commands(function, table, who))
    return Contents(code, tuple(found), tuple(offers), builtins, commands)


def _table(hook: Callable[..., Any], table: Any, who: str) -> Mapping[str, Any]:
    if not isinstance(table, Mapping) or not all(isinstance(name, str) for name in table):
        name = hook.__name__
        wanted = {"builtins": "BuiltinSpec", "commands": "click.Command"}.get(name, "class")
        raise LisppumpError(
            "bad-hook",
            f"{name}() of plugin {who} should return a dict of name -> {wanted}, got {_given(table)}",
            help=f"see `lisppump describe {name}`",
            data=defined_at(hook),
        )
    return table


def _builtins(
    hook: Callable[..., Any], table: Mapping[str, Any], who: str
) -> Iterator[tuple[str, BuiltinSpec]]:
    """Every name that a plugin's builtins want, aliases too."""
    for name, spec in table.items():
        if not isinstance(spec, BuiltinSpec):
            way = "put @lispy_builtin(...) before the def"
            raise _bad(hook, who, f"`{name}`, which is {_kind(spec)}", way)
        if name != spec.name:
            way = "use the name that @lispy_builtin was given"
            raise _bad(hook, who, f"`{name}` for the builtin `{spec.name}`", way)
        for word in (name, *spec.aliases):
            yield word, spec


def _commands(hook: Callable[..., Any], table: Mapping[str, Any], who: str) -> Iterator[tuple[str, Any]]:
    import click

    for name, command in table.items():
        if not isinstance(command, click.Command):
            way = "put @click.command() before the def"
            raise _bad(hook, who, f"`{name}`, which is {_kind(command)}", way)
        if not _COMMAND.fullmatch(name):
            raise _bad(hook, who, f"the name `{name}`", "use small letters, digits and hyphens")
        if not (command.help or command.short_help):
            raise _bad(hook, who, f"`{name}` without help", "give its function a docstring")
        yield name, command


def _bad(hook: Callable[..., Any], who: str, what: str, help: str) -> LisppumpError:
    sentence = f"{hook.__name__}() of plugin {who} offers {what}"
    return LisppumpError("bad-hook", sentence, help=help, data=defined_at(hook))


def _given(table: Any) -> str:
    strange = [name for name in table if not isinstance(name, str)] if isinstance(table, Mapping) else []
    return f"one with the name {strange[0]!r}" if strange else _kind(table)


def _kind(value: Any) -> str:
    kind = "a class" if inspect.isclass(value) else type(value).__name__
    return f"a {kind}" if kind[:2] != "a " else kind


def file_of(factory: Any) -> str | None:
    """The file that a class was written in."""
    try:
        return inspect.getsourcefile(factory)
    except (TypeError, OSError):
        return None


