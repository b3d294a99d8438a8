"""A simulation as text: the program that it is, with all it reaches, and back. It runs nothing but that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.carried import NAME, Unwritable, carried, form_name
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, node_of, standing
from lisppump.lispy.printer import quoted
from lisppump.lispy.reader import read
from lisppump.lispy.scenario import NO_RULES, Rules, Scenario, new_scenario
from lisppump.lispy.values import Primitive, Procedure, Symbol, Value, is_list, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

DEFINITIONS = ("define", "defun", "defmacro", "define-macro")


def written(run: Run, scenario: Scenario, rules: Rules) -> str | None:
    """The program that is the simulation, with all it reaches; None where there is no such text."""
    procedures: list[Value] = [scenario.step, *(agent for _, agent in scenario.agents)]
    procedures += [article.predicate for article in rules.articles]
    if scenario.until is not None:
        procedures.append(scenario.until)
    try:
        carrier = carried(run, [*procedures, scenario.initial, rules.values])
        say = carrier.expression
        parts = [
            f":initial-state {say(scenario.initial)}",
            f":step {say(scenario.step)}",
            f":max-ticks {scenario.ticks}",
            f":observables {say(_symbols(scenario.observables))}",
            f":seed {say(scenario.seed)}",
        ]
        if scenario.until is not None:
            parts.append(f":until {say(scenario.until)}")
        if scenario.agents:
            agents = " ".join(f"{quoted(who)} {say(agent)}" for who, agent in scenario.agents)
            parts.append(f":agents {{{agents}}}")
        if rules.values or rules.articles:
            entries = [f"{quoted(key)} {say(value)}" for key, value in rules.values.items()]
            if rules.articles:
                articles = " ".join(
                    f"(list {quoted(each.name)} {quoted(each.doc)} {say(each.predicate)})"
                    for each in rules.articles
                )
                entries.append(f'"invariants" (list {articles})')
            parts.append(f":constitution {{{' '.join(entries)}}}")
        definitions = list(carrier.definitions())
    except Unwritable:
        return None
    if definitions:
        form = "\n    ".join(["(simulation", *parts])
        text = "\n  ".join(["(let ()", *definitions, form]) + "))"
    else:
        text = "\n  ".join(["(simulation", *parts]) + ")"
    if len(text) > run.limits.source:
        return None
    run.meter.text(len(text))
    return text


def _symbols(names: tuple[str, ...]) -> list[Value]:
    """Names as symbols, or as strings where one cannot be written as a symbol."""
    return [*names] if any(not NAME.fullmatch(name) for name in names) else [Symbol(name) for name in names]


def simulated(name: str, value: Value) -> dict[str, Value]:
    """The value of a simulation."""
    if not isinstance(value, dict) or not is_list(member_of(value, "trajectory", 0)):
        got = "a dict without :trajectory" if isinstance(value, dict) else describe_type(value)
        raise LispyError("wrong-type", f"{name} wants the value of a simulation, got {got}")
    return value


def scenario_again(run: Run, name: str, value: Value) -> Scenario:
    """The scenario of a simulation that has run."""
    sim = simulated(name, value)
    source = member_of(sim, "source", None)
    if is_nil(source):
        raise LispyError(
            "bad-value", f"{name} wants a simulation with its :source, and this has none",
            help="what is too large for a text, or holds procedures that no text can say, has no source",
        )  # fmt: skip
    if source.__class__ is not str and not is_list(source):
        raise LispyError("wrong-type", f"the :source of a simulation is text, not {describe_type(source)}")
    scenario = _said(run, source)
    seed = member_of(sim, "seed", scenario.seed)
    if not same(run, seed, scenario.seed):
        raise LispyError(
            "bad-value", "the :seed of this simulation is not the one in its :source",
            help="(fork sim :seed n) runs one with another seed",
        )  # fmt: skip
    return scenario


def _said(run: Run, source: Value) -> Scenario:
    """The scenario that the source of a simulation says; it is made from the text once in a run."""
    key = (_said, source) if source.__class__ is str else None
    if key in run.memo:
        scenario, steps, size = run.memo[key]
        run.meter.charge(steps)
        run.meter.allocate(size)
        return scenario  # type: ignore[no-any-return]
    steps, size = run.meter.steps, run.meter.allocated
    node = source_node(run, source)
    made: list[Scenario] = []
    maker = Primitive("simulation", lambda *pairs: made.append(new_scenario(run, pairs)), 0, None)
    saved = run.seal(("definitions",), run.limits, NO_RULES)
    try:
        run.perform(_with_maker(node, maker))
    finally:
        run.unseal(saved)
    if key is not None:
        run.memo[key] = made[0], run.meter.steps - steps, run.meter.allocated - size
    return made[0]


def source_node(run: Run, source: Value) -> Node:
    """The source of a simulation, text or quoted data, as the one form that it has to be."""
    if source.__class__ is str:
        run.charge(len(source))
        run.meter.allocate(16 * len(source))
        nodes = read(source, "<simulation>", run.limits)
    else:
        run.charge(1)
        nodes = [node_of(source, standing("<simulation>", source), run.meter)]
    node = nodes[0] if len(nodes) == 1 else None
    if node is None or form_of(node) is None:
        raise LispyError(
            "bad-value",
            "the :source of a simulation is (simulation ...), or (let () (define ...) ... (simulation ...))",
        )
    return node


def form_of(node: Node) -> Node | None:
    """The form `simulation` in the source of one, None where it is none."""
    if node.head == "simulation":
        return node
    items = node.items
    if node.head != "let" or len(items) < 3 or not is_nil(items[1].value) or items[1].items:
        return None
    last = items[-1]
    if last.head != "simulation" or any(form_name(item) not in DEFINITIONS for item in items[2:-1]):
        return None
    return last


def _with_maker(node: Node, maker: Procedure) -> Node:
    """The source with a procedure in place of the word `simulation`."""
    form = form_of(node)
    assert form is not None
    head = Node("value", maker, (), form.source, form.start, form.end)
    changed = Node("list", None, (head, *form.items[1:]), form.source, form.start, form.end)
    if node is form:
        return changed
    return Node("list", None, (*node.items[:-1], changed), node.source, node.start, node.end)
