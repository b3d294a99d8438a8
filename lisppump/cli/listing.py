"""A group of commands that lists where nothing else is said, as `edits` and `quarantine` are."""

from __future__ import annotations

from typing import Any

import click

from lisppump.cli.context import Command


class Listing(Command, click.Group):
    """The group; without a subcommand it is `list`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand, or `list` where none is named."""
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is not None:
            return result
        found = self.commands["list"]
        return found.invoke(found.make_context("list", [], parent=ctx, obj=ctx.obj))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The subcommands, then what every command has."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(200)) for name, each in self.commands.items()])
        super().format_options(ctx, formatter)
