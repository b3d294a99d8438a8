"""`lisppump completion`: what a shell needs, and what may stand where the cursor is. It imports no plugin."""

from __future__ import annotations

import re

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)  # fmt: skip

from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError, suggest

VARIABLE = "_LISPPUMP_COMPLETE"
INSTALL = {
    "bash": 'put this into ~/.bashrc: eval "$(lisppump completion bash)"',
    "zsh": 'put this into ~/.zshrc, below compinit: eval "$(lisppump completion zsh)"',
    "fish": "do this once: lisppump completion fish > ~/.config/fish/completions/lisppump.fish",
}
_TYPED_AS_IT_IS = re.compile(r"[^\s<>&|;()$`\"'\\#]*[a-z][^\s<>&|;()$`\"'\\#]*", re.IGNORECASE)


class _Quiet(ShellComplete):
    """A shell as click has it, which is told nothing of what is wrong with a line: it is not finished yet."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand there; nothing after a mistake."""
        try:
            return super().get_completions(args, incomplete)
        except (click.ClickException, LisppumpError):
            return []


class Zsh(_Quiet, ZshComplete):
    """Zsh."""

    name = "zsh"


class Fish(_Quiet, FishComplete):
    """Fish."""

    name = "fish"


class Bash(_Quiet, BashComplete):
    """Bash as click has it, where words hold colons and stars, too.

    Bash cuts a word at its colons (`no:tides` are three) and replaces only what stands behind the last.
    """

    name = "bash"
    source_template = BashComplete.source_template.replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')
    _cut = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words of the line with `no:NAME` in one piece again."""
        args, incomplete = super().get_completion_args()
        words = [*args, incomplete]
        joined: list[str] = []
        for word in words:
            if joined[-1:] in (["no"], ["no:"]) and (word == ":" or joined[-1] == "no:"):
                joined[-1] += word
            else:
                joined.append(word)
        if len(joined) < len(words) and joined[-1].startswith("no:"):
            self._cut = "no:"
        return joined[:-1], joined[-1]

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Without what bash holds to be another word."""
        return f"{item.type},{item.value.removeprefix(self._cut)}"


SHELLS: dict[str, type[_Quiet]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def _shells(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [shell for shell in INSTALL if shell.startswith(incomplete)]


@as_command("completion")
@click.argument("shell", metavar="SHELL", shell_complete=_shells)
def command(settings: Settings, shell: str) -> None:
    """What SHELL (bash, zsh, fish) needs to complete command lines; the script says how to install it."""
    if shell not in INSTALL:
        near = suggest(shell, [*INSTALL])
        raise LisppumpError(
            "bad-usage",
            f"there is no completion for the shell `{shell}`",
            help=f"did you mean `{near}`?" if near else f"shells: {', '.join(INSTALL)}",
        )
    text = script(shell)
    if settings.json:
        settings.document({"schema": "lisppump/completion@1", "shell": shell, "script": text})
    else:
        settings.block(text.rstrip("\n"))


def prepare() -> None:
    """Let click answer the shells in our way."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def script(shell: str) -> str:
    """The script of a shell with a line that says how it is installed."""
    from lisppump.cli import group

    # The template, since click would first ask the bash that it finds for its version.
    source = SHELLS[shell].source_template % SHELLS[shell](group, {}, "lisppump", VARIABLE).source_vars()
    first, _, rest = source.partition("\n")
    head = f"# To complete lisppump in {shell}, {INSTALL[shell]}\n"
    # zsh reads `#compdef` on the first line only, from where it loads functions by themselves.
    return f"{first}\n{head}{rest}" if first.startswith("#compdef") else head + source


# -- what may stand where the cursor is


def words_of_ours(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The words that can be described, those of plugins left out: nobody waits for an import while typing."""
    from lisppump.cli.describe import commands
    from lisppump.registry import Registry
    from lisppump.words import everything

    before = ctx.params.get(str(param.name)) or ()
    start = "".join(f"{word} " for word in before)
    found: dict[str, str | None] = {}
    for entry in everything(Registry(), commands):
        for name in entry.names:
            if name.startswith(start + incomplete):
                word, more, _ = name.removeprefix(start).partition(" ")
                if _TYPED_AS_IT_IS.fullmatch(word):
                    found[word] = found.get(word) or (None if more else entry.gist)
    return [CompletionItem(word, help=help) for word, help in sorted(found.items())]


