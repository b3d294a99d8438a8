"""What a simulation is a function of: its settings, checked, and the rules in force. It runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lisppump.errors import suggest
from lisppump.lispy.builtins import BUILTINS, describe_type
from lisppump.lispy.builtins.check import accepts, is_number, key_of, walk
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.calls import Closure
from lisppump.lispy.carried import Unwritable, program
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import to_text
from lisppump.lispy.reach import reach
from lisppump.lispy.seal import outer
from lisppump.lispy.values import Keyword, Procedure, Value, elements, is_list, is_nil, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

NEEDED = ("initial-state", "step", "max-ticks", "observables")
OPTIONAL = ("seed", "until", "agents", "constitution")
SETTINGS = (*NEEDED, *OPTIONAL)
FIELDS = {"initial-state": "initial", "max-ticks": "ticks"}  # settings whose fields are called otherwise
Test = Callable[[Value, int], bool]


@dataclass(frozen=True, slots=True)
class Article:
    """A rule of a constitution: it ends a simulation after whose tick it does not hold."""

    name: str
    doc: str
    predicate: Procedure


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a simulation is a function of."""

    initial: dict[str, Value]
    step: Procedure
    ticks: int
    observables: tuple[str, ...]
    seed: int | float | str = 0
    until: Procedure | None = None
    agents: tuple[tuple[str, Procedure], ...] = ()
    values: dict[str, Value] | None = None  # of its constitution
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The constitution in force: its parent's, with its own amendments."""

    values: dict[str, Value]
    articles: tuple[Article, ...] = ()


NO_RULES = Rules({})


def _like(setting: str) -> str:
    close = suggest(setting, [*SETTINGS])
    return f"did you mean `:{close}`?" if close else f"there are :{', :'.join(SETTINGS)}"


def settings_of(run: Run, name: str, pairs: tuple[Value, ...]) -> dict[str, Value]:
    """The keywords of a call with their values."""
    found: dict[str, Value] = {}
    for place in range(0, len(pairs), 2):
        word = pairs[place]
        if word.__class__ is not Keyword:
            raise LispyError(
                "wrong-type", f"{name} wants a setting like :step here, got {describe_type(word)}",
                help=f"write {BUILTINS[name].usage}",
            )  # fmt: skip
        setting = word.name
        if setting not in SETTINGS:
            help = partial(_like, setting)
            raise LispyError("bad-value", f"{name} has no setting :{setting[:60]}", help=help)
        if setting in found:
            raise LispyError("bad-value", f"{name} has :{setting} twice")
        if place + 1 == len(pairs):
            raise LispyError("wrong-arity", f"{name} has no value for :{setting}")
        found[setting] = pairs[place + 1]
    return found


def new_scenario(run: Run, pairs: tuple[Value, ...]) -> Scenario:
    """What the settings of a new simulation come to."""
    found = settings_of(run, "simulation", pairs)
    missing = [f":{setting}" for setting in NEEDED if setting not in found]
    if missing:
        raise LispyError(
            "wrong-arity", f"simulation wants {' and '.join(missing)} as well",
            help=f"write {BUILTINS['simulation'].usage}",
        )  # fmt: skip
    return Scenario(**checked(run, "simulation", found))


def checked(run: Run, name: str, found: dict[str, Value]) -> dict[str, Any]:
    """The fields of a scenario that settings come to, each of them checked."""
    changes: dict[str, Any] = {}
    for setting, value in found.items():
        if setting == "constitution":
            changes["values"], changes["articles"] = _constitution(run, name, value)
        else:
            changes[FIELDS.get(setting, setting)] = _CHECKS[setting](run, name, value)
    return changes


def _wrong(name: str, setting: str, wanted: str, got: Value) -> LispyError:
    return LispyError("wrong-type", f"{name} wants {wanted} as :{setting}, got {describe_type(got)}")


def _state(run: Run, name: str, value: Value) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise _wrong(name, "initial-state", "a dict", value)
    return value


def _pure(value: Procedure) -> Procedure:
    """A procedure, looked at for what it would change around the simulation."""
    if isinstance(value, Closure) and value.template.tree is not None:
        found = reach(value.template.tree)
        for name, span in found.sets:
            raise outer(name, span)
        for name, span in found.defines:
            raise outer(name, span, "defined")
    return value


def _step(run: Run, name: str, value: Value) -> Procedure:
    if not isinstance(value, Procedure):
        raise _wrong(name, "step", "a procedure of (state tick)", value)
    if not accepts(value, 2):
        raise LispyError("wrong-arity", f"{name} wants a :step that takes two arguments: (state tick)")
    return _pure(value)


def _ticks(run: Run, name: str, value: Value) -> int:
    if not is_number(value):
        raise _wrong(name, "max-ticks", "a whole number", value)
    if value != value // 1 or value < 0:
        raise LispyError("bad-value", f"{name} wants a whole number as :max-ticks, not {to_text(value)[:60]}")
    return int(value)


