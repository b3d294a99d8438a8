"""The contract checks of plugins, of their stages' options and of their commands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

import click
import pytest
from lisppump.plugins import backend_lispy, dam_affinity, dam_by, echo_agents_programs, reservoir_files

from lisppump import hookimpl, lispy_builtin
from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError
from lisppump.frame import FrameFunction
from lisppump.lispy.limits import Limits
from lisppump.registry import builtin_stages, kind_prefix
from lisppump.stages import REQUIRED, Option
from lisppump.testing import Simulations, check_command, check_plugin, check_stage_options
from tests.conftest import ROOT


def breach(check: Callable[..., Any], *args: Any) -> LisppumpError:
    with pytest.raises(LisppumpError) as caught:
        check(*args)
    return caught.value


@lispy_builtin("tide", "(tide hour)", "The height of the water.", example="(tide 6) ;=> 6", aliases=("ebb",))
def tide(run: Any, hour: Any) -> Any:
    return hour


@click.command()
@click.option("--hour", type=int, default=6, help="Which hour.")
@click.pass_obj
def tides(settings: Settings, hour: int) -> None:
    """Tell the tide."""
    settings.print(f"{hour} {settings.dir.name}")


class Dam:
    """Everybody in one room."""

    def assign(self, frame: Any, agents: Any, n: int, seed: int) -> list[list[str]]:
        return [[agent.id for agent in agents]]


class Plugin:
    """A plugin with something of each kind of noun."""

    @hookimpl
    def dams(self) -> Mapping[str, type]:
        return {"one-room": Dam}

    @hookimpl
    def builtins(self) -> Mapping[str, Any]:
        return {"tide": tide}

    @hookimpl
    def commands(self) -> Mapping[str, click.Command]:
        return {"tides": tides}


# -- plugins


def test_a_plugin_is_held_to_all_that_it_offers() -> None:
    offered = check_plugin(Plugin())
    assert offered == {
        "dams": {"one-room": Dam}, "builtins": {"tide": tide, "ebb": tide}, "commands": {"tides": tides},
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), sorted(builtin_stages()))
def test_the_plugins_of_lisppump_pass(kind: str, name: str) -> None:
    from importlib import import_module

    module: ModuleType = import_module(f"lisppump.plugins.{kind_prefix(kind)}_{name.replace('-', '_')}")
    (noun,) = check_plugin(module)
    assert noun == {"echo": "echoes"}.get(kind, f"{kind}s")


def offering(**tables: Any) -> Any:
    plugin = type("Odd", (), {})()
    for noun, table in tables.items():
        setattr(plugin, noun, _hook(noun, table))
    return plugin


def _hook(noun: str, table: Any) -> Any:
    def hook() -> Any:
        return table

    hook.__name__ = noun
    return hookimpl(hook)


class Undocumented:
    def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
        return []


class Inherits(Dam):
    pass


def optioned(*options: Option, **arguments: Any) -> type:
    """A dam with these options and the constructor that they need."""

    class Optioned(Dam):
        """A dam with options."""

        def __init__(self, **given: Any) -> None:
            for name, wanted in arguments.items():
                assert given[name] == wanted, (name, given[name])

    Optioned.options = options  # type: ignore[attr-defined]
    return Optioned


@pytest.mark.parametrize(
    ("plugin", "code", "said"),
    [
        (Plugin, "bad-hook", "is the class Plugin; a module or an object is wanted"),
        (object(), "bad-hook", "implements no hook"),
        (offering(dam={}), "bad-hook", "implements `dam`, which is no hook"),
        (offering(dams=[Dam]), "bad-hook", "should return a dict of name -> class"),
        (offering(dams={"a b": Dam}), "bad-hook", "the name `a b`"),
        (offering(dams={"x": object}), "bad-stage", "lacks the method assign"),
        (offering(dams={"x": Undocumented}), "contract", "dam `x` of plugin Odd has no docstring"),
        (offering(dams={"x": Inherits}), "contract", "dam `x` of plugin Odd has no docstring"),
        (offering(dams={"x": optioned(Option("n", "value", "", default=1))}), "bad-stage", "without a doc"),
        (offering(builtins={"tide": len}), "bad-hook", "builtins() of plugin Odd offers `tide`"),
        (offering(builtins={"ebb": tide}), "bad-hook", "`ebb` for the builtin `tide`"),
        (offering(commands={"tides": len}), "bad-hook", "commands() of plugin Odd offers `tides`"),
    ],
)  # fmt: skip
def test_a_plugin_that_is_not_what_it_should_be_is_told(plugin: Any, code: str, said: str) -> None:
    error = breach(check_plugin, plugin)
    assert (error.code, said in error.message) == (code, True), error.message


def test_a_plugin_of_another_version_is_told() -> None:
    plugin = Plugin()
    plugin.lisppump_api = 99  # type: ignore[attr-defined]
    assert breach(check_plugin, plugin).code == "wrong-api"


# -- options


class Everything:
    """A dam with an option of every kind."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("score", "function", "Of two.", arity=2, positional=True),
        Option("else", "function", "Of any.", default=None),
        Option("often", "value", "How often.", default=3),
        Option("share", "value", "How much.", default=0.5),
        Option("loud", "value", "Is it?", default=False),
        Option("title", "value", "What it is called.", default='a "name"'),
        Option("wait", "value", "How long.", default=60, unit="seconds"),
        Option("most", "value", "How many.", unit="tokens"),
        Option("size", "value", "How large.", default=1000, unit="bytes"),
        Option("way", "name", "Which way.", choices=("up", "down")),
        Option("modes", "name", "Which ones.", default=("state", "sea"), many=True),
        Option("limits", "limits", "For programs.", default=None),
        Option("anything", "value", "What you like.", default=None),
        Option("builtins", "builtins", "The table.", default=MappingProxyType({})),
    )
    made: ClassVar[list[dict[str, Any]]] = []

    def __init__(
        self, score: FrameFunction, most: int, way: str, modes: Any = ("state", "sea"), **more: Any
    ) -> None:
        self.made.append({"score": score, "most": most, "way": way, "modes": modes, **more})

    def assign(self, frame: Any, agents: Any, n: int, seed: int) -> list[list[str]]:
        return []


