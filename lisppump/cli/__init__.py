"""The command line: a table of commands, each imported when it is called. It does none of their work."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

import click

from lisppump import __version__
from lisppump.cli.context import Settings, global_options, take_settings, write_global_options
from lisppump.errors import LisppumpError, declare, suggest

if TYPE_CHECKING:
    from lisppump.registry import OfferedCommand

declare("usage", 1, no_access="The system refuses to read or write a file or folder.")

COMMANDS: dict[str, str] = {
    "init": "Make a folder with a world to run.",
    "check": "Is pump.lisp right? Every error at once.",
    "plan": "What would the next frame do? No call, no write.",
    "step": "Run some frames without rest between them.",
    "run": "Run frames until you stop it, or its budget or breaker does.",
    "eval": "Evaluate LisPy over the state, read-only.",
    "repl": "The same, form by form, as you type them.",
    "fmt": "Re-indent LisPy files.",
    "status": "Where the world stands.",
    "log": "The frames so far, newest first.",
    "show": "One frame: what came, what became of it, what changed.",
    "diff": "What changed between two frames, by document and by agent.",
    "why": "Why the world is as it is for an agent in a frame.",
    "replay": "Are frames still what they were? Made again, nobody asked.",
    "rollback": "Go back to an earlier frame.",
    "undo": "Take back the last frame, import, edit, rollback or undo.",
    "retry": "Make a frame once more, some of its streams asked anew.",
    "branch": "A copy of this world that goes on by itself.",
    "pause": "Let the run that is going wait after its frame.",
    "resume": "Let a run that was paused go on.",
    "stop": "Let the run that is going end after its frame.",
    "import-deltas": "Take in deltas that were made elsewhere.",
    "budget": "What was spent of what may be: list, reset.",
    "mail": "Take in letters of another world.",
    "quarantine": "Items that did not pass: list, show, accept, drop.",
    "edits": "What was changed in the state by hand: list, take, drop.",
    "steer": "Ask something of the next frames: list, add, drop.",
    "cat": "Print what is kept under a digest that a message names.",
    "verify": "Is all of this world as it was written?",
    "repair": "Save what can be saved of a damaged world.",
    "plugins": "Whose stages there are: list, why, new, add, remove, sync.",
    "trust": "Let this folder's own Python plugins run.",
    "describe": "A builtin, form, clause, stage, hook, plugin, command or error code.",
    "apropos": "Every name whose description speaks of a word.",
    "doctor": "Is all well here? One line each, with what to do.",
    "completion": "What a shell needs to complete command lines.",
}


def module_of(name: str) -> str:
    """The module of a command."""
    return f"lisppump.cli.{name.replace('-', '_')}"


EXIT_USAGE, EXIT_DEFECT, EXIT_INTERRUPTED = 2, 70, 130
UNWRITTEN = frozenset(  # how a stream that is open refuses what is written to it
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
)
FOREIGN = "lisppump.foreign"  # in the context: the plugin's command that is run
OURS = (  # what a plugin's command may raise, and what stops one
    LisppumpError, click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError,
    KeyboardInterrupt,
)  # fmt: skip


class Lisppump(click.Group):
    """The group: it knows names and one-line helps, and imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            offered = _offered(ctx).get(cmd_name)
            ctx.meta[FOREIGN] = offered
            return None if offered is None else offered.command
        command: click.Command = import_module(module_of(cmd_name)).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a misspelt name."""
        name = args[0]
        if ctx.resilient_parsing:  # a shell wants to complete the line; it is not told what is wrong with it
            return super().resolve_command(ctx, args)
        if name not in COMMANDS and not name.startswith("-") and name not in (offered := _offered(ctx)):
            known = [*COMMANDS, *offered]
            near = suggest(name, known)
            hint = f"did you mean `{near}`?" if near else f"commands: {', '.join(known)}"
            ctx.obj.note_absent(ctx.obj.chosen())
            raise click.UsageError(f"there is no command `{name}`; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing a command."""
        with formatter.section("Commands (plugins add theirs: `lisppump plugins`)"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands first, then the options that all of them take."""
        self.format_commands(ctx, formatter)
        write_global_options(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Take the options given before the command's name; those after it come on top."""
        take_settings(ctx)
        try:
            return super().invoke(ctx)
        except BaseException as error:
            foreign = ctx.meta.get(FOREIGN)
            if foreign is None or isinstance(error, OURS):
                raise
            if isinstance(error, SystemExit):
                raise click.exceptions.Exit(_left(error, ctx.obj)) from None
            from lisppump.blame import command_fault

            name = ctx.invoked_subcommand or foreign.command.name
            raise command_fault(name, foreign.plugin.id, foreign.plugin.switch, error) from error


def _left(error: SystemExit, settings: Settings) -> int:
    """The exit code of a command that called sys.exit, as Python has it: a text is told, and is 1."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    for line in str(error.code).split("\n"):
        settings.say(line)
    return 1


def _offered(ctx: click.Context) -> Mapping[str, OfferedCommand]:
    """The commands of plugins; it takes importing them all, so nobody asks for them first."""
    offered: Mapping[str, OfferedCommand] = ctx.obj.chosen().commands()
    return offered


group = Lisppump(
    "lisppump",
    help="A frame goes in, streams pour, deltas merge into the next, and small LisPy programs think between.",
    epilog="A world is a folder with a pump.lisp: `lisppump init DIR`, then `lisppump -C DIR run`.",
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            help="Print the version.",
            callback=lambda ctx, _, value: _version(ctx) if value else None,
        ),
    ],
    context_settings={"auto_envvar_prefix": "LISPPUMP", "help_option_names": ["-h", "--help"]},
)


def _version(ctx: click.Context) -> None:
    click.echo(f"lisppump {__version__}")
    ctx.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code is what a shell should see."""
    args = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    settings = Settings.guess(args, COMMANDS)
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter is no fault
    try:
        try:
            return _run(args, settings)
        finally:
            if not out.closed:  # a plugin can have closed it
                out.flush()
    except BrokenPipeError:
        _drop(out)  # whoever read our output has gone; nothing may be written at exit either
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITTEN:
            raise
        return _unwritten(error, out, settings)


def _open_closed_streams() -> None:
    """Where the caller closed stdout or stderr, nobody wants what is written there.

    The three numbers are taken, lest a file of the world get one of them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
            setattr(sys, name, nowhere)


def _drop(stream: TextIO) -> None:
    """Let what a stream still holds, and all that comes after it, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(args: list[str], settings: Settings) -> int:
    if "_LISPPUMP_COMPLETE" in os.environ:  # a shell asks what may stand where the cursor is
        import_module("lisppump.cli.completion").prepare()
    try:
        code = group.main(args, prog_name="lisppump", standalone_mode=False, obj=settings)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as help:
        click.echo(help.format_message())
        return 0
    except click.ClickException as error:
        return _usage(error, settings)
    except LisppumpError as error:
        settings.fail(error)
        return error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort) as stop:
        settings.say(" ".join(["interrupted", *getattr(stop.__cause__ or stop, "__notes__", ())]))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            return _no_access(error, settings)
        if isinstance(error, OSError) and error.errno in UNWRITTEN:
            raise
        return _defect(error, settings)


