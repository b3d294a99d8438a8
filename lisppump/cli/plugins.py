"""`lisppump plugins`: whose stages there are, and why. It works however broken plugins are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Command, Settings, as_command, plugins_of, table
from lisppump.errors import LisppumpError, declare, legible, suggest

if TYPE_CHECKING:
    from lisppump.plugin import Plugin
    from lisppump.policy import Policy
    from lisppump.registry import Registry

declare("usage", 1, no_such_plugin="Neither a plugin nor anything that plugins offer has that name.")

BY_POLICY = "by pump.lisp: when it fails, the run stops (a backend's failure is its stream's)"

SUBCOMMANDS = {
    "list": ("plugins:list_command", "Every plugin: its state, where it came from, what it offers."),
    "why": ("plugins:why_command", "Who offers a name, who has it, and where a plugin came from."),
    "new": ("plugins_new:new_command", "Write a distribution of your own, with tests."),
    "add": ("plugins_install:add_command", "Install plugins, and keep note of them in plugins.lock."),
    "remove": ("plugins_install:remove_command", "Take plugins out of plugins.lock and uninstall them."),
    "sync": ("plugins_install:sync_command", "Install what plugins.lock names."),
}


class Plugins(Command, click.Group):
    """The group; a subcommand's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name."""
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, name = SUBCOMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(f"lisppump.cli.{module}"), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a misspelt name."""
        name = args[0]
        if name not in SUBCOMMANDS and not name.startswith("-"):
            near = suggest(name, [*SUBCOMMANDS])
            hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(SUBCOMMANDS)}"
            raise click.UsageError(f"`plugins` has no command `{name}`; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The subcommands, then what every command has."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, doc) for name, (_, doc) in SUBCOMMANDS.items()])
        super().format_options(ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Without a subcommand it is `list`."""
        result = super().invoke(ctx)
        return ctx.invoke(self._list(ctx)) if ctx.invoked_subcommand is None else result

    def _list(self, ctx: click.Context) -> Any:
        found = self.get_command(ctx, "list")
        assert found is not None
        return lambda: found.invoke(click.Context(found, parent=ctx, obj=ctx.obj))


command = Plugins(
    "plugins",
    invoke_without_command=True,
    help="Whose stages there are: the plugins of this folder and environment. Alone it is `plugins list`.",
)


@as_command("list")
def list_command(settings: Settings) -> None:
    """Every plugin: its state, where it came from, what it offers. Works whatever is broken."""
    registry, policy = looked_at(settings)
    named = {plugin.id for plugin in policy.named} if policy is not None else set()
    if settings.json:
        settings.document(_document(registry, named))
        return
    rows = [[p.state, p.id, p.version or "-", _offered(p) or "-"] for p in registry.plugins]
    lines = table(rows)
    for line, plugin in zip(lines, registry.plugins, strict=True):
        settings.print(line + ("  (named by pump.lisp)" if plugin.id in named else ""))
        if plugin.reason:
            settings.print(f"  {_where(plugin)}{plugin.reason}")
        if plugin.help:
            settings.print(f"  help: {plugin.help}")
    if not rows:
        settings.print("no plugins but the built-in stages:")
    else:
        settings.print("built-in stages:")
    for line in table([[kind, " ".join(names)] for kind, names in _built_in().items()], indent="  "):
        settings.print(line)
    for clash in registry.clashes:
        settings.print(clash)


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers for `why`: plugins, and the stages that are built in; nothing is imported."""
    from lisppump.registry import builtin_stages

    plugins = {word for plugin in plugins_of(ctx) for word in (plugin.name, plugin.switch) if word}
    words = plugins | {name for _, name in builtin_stages()}
    return sorted(word for word in words if word.startswith(incomplete))


@as_command("why")
@click.argument("name", shell_complete=_names)
def why_command(settings: Settings, name: str) -> None:
    """Why is NAME what it is: a plugin, or a stage, builtin or command by who offers it.

    The first of several has the name; the others are reached by the longer one.
    """
    registry, policy = looked_at(settings)
    plugins = [plugin for plugin in registry.plugins if plugin.answers_to(name)]
    offers = [entry for entry in _offers(registry) if name in (entry["name"], entry["full"])]
    if not plugins and not offers:
        raise _nobody(registry, name)
    chosen = _chosen(policy)
    for entry in offers:
        entry["chosen"] = chosen.get((entry["kind"], entry["plugin"], entry["name"]), [])
    if settings.json:
        documents = [_plugin(plugin) for plugin in plugins]
        settings.document(
            {"schema": "lisppump/plugins-why@1", "name": name, "plugins": documents, "offers": offers}
        )
        return
    for plugin in plugins:
        for line in _story(plugin, policy):
            settings.print(line)
    for entry in offers:
        settings.print(_reach(entry, name))
        settings.print(f"  {entry['file'] or 'see `lisppump describe ' + entry['name'] + '`'}")
        for place in entry["chosen"]:
            settings.print(f"  chosen in {place}")


def looked_at(settings: Settings) -> tuple[Registry, Policy | None]:
    """The plugins as pump.lisp wants them, and the policy where it checks."""
    from lisppump.policy import Policy

    registry = settings.chosen().ready()
    root = settings.root()
    if root is None:
        return registry, None
    try:
        return registry, Policy.load(settings.pump or root / "pump.lisp", registry=settings.registry())
    except LisppumpError:
        return registry, None  # `check` says what is wrong with it


def _nobody(registry: Registry, name: str) -> LisppumpError:
    known = {entry["name"] for entry in _offers(registry)}
    known |= {word for plugin in registry.plugins for word in (plugin.name, plugin.switch)}
    near = suggest(name, sorted(known))
    absent = [plugin.line() for plugin in registry.absent]
    help = f"did you mean `{near}`?" if near else "see `lisppump plugins`"
    return LisppumpError(
        "no-such-plugin",
        f"no plugin is called `{name}`, and none offers it",
        help="; ".join([help, *absent]),
    )


def _offers(registry: Registry) -> Iterator[dict[str, Any]]:
    """Everything that plugins and built-in stages offer, with what reaches it."""
    from lisppump.registry import builtin_stages

    stages = {(offer.kind, offer.name) for _, brought in registry.contents() for offer in brought.offers}
    for kind, name in sorted(stages | builtin_stages()):
        for place, offer in enumerate(registry.offers(kind, name)):
            yield {
                "kind": kind,
                "name": name,
                "reached_as": name if place == 0 else registry.full_name(offer),
                "full": registry.full_name(offer),
                "plugin": offer.plugin,
                "version": offer.version,
                "file": offer.file and legible(offer.file),
            }
    yield from _words(registry)


def _words(registry: Registry) -> Iterator[dict[str, Any]]:
    """Builtins, commands and hooks: lisppump's own have their names, whoever offers others."""
    from lisppump.hookspecs import NOUNS, PARTICIPLES, VERBS
    from lisppump.registry import BUILTIN, language

    own = {"builtin": language(), "command": registry.reserved, "hook": (*NOUNS, *VERBS, *PARTICIPLES)}
    taken: set[tuple[str, str]] = set()

    def entry(kind: str, name: str, plugin: str, version: str | None, file: str | None) -> dict[str, Any]:
        full = f"{plugin.partition(':')[0]}/{name}"
        reached = full if (kind, name) in taken else name
        taken.add((kind, name))
        return {
            "kind": kind, "name": name, "reached_as": reached, "full": full, "plugin": plugin,
            "version": version, "file": file,
        }  # fmt: skip

    for kind, names in own.items():
        yield from (entry(kind, name, BUILTIN, None, None) for name in sorted(names))
    for plugin, brought in registry.contents():
        for kind, offered in (("builtin", brought.builtins), ("command", brought.commands)):
            for name in offered or ():
                file = plugin.file and legible(plugin.file)
                made = entry(kind, name, plugin.id, plugin.version, file)
                full = f"{plugin.switch}/{name}"
                reached = name if made["reached_as"] == name else full
                yield {**made, "full": full, "reached_as": reached}


