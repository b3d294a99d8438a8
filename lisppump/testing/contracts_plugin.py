"""Contract checks for a plugin as a whole, and for the commands that it adds."""

from __future__ import annotations

import contextlib
import inspect
import io
from typing import TYPE_CHECKING, Any

from lisppump.errors import place_of, said
from lisppump.plugin_contents import contents
from lisppump.stages import KINDS
from lisppump.testing.breach import breach, require
from lisppump.testing.contracts_options import examples_of, require_construction, require_options

if TYPE_CHECKING:
    import click


def check_plugin(plugin: Any) -> dict[str, dict[str, Any]]:
    """Hold a plugin, a module or an object, to what is asked of one at its loading; what it offers, by noun.

    Beside that people should be able to read of it: every stage has a docstring, every option a doc. What its
    stages, builtins and commands do is for their own checks.
    """
    who = str(getattr(plugin, "__name__", type(plugin).__name__))
    found = contents(plugin, who, None, None)
    offered: dict[str, dict[str, Any]] = {}
    for offer in found.offers:
        kind, whose = KINDS[offer.kind], f"{offer.kind} `{offer.name}` of plugin {who}"
        own = vars(offer.factory).get("__doc__")
        told = "say in a sentence what it does; `lisppump describe` shows it"
        require(isinstance(own, str) and bool(own.strip()), f"{whose} has no docstring", told)
        require_options(whose, offer.factory)
        require_construction(kind, offer.factory, examples_of(offer.factory) or [])
        offered.setdefault(kind.hook, {})[offer.name] = offer.factory
    for noun, table in (("builtins", found.builtins), ("commands", found.commands)):
        if table:
            offered[noun] = dict(table)
    return offered


def check_command(command: click.Command, name: str | None = None) -> None:
    """Hold a command to its contract: it explains itself, and its function takes what click gives it.

    The function may take the Settings first, with `@click.pass_obj` before it. It is not called.
    """
    import click

    if not isinstance(command, click.Command):
        called = getattr(command, "__name__", command)
        sentence = f"a command is wanted here, got the {type(command).__name__} {called}"
        raise breach(sentence, "put @click.command() before the def")
    name = name or command.name or "it"
    whose = f"the command `{name}`"
    text = command.help or command.short_help or ""
    require(bool(text.strip()), f"{whose} has no help", "give its function a docstring")
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            require(bool(param.help), f"{whose} has the option {param.opts[-1]} without help")
    _require_help(whose, name, command)
    _require_arguments(whose, command)
    if isinstance(command, click.Group):
        for word, part in command.commands.items():
            check_command(part, f"{name} {word}")


def _require_help(whose: str, name: str, command: click.Command) -> None:
    """Ask for its help as a user does."""
    from lisppump.cli.context import Settings

    out = io.StringIO()
    line = f"lisppump {name} --help"
    try:
        with contextlib.redirect_stdout(out):
            code = command.main(["--help"], f"lisppump {name}", standalone_mode=False, obj=Settings())
    except (Exception, SystemExit) as error:
        told = f"{whose} should say its help; `{line}` raised {said(error)} ({place_of(error)})"
        raise breach(told) from error
    require(code in (0, None), f"{whose} should say its help; `{line}` ended with {code!r}")
    wrote = out.getvalue()
    require("Usage:" in wrote, f"{whose} should say its help; `{line}` wrote {wrote[:60]!r}")


def _require_arguments(whose: str, command: click.Command) -> None:
    """Hold the function to the parameters: click gives all of them, by name, and nothing else."""
    from lisppump.cli.context import Command, global_options

    if command.callback is None:
        return
    given = {str(param.name): param for param in command.params if param.expose_value}
    if isinstance(command, Command):  # it keeps the global options for the Settings
        for option in global_options():
            given.pop(str(option.name), None)
    parameters = inspect.signature(command.callback).parameters
    takes = [p for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p.name for p in takes if p.default is p.empty and p.name not in given]
    if needed and hasattr(command.callback, "__wrapped__") and needed[0] == takes[0].name:
        needed = needed[1:]  # `click.pass_obj` and its like give the first
    if needed:
        help = "put @click.pass_obj between @click.command() and the def, which gives the Settings first"
        raise breach(f"{whose} has a function that wants `{needed[0]}`, which nothing gives it", help)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    names = {p.name for p in takes if p.kind is not p.POSITIONAL_ONLY}
    for word, param in given.items():
        known = open_ended or word in names
        require(known, f"{whose} has {param.opts[-1]}, which its function does not take as `{word}`")
