"""Simulations: a state that a step takes from tick to tick, by rules, sealed off from the program around it.

One is a pure function of its scenario: it shares the meter of its run, of which it gets half of what is left,
and the count of simulations around each other; nothing of it stays but its value.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.builtins.check import has
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.builtins.versions import ENTRY, with_key
from lisppump.lispy.errors import LONGEST, LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.scenario import Rules, Scenario, in_force, tester
from lisppump.lispy.scenario_text import written
from lisppump.lispy.values import Value, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

MOST_AROUND = 3  # simulations in each other
NAMED = 8  # names that a note lists
KEPT = 64  # bytes charged for an entry of a trajectory, beside its observables


def simulate(run: Run, scenario: Scenario) -> dict[str, Value]:
    """The value of a simulation: trajectory, final state, ticks, seed and source, and what it printed."""
    if run.simulations >= MOST_AROUND:
        raise LimitError("simulation-limit", f"simulations may be {MOST_AROUND} deep in each other at most")
    rules = in_force(run, scenario)
    source = written(run, scenario, rules)
    limits = _half(run)
    saved = run.seal(("simulation", scenario.seed), limits, rules)
    try:
        state, trajectory = _Turns(run, scenario, rules).all()
        value: dict[str, Value] = {
            "trajectory": trajectory,
            "final-state": state,
            "ticks": len(trajectory) - 1,
            "seed": scenario.seed,
            "source": source,
        }
        if run.output:
            value["output"] = run.output
        unseen = [name for name in scenario.observables if not _seen(name, scenario, state, trajectory)]
        if unseen:
            note = _note(unseen, state)
            run.meter.allocate(len(note))
            value["note"] = note
        return value
    finally:
        run.unseal(saved)


def _half(run: Run) -> Limits:
    """The limits of a child: of steps and bytes half of what its parent has left."""
    limits, meter = run.limits, run.meter
    return replace(
        limits,
        steps=meter.steps + max(0, limits.steps - meter.steps) // 2,
        allocation=meter.allocated + max(0, limits.allocation - meter.allocated) // 2,
    )


class _Turns:
    """One simulation going on."""

    __slots__ = ("agents", "articles", "run", "scenario", "spent", "until")

    def __init__(self, run: Run, scenario: Scenario, rules: Rules) -> None:
        self.run = run
        self.scenario = scenario
        self.spent = run.meter.steps, run.meter.allocated
        self.until = None if scenario.until is None else tester(run, ":until", scenario.until)
        self.agents = [(who, run.function(agent, 2)) for who, agent in scenario.agents]
        self.articles = [(each, tester(run, each.name, each.predicate)) for each in rules.articles]

    def all(self) -> tuple[Value, list[dict[str, Value]]]:
        """The state after the last tick, and what was observed before the first and after each."""
        run, scenario, until, articles = self.run, self.scenario, self.until, self.articles
        meter, step, agents = run.meter, run.function(scenario.step, 2), self.agents
        names, most, state = scenario.observables, scenario.ticks, scenario.initial
        steps, size = 1 + len(names), KEPT + ENTRY * len(names)
        room, most_bytes = run.limits.elements, run.limits.allocation
        tick = 0
        try:
            meter.charge(steps)
            meter.allocate(size)
            trajectory = [observed(state, names)]
            while tick < most and (until is None or not until(state, tick)):
                meter.steps += steps
                if meter.steps > meter.next_look:
                    meter.look()
                meter.allocated += size
                if meter.allocated > most_bytes:
                    meter.allocate(0)
                if agents:
                    state = self.moved(state)
                state = step(state, tick)
                if articles and isinstance(state, dict):
                    self.check(state, tick)
                if state.__class__ is dict:
                    if tuple(state) == names:
                        trajectory.append(state.copy())
                    else:
                        trajectory.append({name: state.get(name) for name in names})
                elif isinstance(state, dict):
                    trajectory.append(observed(state, names))
                else:
                    raise _no_state("the step", state)
                tick += 1
                if tick >= room:
                    meter.container(tick + 1)
        except LispyError as error:
            if isinstance(error, LimitError):
                self.blame_budget(error)
            within(error, f"tick {tick}")
            raise
        return state, trajectory

    def moved(self, state: dict[str, Value]) -> dict[str, Value]:
        """The state with what its agents change, who all saw it as it was; the last to set a key has it."""
        run = self.run
        given: dict[str, tuple[str, Value]] = {}
        for who, agent in self.agents:
            try:
                changes = agent(state, who)
                if changes is state or is_nil(changes):
                    continue
                if not isinstance(changes, dict):
                    raise LispyError(
                        "wrong-type", f"it gave {describe_type(changes)}, not a dict of what it changes"
                    )
                run.meter.charge(len(changes))
                if given and len(changes) >= len(state) > 1:
                    self.no_taking_back(state, given, changes)
                given.update((key, (who, value)) for key, value in changes.items())
            except LispyError as error:
                within(error, f"agent `{who[:60]}`")
                raise
        made = state
        for key, (_, value) in given.items():
            made = with_key(run, made, key, value)
        return made

    def no_taking_back(
        self, state: dict[str, Value], given: dict[str, tuple[str, Value]], changes: dict[str, Value]
    ) -> None:
        """Refuse a whole state in place of changes where it would undo what another agent changed."""
        if not all(has(changes, key) for key in state):
            return
        for key, (who, value) in given.items():
            old = member_of(state, key, None)
            if not same(self.run, old, value) and same(self.run, old, member_of(changes, key, None)):
                raise LispyError(
                    "ambiguous",
                    f"it gave a whole state with {key[:60]} as it was, which agent `{who[:60]}` has changed",
                    help=f"give only what changes: (dict :{key[:60]} ...)",
                )

    def check(self, state: dict[str, Value], tick: int) -> None:
        """Hold a state to the constitution."""
        for article, holds in self.articles:
            try:
                if holds(state, tick):
                    continue
            except LispyError as error:
                within(error, f"article `{article.name[:60]}`")
                raise
            raise LispyError(
                "broken-article",
                f"article `{article.name[:60]}` does not hold: {article.doc}",
                data={"article": article.name, "tick": tick, "state": state},
            )

    def blame_budget(self, error: LimitError) -> None:
        """Let the error of a spent budget say that it was the half that a simulation has."""
        limits, (steps, allocated) = self.run.limits, self.spent
        said = None
        if error.code == "step-limit" and self.run.meter.steps >= limits.steps:
            said = f"took more than {limits.steps - steps:,} steps"
        elif error.code == "allocation-limit" and self.run.meter.allocated > limits.allocation:
            said = f"made more than {(limits.allocation - allocated) // 1024:,} KiB of data"
        if said is not None and error.help is None:
            error.message = f"the simulation {said}"
            error.help = "a simulation may use half of what is left to what is around it"


def within(error: LispyError, place: str) -> None:
    """Let an error say where in a simulation it arose."""
    joint = ", in it " if error.message.startswith("tick ") else ": "
    error.message = f"{place}{joint}{error.message}"[:LONGEST]


def _no_state(who: str, got: Value) -> LispyError:
    return LispyError(
        "wrong-type", f"{who} gave {describe_type(got)}, not the next state",
        help="its last form has to give a dict: (update state :key value ...)",
    )  # fmt: skip


def _seen(
    name: str, scenario: Scenario, state: dict[str, Value], trajectory: list[dict[str, Value]]
) -> bool:
    """Whether any state had what is observed, as far as can be told: what was nil at each tick, none had."""
    at_an_end = has(state, name) or has(scenario.initial, name)
    return at_an_end or any(entry[name] is not None for entry in trajectory)


def _note(unseen: list[str], state: dict[str, Value]) -> str:
    """What is said where names were observed that no state had; most of them are slips."""
    there = f"a state has {_some(list(islice(state, NAMED + 1)))}" if state else "the last state is empty"
    return f"no state had {_some(unseen)}, so that it is nil at each tick; {there}"


def _some(names: list[str]) -> str:
    """The first names of many, each cut short."""
    more = ", ..." if len(names) > NAMED else ""
    return ", ".join(f"`{name[:60]}`" for name in names[:NAMED]) + more


def observed(state: dict[str, Value], names: tuple[str, ...]) -> dict[str, Value]:
    """The observables of a state; what it has not is nil."""
    return {name: member_of(state, name, None) for name in names}
