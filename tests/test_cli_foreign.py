"""Commands of plugins and what they do wrong: it is said whose it is; the world is the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_support import ROOT, Lisppump, spawn
from tests.distributions import Install

WORLD = """\
(pump
  (name world)
  (agents "agents.json" agents)
  (genesis (lambda () {"agents.json" {"agents" {"ada" {}}}}))
  (pipe none)
  (delta))
"""
FALLING = """
    import asyncio
    import sys
    import click
    from lisppump import hookimpl

    def fall(*args):
        {before}
        raise {error}

    class Odd(click.ParamType):
        name = "odd"
        convert = fall

    class Command(click.Command):
        {method}

    @click.command(cls=Command)
    @click.option("--eager", is_flag=True, callback=lambda ctx, param, value: value and fall())
    @click.option("--odd", type=Odd())
    @click.option("--close", is_flag=True)
    @click.pass_context
    def moon(ctx, eager, odd, close):
        "Print the moon."
        ctx.call_on_close(fall) if close else fall()

    @hookimpl
    def commands(): return {{"moon": moon}}
"""
WHERE = """
    from lisppump import hookimpl
    from lisppump.cli.context import as_command

    @as_command("where")
    def where(settings):
        "Say which world it is."
        settings.print(settings.root().name)
        settings.print(" ".join(plugin.id for plugin in settings.registry().plugins))

    @hookimpl
    def commands(): return {"where": where}
"""


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def falling(error: str, method: str = "pass", before: str = "pass") -> str:
    return FALLING.format(error=error, method=method, before=before)


def world(folder: Path, text: str = WORLD) -> Path:
    folder.mkdir()
    (folder / "pump.lisp").write_text(text)
    return folder


@pytest.mark.parametrize("words", [[], ["--eager"], ["--odd", "1"], ["--close"]], ids=" ".join)
@pytest.mark.parametrize("error", ["RuntimeError", "GeneratorExit", "asyncio.CancelledError"])
def test_wherever_it_falls_it_is_named(
    lisppump: Lisppump, install: Install, words: list[str], error: str
) -> None:
    install("lisppump-moon", "moon", falling(f"{error}('no')"))
    outcome = lisppump("moon", *words)
    assert (outcome.code, outcome.out) == (4, "")
    name = error.rpartition(".")[2]
    head = f"error[plugin-failed]: the command `moon` of plugin lisppump-moon:moon raised {name}: no"
    assert outcome.err.startswith(head) and "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("method", "words"), [("format_help = fall", ["--help"]), ("__copy__ = fall", []), ("invoke = fall", [])]
)
def test_so_is_what_its_class_does(
    lisppump: Lisppump, install: Install, method: str, words: list[str]
) -> None:
    install("lisppump-moon", "moon", falling("RuntimeError('no')", method))
    outcome = lisppump("moon", *words)
    assert outcome.code == 4 and "the command `moon` of plugin lisppump-moon:moon" in outcome.err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [("SystemExit", 0, ""), ("SystemExit(3)", 3, ""), ("SystemExit('no moon')", 1, "no moon\n")],
)
def test_it_may_exit_as_any_program_does(
    lisppump: Lisppump, install: Install, error: str, code: int, told: str
) -> None:
    install("lisppump-moon", "moon", falling(error))
    outcome = lisppump("moon")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", told)


@pytest.mark.parametrize("before", ["sys.stdout.close()", "sys.stdout = None"])
def test_it_cannot_take_the_output_away(install: Install, before: str) -> None:
    file = install("lisppump-moon", "moon", falling("SystemExit(3)", before=before))
    outcome = spawn("moon", PYTHONPATH=f"{file.parent}:{ROOT}")
    assert outcome.code == 3 and "Traceback" not in outcome.err


def test_its_world_is_the_one_that_is_named_last(
    lisppump: Lisppump, install: Install, tmp_path: Path
) -> None:
    install("lisppump-where", "where", WHERE)
    one, two = world(tmp_path / "one"), world(tmp_path / "two")
    (one / "plugins").mkdir()
    (one / "plugins" / "mine.py").write_text("raise SystemExit")
    assert lisppump("-C", one, "where").out == "one\nplugins/mine.py lisppump-where:where\n"
    assert lisppump("-C", one, "where", "-C", two).out == "two\nlisppump-where:where\n"


def test_what_a_policy_leaves_out_is_not_imported(
    lisppump: Lisppump, install: Install, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    install("lisppump-moon", "moon", f"open({str(ran)!r}, 'w').close()\nraise ValueError\n")
    policy = WORLD.replace("(name world)", "(name world) (plugins (without moon))")
    folder = world(tmp_path / "one", policy)
    for words in (
        ["check"], ["plan"], ["status"], ["run", "--frames", "1"], ["show"], ["log"], ["plugins"],
        ["plugins", "why", "none"], ["doctor"], ["describe", "none"], ["apropos", "dam"], ["nosuch"],
    ):  # fmt: skip
        outcome = lisppump("-C", folder, *words)
        assert not ran.exists(), words
        assert "is broken" not in outcome.err
    lisppump("check", folder / "pump.lisp")
    assert not ran.exists()
    (folder / "pump.lisp").write_text(WORLD)
    assert "is broken" in lisppump("-C", folder, "check").err and ran.exists()


@pytest.mark.parametrize("words", ["plugins", "check", "doctor"])
def test_an_interruption_says_what_was_interrupted(
    lisppump: Lisppump, install: Install, tmp_path: Path, words: str
) -> None:
    install("lisppump-moon", "moon", "raise KeyboardInterrupt\n")
    outcome = lisppump("-C", world(tmp_path / "one"), words)
    assert outcome.code == 130
    sentence = "interrupted while plugin lisppump-moon:moon was loaded; -p no:lisppump-moon leaves it out"
    assert outcome.err.split("\n")[-2] == sentence


def test_a_word_that_begins_the_names_of_several(
    lisppump: Lisppump, install: Install, tmp_path: Path
) -> None:
    install("sandy-builtin", "one", WHERE)
    install("sandy-command", "two", WHERE)
    outcome = lisppump("-C", world(tmp_path / "one"), "-p", "no:sandy", "check")
    wanted = "-p no:sandy: no plugin is called so; did you mean `sandy-builtin` or `sandy-command`?"
    assert outcome.err.split("\n")[0] == wanted
