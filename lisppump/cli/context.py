"""What every command shares: the global options, and how results and errors are written. It is no command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from lisppump import canon
from lisppump.errors import ErrorList, LisppumpError, declare, on_one_line, suggest

if TYPE_CHECKING:
    from lisppump.plugin import Plugin
    from lisppump.policy import Policy
    from lisppump.pump import Pump
    from lisppump.registry import Registry

declare("usage", 1, not_asked="Something needs a yes, and there is nobody who could be asked for it.")

JSON_LINES = ("run", "step", "log", "repl")  # commands whose --json is one document a line


@dataclass(slots=True)
class Settings:
    """The global options; click fills them in, those after the command's name over those before it.

    `lines` says that --json of this command is JSON Lines.
    """

    dir: Path = Path()
    pump: Path | None = None
    plugins: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool | None = None
    no_input: bool = False
    trace_hooks: bool = False
    lines: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    _registry: Registry | None = None

    @classmethod
    def guess(cls, args: Sequence[str], commands: Collection[str]) -> Settings:
        """What is needed to report an error where click cannot read the command line."""
        wanted = os.environ.get("LISPPUMP_JSON", "").lower() in ("1", "true", "t", "yes", "y", "on")
        name = next((word for word in args if word in commands), None)
        color = False if "--no-color" in args else True if "--color" in args else None
        return cls(json="--json" in args or wanted, lines=name in JSON_LINES, color=color)

    def open(self, overrides: Mapping[str, Any] | None = None) -> Pump:
        """The simulation that the options name."""
        from lisppump.pump import Pump

        registry = self.registry()
        try:
            pump = Pump.open(self.dir, pump=self.pump, overrides=self._all(overrides), registry=registry)
        except LisppumpError:
            self.note_lock()
            raise
        self.note_absent(self.chosen())
        self.note_lock()
        return pump

    def look(self) -> Pump:
        """The same to look at: it opens where pump.lisp does not check any more, too."""
        from lisppump.status import look

        registry = self.registry()
        pump = look(self.dir, pump=self.pump, registry=registry)
        self.note_absent(self.chosen())
        return pump

    def registry(self) -> Registry:
        """The plugins of the simulation, if there is one, without those that -p switches off."""
        if self._registry is None:
            from lisppump.cli import COMMANDS
            from lisppump.registry import Ears, Registry

            ears = Ears(complain=self.note, trace=self.say if self.trace_hooks else None)
            self._registry = Registry.load(
                self.root(), without=self.plugins, reserved=COMMANDS, ears=ears
            )
            self._note_switches(self._registry)
        return self._registry

    def chosen(self, file: Path | None = None) -> Registry:
        """The same without the plugins that pump.lisp (or `file`) leaves out; it need not check for that."""
        from lisppump.policy import switches_in

        root = self.root()
        path = file or self.pump or (root / "pump.lisp" if root is not None else None)
        return self.registry() if path is None else self.registry().under(*switches_in(path))

    def root(self) -> Path | None:
        """The folder of the simulation; None where there is none."""
        from lisppump.folder import root_of

        return root_of(self.dir, self.pump)

    def note_absent(self, registry: Registry, but: Collection[Any] = ()) -> None:
        """A line for each plugin that cannot be used, but for those switched off or told already."""
        for plugin in registry.absent:
            if plugin.state != "off" and plugin.id not in but:
                self.note(plugin.line() + (f"; {plugin.help}" if plugin.help else ""))

    def note_lock(self) -> None:
        """Say what plugins.lock names and this environment has not."""
        from lisppump import lockfile

        root = self.root()
        try:
            entries = lockfile.read(root) if root is not None else ()
            missing = lockfile.compare(entries, lockfile.installed(entries, root)).missing if root else ()
        except LisppumpError as error:
            self.note(error.message)
            return
        if missing:
            names = ", ".join(f"{entry.name} {entry.version}" for entry in missing)
            self.note(f"plugins.lock names {names}, not installed here: `lisppump plugins sync`")

    def note_words(self, policy: Policy) -> None:
        """Say of words in (plugins ...) that no plugin answers to: they may be misspelt."""
        for option, words in (("without", policy.plugins.without), ("order", policy.plugins.order)):
            for word in words:
                self._note_word(self.registry(), word, f"(plugins ({option} {word}))")

    def _note_switches(self, registry: Registry) -> None:
        """Say of a -p that no plugin answers to it: it may be misspelt."""
        for word in self.plugins:
            self._note_word(registry, word, f"-p no:{word}")

    def _note_word(self, registry: Registry, word: str, where: str) -> None:
        """Say that no plugin answers to a word, where none does, and what may be meant."""
        if word == "lisppump" or any(plugin.answers_to(word) for plugin in registry.plugins):
            return
        known = {name for plugin in registry.plugins for name in (plugin.name, plugin.switch) if name}
        longer = [name for name in sorted(known) if name.startswith(word)]
        near = longer or list(filter(None, [suggest(word, [*known])]))
        hint = f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
        self.note(f"{where}: no plugin is called so{hint}")

    def agree(self, question: str, yes: bool = False, *, help: str = "say it with --yes") -> bool:
        """Ask whether to do something (`install 2 plugins?`); an error where nobody may be asked."""
        if yes:
            return True
        if not self.asks():
            nobody = "--no-input was given" if self.no_input else "the input is no terminal"
            what = f"to {question.rstrip('?')} needs a yes, and {nobody}; nothing was changed"
            raise LisppumpError("not-asked", what, help=help)
        question = on_one_line(clean(question[0].upper() + question[1:]))
        return click.confirm(question, default=False, err=True)

    def asks(self) -> bool:
        """Whether somebody is there who may be asked."""
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    def _all(self, overrides: Mapping[str, Any] | None) -> dict[str, Any]:
        """Everything the command line changes in the policy, for the frame's intent."""
        return {**(overrides or {}), **({"without": list(self.plugins)} if self.plugins else {})}

    def document(self, value: Mapping[str, Any]) -> None:
        """Write the result as the one JSON document of this command."""
        self.raw(canon.document(value))

    def line(self, value: Mapping[str, Any]) -> None:
        """Write a part of the result as one JSON line, at once."""
        self.raw(canon.line(value) + b"\n")

    def print(self, text: str = "", **style: Any) -> None:
        """Write one line of the result for a person; a line break in it is spelled out."""
        self._echo(self.out, on_one_line(clean(text)), style)

    def block(self, text: str) -> None:
        """Write a text of the result whose lines are its own: a value, a prompt, a page."""
        self._echo(self.out, clean(text), {})

    def say(self, text: str, **style: Any) -> None:
        """Write one line beside the result: progress, notes, errors."""
        self._echo(sys.stderr, on_one_line(clean(text)), style)

    def note(self, text: str, **style: Any) -> None:
        """Write one line that -q silences."""
        if not self.quiet:
            self.say(text, **style)

    def fail(self, error: LisppumpError) -> None:
        """Write an error: a diagnostic on stderr, or its document on stdout with --json."""
        if not self.json:
            for line in error.diagnostic().split("\n"):
                self.say(line, **({"fg": "red", "bold": True} if line.startswith("error[") else {}))
            return
        errors = error.errors if isinstance(error, ErrorList) else (error,)
        data: dict[str, Any] = {"schema": "lisppump/error@1", "error": errors[0].to_json()}
        if isinstance(error, ErrorList):
            data["errors"] = [each.to_json() for each in errors]
        if self.lines:
            self.line(data)
        else:
            self.document(data)

    def paints(self, stream: TextIO) -> bool:
        """Whether text written to this stream may be coloured."""
        if self.color is not None:
            return self.color
        return stream.isatty() and not os.environ.get("NO_COLOR")

    def raw(self, data: bytes) -> None:
        """Write bytes of the result as they are."""
        self.out.flush()
        self.out.buffer.write(data)
        self.out.buffer.flush()

    def _echo(self, stream: TextIO, text: str, style: Mapping[str, Any]) -> None:
        if style and self.paints(stream):
            text = click.style(text, **style)
        click.echo(text, file=stream, color=True)


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_CONTROLS |= {  # what breaks a line elsewhere, and what turns the order of letters around
    code: f"\\u{code:04x}"
    for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


def clean(text: str) -> str:
    """Text of agents, models and files made harmless for a terminal: control characters are spelled out.

    Tabs and line breaks stay; where a text is a part of a line, `on_one_line` spells these out.
    """
    return text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()


def table(rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """Rows as lines with aligned columns; the last column is as long as it likes."""
    rows = [[on_one_line(clean(cell)) for cell in row] for row in rows]
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(max(map(len, rows), default=0))]
    return [
        indent + "  ".join([*(cell.ljust(widths[n]) for n, cell in enumerate(row[:-1])), row[-1]]).rstrip()
        for row in rows
    ]


def incoming() -> BinaryIO:
    """The bytes that come in on stdin; an error where there is no stdin."""
    if sys.stdin is None:
        raise click.UsageError("stdin is closed, so nothing can be read from it; open it, as with `< FILE`")
    return sys.stdin.buffer


# -- the options


def global_options() -> list[click.Parameter]:
    """The options that may stand before or after the command's name."""
    folder = click.Path(file_okay=False, path_type=Path)
    file = click.Path(dir_okay=False, path_type=Path)
    return [
        click.Option(["-C", "dir"], type=folder, metavar="DIR", help="Work in this folder (LISPPUMP_DIR)."),
        click.Option(["--pump"], type=file, metavar="FILE", help="Another policy than DIR's pump.lisp."),
        click.Option(
            ["-p", "plugins"],
            multiple=True,
            default=None,
            metavar="no:NAME",
            help="Leave a plugin out, also a broken one (LISPPUMP_PLUGINS, with spaces between several).",
            callback=_switches,
            shell_complete=_switchable,
        ),
        _flag(["--json"], "The result as JSON, errors too."),
        _flag(["-q", "--quiet"], "No progress and no notes."),
        _flag(["-v", "--verbose"], "More about each stream."),
        click.Option(["--color/--no-color"], default=None, help="Colours, or none (NO_COLOR does it too)."),
        _flag(["--no-input"], "Never ask anything."),
        _flag(["--trace-hooks"], "Say which plugins are loaded, and each call of their hooks."),
    ]


def _switches(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The names of plugins that are switched off."""
    for value in values or ():
        if not value.startswith("no:") or value == "no:":
            raise click.BadParameter(f"write no:NAME, got `{value}`", ctx, option)
    return tuple(value[3:] for value in values) or None


def _switchable(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers there: no:NAME for every plugin."""
    words = {f"no:{plugin.switch}" for plugin in plugins_of(ctx) if plugin.switch}
    return sorted(word for word in words if word.startswith(incomplete))


def plugins_of(ctx: click.Context) -> Sequence[Plugin]:
    """The plugins of the world that an unfinished line is about, by the metadata alone."""
    from lisppump.registry import Registry

    levels: list[click.Context] = []
    level: click.Context | None = ctx
    while level is not None:
        levels.insert(0, level)
        level = level.parent
    for level in levels:
        take_settings(level)
    return Registry.load(ctx.obj.root()).plugins


def _flag(names: list[str], help: str) -> click.Option:
    return click.Option(names, is_flag=True, default=None, help=help)


_GLOBAL = tuple(str(option.name) for option in global_options())


def take_settings(ctx: click.Context) -> None:
    """Put what this level of the command line says into the settings, out of its parameters."""
    settings = ctx.obj
    for name in _GLOBAL:
        value = ctx.params.pop(name, None)
        if value is not None and value != getattr(settings, name):
            setattr(settings, name, value)
            if name in ("dir", "pump", "plugins"):
                settings._registry = None  # a plugin's command is looked for before what follows is read


def write_global_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The help's section of the options that every command takes."""
    with formatter.section("Options of every command (in the environment LISPPUMP_NAME)"):
        records = (param.get_help_record(ctx) for param in command.get_params(ctx) if _is_global(param))
        formatter.write_dl([record for record in records if record is not None])


def option_records(command: click.Command, ctx: click.Context) -> list[tuple[str, str]]:
    """The options that are a command's own, as its help shows them."""
    own = [param for param in command.params if isinstance(param, click.Option) and not _is_global(param)]
    return [record for param in own if (record := param.get_help_record(ctx)) is not None]


def _is_global(param: click.Parameter) -> bool:
    return param.name in (*_GLOBAL, "version", "help")


class Command(click.Command):
    """A command that takes the global options after its name too; its function gets the Settings first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += global_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Settle the settings and run; what anybody else prints meanwhile is no result of ours."""
        take_settings(ctx)
        if isinstance(self, click.Group):  # the help of what stands below it is a result
            return super().invoke(ctx)
        with redirect_stdout(sys.stderr):
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options; the global ones in one line."""
        own = option_records(self, ctx)
        if own:
            prefix = str(ctx.auto_envvar_prefix or "").upper()
            with formatter.section(f"Options (in the environment {prefix}_NAME)"):
                formatter.write_dl(own)
        formatter.write_paragraph()
        formatter.write_text("The options of every command: see `lisppump --help`.")


def as_command(name: str, **attributes: Any) -> Callable[[Callable[..., int | None]], Command]:
    """Make a function the command of that name: it gets the Settings, then its parameters."""

    def make(function: Callable[..., int | None]) -> Command:
        return click.command(name, cls=Command, **attributes)(click.pass_obj(function))

    return make