def _chosen(policy: Policy | None) -> dict[tuple[str, str, str], list[str]]:
    """Where pump.lisp chooses which stage."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for choice in policy.stages() if policy is not None else ():
        place = f"{choice.span.file}:{choice.span.line}" if choice.span is not None else "a default"
        places = found.setdefault((choice.kind, choice.offer.plugin, choice.offer.name), [])
        if place not in places:
            places.append(place if not place.startswith("<") else "no clause: it is the default")
    return found


def _reach(entry: dict[str, Any], name: str) -> str:
    who = entry["plugin"] + (f" {entry['version']}" if entry["version"] else "")
    has = "has the name" if entry["reached_as"] == entry["name"] else f"is `{entry['reached_as']}`"
    return f"{entry['kind']} `{entry['name']}` of {who} {has}"


def _story(plugin: Plugin, policy: Policy | None) -> list[str]:
    from lisppump.plugin import FOLDER, READY

    named = policy is not None and any(plugin.id == each.id for each in policy.named)
    where = "a file of this folder" if plugin.origin == FOLDER else "installed in this environment"
    rows = [
        ["state", plugin.state + (f": {_where(plugin)}{plugin.reason}" if plugin.reason else "")],
        ["from", f"{where}, {legible(plugin.file)}" if plugin.file else where],
        ["offers", _offered(plugin) or "-"],
        ["named", BY_POLICY if named else "no: its faults are only told"],
    ]
    if plugin.state == READY:
        rows.append(["code", plugin.digest or "-"])
        rows.append(["switch", f"-p no:{plugin.switch}, or (plugins (without {plugin.switch})) in pump.lisp"])
    if plugin.help:
        rows.append(["help", plugin.help])
    return [f"{plugin.id} {plugin.version or ''}".rstrip(), *table(rows, indent="  ")]


def _where(plugin: Plugin) -> str:
    return f"{plugin.place}: " if plugin.place else ""


def _offered(plugin: Plugin) -> str:
    """What a plugin brings, by kind."""
    return "; ".join(f"{kind} {' '.join(names)}" for kind, names in _by_kind(plugin).items() if names)


def _by_kind(plugin: Plugin) -> dict[str, Sequence[str]]:
    from lisppump.stages import KINDS

    kinds = {kind: [offer.name for offer in plugin.offers if offer.kind == kind] for kind in KINDS}
    return {**kinds, "builtin": plugin.builtins, "command": plugin.commands, "hook": plugin.hooks}


def _built_in() -> dict[str, list[str]]:
    from lisppump.registry import builtin_stages
    from lisppump.stages import KINDS

    return {kind: sorted(name for found, name in builtin_stages() if found == kind) for kind in KINDS}


def _document(registry: Registry, named: set[str]) -> dict[str, Any]:
    return {
        "schema": "lisppump/plugins@1",
        "plugins": [{**_plugin(plugin), "named": plugin.id in named} for plugin in registry.plugins],
        "builtin": _built_in(),
        "clashes": registry.clashes,
    }


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "plugin": plugin.id,
        "state": plugin.state,
        "origin": plugin.origin,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "file": plugin.file and legible(plugin.file),
        "digest": plugin.digest,
        "offers": {kind: list(names) for kind, names in _by_kind(plugin).items() if names},
        "place": plugin.place,
        "reason": plugin.reason,
        "help": plugin.help,
    }