def test_a_stage_is_made_of_its_shortest_clause_and_of_its_longest() -> None:
    Everything.made.clear()
    check_stage_options(Everything)
    shortest, longest = Everything.made
    assert callable(shortest["score"].on(None))
    for made in (shortest, longest):
        assert made["score"].arity == 2
        assert (made["most"], made["way"], made["modes"]) == (1, "up", ("state", "sea"))
        assert (made["often"], made["share"], made["loud"], made["title"]) == (3, 0.5, False, 'a "name"')
        assert (made["wait"], made["size"], made["anything"]) == (60, 1000, None)
        assert len(made["builtins"]) == 0
        assert isinstance(made["limits"], Limits)
    assert shortest["else"] is None
    assert longest["else"].arity is None


@pytest.mark.parametrize(
    "factory",
    [
        dam_affinity.Affinity,
        dam_by.By,
        backend_lispy.Lispy,
        echo_agents_programs.AgentsPrograms,
        reservoir_files.Files,
        Dam,
    ],
)
def test_stages_of_lisppump_can_be_chosen(factory: type) -> None:
    check_stage_options(factory)


def test_an_option_that_may_be_anything_needs_an_example() -> None:
    factory = optioned(Option("harbour", "value", "Its name."), harbour="Kiel")
    error = breach(check_stage_options, factory)
    assert error.message == "dam `Optioned` needs an option that may be anything; nobody can guess one"
    assert error.help == "give the check one: (optioned (harbour ...))"
    check_stage_options(factory, '(tides (harbour "Kiel"))')
    assert "there is no value" not in breach(check_stage_options, factory, "(tides)").message
    error = breach(check_stage_options, factory, "(tides (harbour 5))")
    assert "should be made of (tides (harbour 5)), but: dam `tides` of plugin" in error.message
    check_plugin(offering(dams={"x": factory}))  # where nobody can say one, it is not made


@pytest.mark.parametrize(
    ("factory", "example", "said"),
    [
        (Dam, "(tides (harbour 1))", "cannot be chosen by (tides (harbour 1)): dam `tides` has no"),
        (optioned(Option("f", "function", "Of two.", arity=2)), "(x (f (lambda (a) 1)))", "with 2 arguments"),
        (optioned(Option("t", "value", "Time.", unit="seconds")), "(x (t 5))", "wants an amount of seconds"),
    ],
)
def test_an_example_is_held_to_the_table(factory: type, example: str, said: str) -> None:
    error = breach(check_stage_options, factory, example)
    assert (error.code, said in error.message) == ("contract", True), error.message


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((Option("a", "value", "x.", default=1), Option("a", "name", "x.")), "bad-stage", "two options `a`"),
        ((Option("a_b", "value", "x.", default=1),), "bad-stage", "an option called 'a_b'"),
        ((Option("a", "value", " ", default=1),), "bad-stage", "the option `a` without a doc"),
        ((Option("a", "number", "x.", default=1),), "bad-stage", "the option `a` of kind 'number'"),
        ((Option("a", "value", "x.", default=1, unit="hours"),), "contract", "unit `hours`; units: seconds"),
        (
            (Option("a", "name", "x.", default="z", choices=("x", "y")),),
            "bad-stage", "whose default is none of its choices",
        ),
        (
            (
                Option("a", "value", "x.", default=1, positional=True),
                Option("b", "name", "x.", positional=True),
            ),
            "contract", "the option `b` behind `a`, which may be left out",
        ),
    ],
)  # fmt: skip
def test_a_table_that_no_clause_can_be_made_of_is_told(
    options: tuple[Option, ...], code: str, said: str
) -> None:
    error = breach(check_stage_options, optioned(*options))
    assert (error.code, said in error.message) == (code, True), error.message