def _observables(run: Run, name: str, value: Value) -> tuple[str, ...]:
    if not is_list(value):
        raise _wrong(name, "observables", "a list of names", value)
    names = tuple(key_of(f"{name} :observables", item, 0) for item in walk(run, name, value))
    if len(set(names)) < len(names):
        raise LispyError("bad-value", f"{name} has an observable twice")
    return names


def _seed(run: Run, name: str, value: Value) -> int | float | str:
    if not is_number(value) and value.__class__ is not str:
        raise _wrong(name, "seed", "a number or a string", value)
    return value  # type: ignore[no-any-return]


def _until(run: Run, name: str, value: Value) -> Procedure | None:
    if is_nil(value):
        return None
    if not isinstance(value, Procedure):
        raise _wrong(name, "until", "a procedure of (state) or (state tick)", value)
    tester(run, f"{name} :until", value)
    return _pure(value)


def _agents(run: Run, name: str, value: Value) -> tuple[tuple[str, Procedure], ...]:
    if is_nil(value):
        return ()
    if not isinstance(value, dict):
        raise _wrong(name, "agents", "a dict from id to procedure", value)
    run.charge(len(value))
    for who, agent in value.items():
        if not isinstance(agent, Procedure):
            raise _wrong(name, "agents", f"a procedure for `{who[:60]}`", agent)
        if not accepts(agent, 2):
            raise LispyError(
                "wrong-arity", f"{name} wants an agent `{who[:60]}` that takes two arguments: (state self)"
            )
        _pure(agent)
    return tuple(sorted(value.items()))


def _constitution(run: Run, name: str, value: Value) -> tuple[dict[str, Value] | None, tuple[Article, ...]]:
    if is_nil(value):
        return None, ()
    if not isinstance(value, dict):
        raise _wrong(name, "constitution", "a dict", value)
    run.charge(len(value))
    values = {key: item for key, item in value.items() if key != "invariants"}
    listed = member_of(value, "invariants", None)
    if not is_list(listed):
        raise _wrong(name, "constitution", "a list of articles under invariants", listed)
    articles = tuple(_article(run, name, item) for item in walk(run, name, listed))
    names = [article.name for article in articles]
    for article in names:
        if names.count(article) > 1:
            raise LispyError("bad-value", f"two articles of the constitution are called {article[:60]}")
    return values, articles


def _article(run: Run, name: str, value: Value) -> Article:
    parts = elements(value) if is_list(value) else []
    if len(parts) != 3 or not isinstance(parts[2], Procedure) or parts[1].__class__ is not str:
        raise LispyError(
            "bad-value", "an article of :constitution is a list of name, doc and predicate",
            help='write (list "no-debt" "Nobody owes." (lambda (state) (>= (get state :gold) 0)))',
        )  # fmt: skip
    called = key_of(f"{name} :constitution", parts[0], 0)
    tester(run, called, parts[2])
    return Article(called, parts[1], _pure(parts[2]))


_CHECKS: dict[str, Any] = {
    "initial-state": _state, "step": _step, "max-ticks": _ticks, "observables": _observables, "seed": _seed,
    "until": _until, "agents": _agents,
}  # fmt: skip


def tester(run: Run, name: str, procedure: Procedure) -> Test:
    """A test of the state, or of the state and the tick."""
    if accepts(procedure, 1):
        alone = run.function(procedure, 1)
        return lambda state, tick: is_true(alone(state))
    if accepts(procedure, 2):
        function = run.function(procedure, 2)
        return lambda state, tick: is_true(function(state, tick))
    raise LispyError("wrong-arity", f"{name[:60]} wants a procedure of (state) or (state tick)")


# -- constitutions


def in_force(run: Run, scenario: Scenario) -> Rules:
    """The constitution of the simulation around with the amendments of one in it: added to, never less."""
    around: Rules = run.rules or NO_RULES
    if scenario.values is None:
        return around
    added = []
    for article in scenario.articles:
        known = next((other for other in around.articles if other.name == article.name), None)
        if known is None:
            added.append(article)
        elif not _alike(run, known, article):
            raise LispyError(
                "bad-value",
                f"article `{article.name[:60]}` is in force already, and an amendment can only add articles",
                help="give it a name of its own",
            )
    run.charge(len(scenario.values) + len(around.values))
    return Rules({**around.values, **scenario.values}, (*around.articles, *added))


def _alike(run: Run, one: Article, other: Article) -> bool:
    """Whether two articles say the same."""
    if one.doc != other.doc or one.predicate is other.predicate:
        return one.doc == other.doc
    try:
        return program(run, one.predicate) == program(run, other.predicate)
    except Unwritable:
        return False


def constitution_value(rules: Rules) -> dict[str, Value]:
    """A constitution as a program sees it."""
    articles = [[article.name, article.doc, article.predicate] for article in rules.articles]
    return {**rules.values, "invariants": articles} if articles else {**rules.values}
