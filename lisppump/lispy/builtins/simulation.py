"""Simulations as programs have them: run, run again, changed in one thing, compared; dicts to a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Procedure, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

# What they take is imported when a program first has one: few do.


@builtin("simulation",
         "(simulation :initial-state D :step (lambda (state tick) ...) :max-ticks N :observables '(a b) "
         "[:seed s] [:until p] [:agents D] [:constitution D])",
         "Runs a simulation: the step gives each next state, a dict, from the one before and the tick, "
         "which counts from 0. The value is a dict of trajectory (the observables before the first tick and "
         "after each), final-state, ticks, seed, source (the program with all it reaches, as text), output, "
         "if it printed, and a note, if no state had one of the observables. It ends after max-ticks, or "
         "where until, of (state) or (state tick), holds before one. Agents map ids to (lambda (state "
         "self)), called in the order of their ids before each step, all with the same state; self is the "
         "id. The dicts they give, of what they change, are merged into the state by key; of two that set "
         "one key the later counts. A constitution is a dict of values and invariants, a list of (name doc "
         "predicate), checked after each tick. From inside nothing outside can be changed; there is no "
         "clock and no web, and the dice stand at the seed, 0 if none is given. It may use half of the "
         "steps and bytes that are left; three may run in each other.",
         example="(get (simulation :initial-state {\"n\" 1} :step (lambda (s t) (update s :n inc)) "
                 ":max-ticks 3 :observables '(n)) :final-state) ;=> {\"n\" 4}",
         cost="400 + 1 + observables for each tick, the calls, and what its source takes")  # fmt: skip
def simulation(run: Run, *pairs: Value) -> Value:
    run.meter.charge(400)
    from lisppump.lispy.scenario import new_scenario
    from lisppump.lispy.simulate import simulate

    return simulate(run, new_scenario(run, pairs))


@builtin("simulate", "(simulate sim)",
         "Runs a simulation again, from the source in its value, wherever that comes from.",
         example="(let ((s (simulation :initial-state {} :step (lambda (s t) s) :max-ticks 2 "
                 ":observables '()))) (equal? s (simulate s))) ;=> #t",
         cost="100 + length of the source, and the simulation")  # fmt: skip
def simulate_(run: Run, value: Value) -> Value:
    run.meter.charge(100)
    from lisppump.lispy.scenario_text import scenario_again
    from lisppump.lispy.simulate import simulate

    return simulate(run, scenario_again(run, "simulate", value))


@builtin("fork", "(fork sim :setting value ...)",
         "Runs a simulation again with settings changed; a procedure as :initial-state gives the new one of "
         "the old one.",
         example="(get (fork (simulation :initial-state {\"n\" 1} :step (lambda (s t) (update s :n inc)) "
                 ":max-ticks 3 :observables '(n)) :max-ticks 5) :final-state) ;=> {\"n\" 6}",
         cost="300 + length of the source, and the simulation")  # fmt: skip
def fork(run: Run, value: Value, *pairs: Value) -> Value:
    run.meter.charge(300)
    if not pairs:
        raise LispyError(
            "wrong-arity", "fork changes something: a setting and its value follow the simulation",
            help="(simulate sim) runs it as it is",
        )  # fmt: skip
    from dataclasses import replace

    from lisppump.lispy.scenario import checked, settings_of
    from lisppump.lispy.scenario_text import scenario_again
    from lisppump.lispy.simulate import simulate

    before = scenario_again(run, "fork", value)
    changes = settings_of(run, "fork", pairs)
    state = changes.get("initial-state")
    if isinstance(state, Procedure):
        changes["initial-state"] = run.function(state)(before.initial)
    return simulate(run, replace(before, **checked(run, "fork", changes)))


@builtin("compare", "(compare a b)",
         "What is different in b, {} if nothing is: changed (settings), seed, ticks, output and the "
         "final-state's keys as (of-a of-b), and trajectory: of each observable that differs the tick since "
         "when, the last values of both and, of numbers, the delta from a to b there and the largest.",
         example="(let ((s (simulation :initial-state {\"n\" 1} :step (lambda (s t) (update s :n inc)) "
                 ":max-ticks 1 :observables '(n)))) (compare s (fork s :seed 2))) "
                 ";=> {\"changed\" (\"seed\") \"seed\" (0 2)}",
         cost="20 + entries of both trajectories, lengths of both sources")  # fmt: skip
def compare(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(20)
    from lisppump.lispy.differences import differences

    return differences(run, first, second)


@builtin("constitution", "(constitution)", "The constitution in force in this simulation; {} outside of any.",
         cost="6", example="(constitution) ;=> {}")  # fmt: skip
def constitution(run: Run) -> Value:
    run.meter.charge(6)
    from lisppump.lispy.scenario import NO_RULES, constitution_value

    return constitution_value(run.rules or NO_RULES)