class TwoDefaults(Dam):
    """A dam that is another in tests than in a run."""

    options: ClassVar[tuple[Option, ...]] = (Option("size", "value", "How many.", default=0),)

    def __init__(self, size: int = 5) -> None:
        self.size = size


class Picky(Dam):
    """A dam that refuses its own default."""

    options: ClassVar[tuple[Option, ...]] = (Option("size", "value", "How many.", default=0),)

    def __init__(self, size: int = 0) -> None:
        if size < 1:
            raise ValueError("size must be positive")


class Forgets(Dam):
    """A dam with an argument that has no option."""

    def __init__(self, size: int) -> None: ...


@pytest.mark.parametrize(
    ("factory", "code", "said"),
    [
        (TwoDefaults, "contract", "with the default 0, its constructor says 5"),
        (Picky, "contract", "should be made of (example), but: dam `example` of plugin"),
        (Forgets, "bad-stage", "needs the argument `size`, for which it has no option"),
        (object, "contract", "object has the methods of no kind of stage"),
        (Dam(), "contract", "a stage class is wanted here, got the Dam"),
    ],
)
def test_a_class_that_does_not_fit_its_table_is_told(factory: Any, code: str, said: str) -> None:
    error = breach(check_stage_options, factory)
    assert (error.code, said in error.message) == (code, True), error.message


def test_an_option_without_a_default_has_none() -> None:
    assert Option("a", "value", "x.").default is REQUIRED


# -- commands


@click.command()
@click.argument("name")
def plain(name: str) -> None:
    """Take no settings."""


@click.group()
def group() -> None:
    """Have parts."""


@group.command()
@click.option("--often", default=1, help="How often.")
@click.pass_context
def part(context: click.Context, often: int) -> None:
    """Be a part."""


@as_command("own", params=[click.Option(["--far"], help="How far.")])
def own(settings: Settings, far: str | None) -> None:
    """Have the global options, too."""


@pytest.mark.parametrize("command", [tides, plain, group, own], ids=lambda command: command.name)
def test_commands_that_keep_the_contract_pass(command: click.Command) -> None:
    check_command(command)


def test_a_command_that_passes_runs(simulation: Simulations) -> None:
    rooms = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    world = simulation(rooms, plugins={"mine": Plugin()})
    assert world.lisppump("tides", "--hour", "7").out == f"7 {Path(world.folder).name}\n"
    assert "Tell the tide." in world.lisppump("tides", "--help").out
    assert world.lisppump("eval", "(ebb 5)").out == "5\n"


def command(function: Callable[..., Any], *params: click.Parameter, **more: Any) -> click.Command:
    return click.Command("odd", params=list(params), callback=function, **{"help": "Be odd.", **more})


HOUR = click.Option(["--hour"], help="Which hour.")


class Falls(click.Command):
    """A command that falls over its own help."""

    def get_help(self, ctx: click.Context) -> str:
        raise KeyError("hour")


def in_vain(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    return wrapper


def many(first: Any, second: Any, hour: Any) -> None: ...


odd_group = click.Group("odd", help="Be odd.", commands={"part": click.Command("part")})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (in_vain, "a command is wanted here, got the function in_vain"),
        (command(lambda: None, help=None), "the command `odd` has no help"),
        (command(lambda: None, help="  "), "the command `odd` has no help"),
        (command(lambda hour: None, click.Option(["--hour"])), "has the option --hour without help"),
        (command(lambda: None, HOUR), "has --hour, which its function does not take as `hour`"),
        (command(lambda settings, hour: None, HOUR), "wants `settings`, which nothing gives it"),
        (command(in_vain(many), HOUR), "wants `second`, which nothing gives it"),
        (Falls("odd", help="Be odd."), "`lisppump odd --help` raised KeyError: 'hour'"),
        (command(lambda: None, add_help_option=False), "`lisppump odd --help` raised NoSuchOption"),
        (odd_group, "the command `odd part` has no help"),
    ],
)  # fmt: skip
def test_a_command_that_breaks_its_contract_is_told(wrong: Any, said: str) -> None:
    error = breach(check_command, wrong)
    assert (error.code, said in error.message) == ("contract", True), error.message