def _usage(error: click.ClickException, settings: Settings) -> int:
    context = getattr(error, "ctx", None)
    place = context.command_path if context is not None else "lisppump"
    message = error.format_message()
    for kind, wanted in (("integer", "whole number"), ("float", "number")):  # as click says it, and as we do
        for suffix in (" range.", "."):
            message = message.replace(f"is not a valid {kind}{suffix}", f"should be a {wanted}.")
    settings.fail(LisppumpError("bad-usage", message, help=f"see `{place} --help`"))
    return EXIT_USAGE


def _no_access(error: OSError, settings: Settings) -> int:
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    reason = (error.strerror or "no reason given").lower()
    forbidden = error.errno in (errno.EACCES, errno.EPERM)
    help = "give the user who runs lisppump the right to use it" if forbidden else None
    refusal = LisppumpError("no-access", f"{name} cannot be used: {reason}", help=help)
    settings.fail(refusal)
    return refusal.exit_code


def _unwritten(error: OSError, out: TextIO, settings: Settings) -> int:
    """Say on stderr, as long as that takes anything, that the result could not be written."""
    from lisppump.disk import StateError

    reason = (error.strerror or "no reason given").lower()
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    help = "make room, or send it elsewhere" if full else "send it elsewhere"
    refusal = StateError("disk", f"the result cannot be written: {reason}", help=help)
    _drop(out)
    settings.json = False  # its document would go where nothing is taken
    try:
        settings.fail(refusal)
    except OSError:
        with suppress(OSError):
            _drop(sys.stderr)
    return refusal.exit_code


def _defect(error: Exception, settings: Settings) -> int:
    first, *rest = "".join(traceback.format_exception(error)).rstrip().split("\n")
    for line in (first, *(f"  {line}" for line in rest)):
        settings.say(line)
    settings.fail(
        LisppumpError(
            "defect",
            f"lisppump itself is wrong here: {type(error).__name__}: {error}",
            help="this is no fault of yours; please report it with the lines above",
        )
    )
    return EXIT_DEFECT
