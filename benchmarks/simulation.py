"""Simulations of 365 ticks beside the same by hand in CPython, and what runs around a step costs.

    python benchmarks/simulation.py [ticks]

Each figure is the median of nine runs, LisPy and Python in turn, in one process, with all checks and the
default limits; a run is `simulation` from its settings to its value, in a program that is loaded. `nothing`
has a step that does nothing. `source` is a simulation of no ticks, which is what its text costs; `forked`
forks one, which is what reading that text again costs.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from lisppump.lispy import Runtime, to_json

State = dict[str, Any]
Call = Callable[[], Any]

RUNS = 9
SAMPLE = 0.004  # seconds that a run takes at least; short ones are repeated
NAMES = ("population", "food", "morale", "births")
START: State = {"population": 1000, "food": 5000.0, "morale": 0.5, "births": 0}
MARS: State = {"pop": 100, "o2-reserve": 100000.0, "power-mw": 50, "temp-k": 260.0}
PROGRAM = """
(define start {"population" 1000 "food" 5000.0 "morale" 0.5 "births" 0})
(define (step state tick)
  (let* ((population (get state "population"))
         (food (get state "food"))
         (eaten (min food (* population 0.9)))
         (grown (* 950.0 (+ 1.0 (* 0.3 (sin (/ tick 58.0))))))
         (hungry (< eaten (* population 0.9)))
         (births (if hungry 0 (floor (* population 0.002)))))
    (dict "population" (- (+ population births) (if hungry 10 1))
          "food" (+ (- food eaten) grown)
          "morale" (max 0.0 (min 1.0 (+ (get state "morale") (if hungry -0.05 0.01))))
          "births" (+ births (get state "births")))))
(define (colony)
  (simulation :initial-state start :step step :max-ticks TICKS
              :observables '(population food morale births)))

(define (thermal-update state) (+ 200.0 (* 0.99 (- (get state :temp-k) 200.0))))
(define (mars)
  (simulation :initial-state (dict :pop 100 :o2-reserve 100000.0 :power-mw 50 :temp-k 260.0)
              :step (lambda (state tick)
                      (let ((consumed (* 0.5 (get state :pop))))
                        (update state
                          :o2-reserve (- (get state :o2-reserve) consumed)
                          :temp-k (thermal-update state))))
              :max-ticks TICKS :observables '(o2-reserve temp-k)))

(define (nothing)
  (simulation :initial-state start :step (lambda (state tick) state) :max-ticks TICKS
              :observables '(population food morale births)))

(define (source)
  (simulation :initial-state start :step step :max-ticks 0 :observables '(population)))
(define sourced (source))
(define (forked) (fork sourced :seed 1))
"""



def colony_step(state: State, tick: int) -> State:
    """A step that makes all four keys anew."""
    population, food = state["population"], state["food"]
    eaten = min(food, population * 0.9)
    grown = 950.0 * (1.0 + 0.3 * math.sin(tick / 58.0))
    hungry = eaten < population * 0.9
    births = 0 if hungry else math.floor(population * 0.002)
    return {
        "population": population + births - (10 if hungry else 1),
        "food": food - eaten + grown,
        "morale": max(0.0, min(1.0, state["morale"] + (-0.05 if hungry else 0.01))),
        "births": births + state["births"],
    }


def thermal_update(state: State) -> float:
    """What the step of Mars calls."""
    return 200.0 + 0.99 * (state["temp-k"] - 200.0)


def mars_step(state: State, tick: int) -> State:
    """A step that sets two of four keys."""
    consumed = 0.5 * state["pop"]
    return {**state, "o2-reserve": state["o2-reserve"] - consumed, "temp-k": thermal_update(state)}


def by_hand(start: State, step: Callable[[State, int], State], names: tuple[str, ...], ticks: int) -> Call:
    """The loop one would write, giving the trajectory and the last state."""

    def run() -> tuple[list[State], State]:
        state = start
        trajectory = [{name: state[name] for name in names}]
        for tick in range(ticks):
            state = step(state, tick)
            trajectory.append({name: state[name] for name in names})
        return trajectory, state

    return run


def medians(calls: list[Call]) -> list[float]:
    """The median microseconds of each call; they take turns."""
    times = [max(1, int(SAMPLE / once(call, 1))) for call in calls]
    taken = [[once(call, count) for call, count in zip(calls, times, strict=True)] for _ in range(RUNS)]
    return [statistics.median(column) * 1e6 for column in zip(*taken, strict=True)]


def once(call: Call, times: int) -> float:
    """The seconds of a call, done several times."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def main() -> None:
    """Look whether both come to the same, then measure and print."""
    ticks = int(sys.argv[1]) if len(sys.argv) > 1 else 365
    runtime = Runtime()
    runtime.load_source(PROGRAM.replace("TICKS", str(ticks)), "simulation.lisp")

    def lispy(name: str) -> Call:
        procedure = runtime.globals.cell(name).value
        return lambda: runtime.call(procedure)

    hands = {
        "colony": by_hand(START, colony_step, NAMES, ticks),
        "mars": by_hand(MARS, mars_step, ("o2-reserve", "temp-k"), ticks),
        "nothing": by_hand(START, lambda state, tick: state, NAMES, ticks),
    }
    print(f"{ticks} ticks, medians of {RUNS} in turn, in microseconds: LisPy, Python, ratio")
    for name, hand in hands.items():
        value = to_json(lispy(name)())
        if (value["trajectory"], value["final-state"]) != hand():
            sys.exit(f"{name}: LisPy and Python do not come to the same")
        ours, theirs = medians([lispy(name), hand])
        print(f"{name:<10}{ours:>10.1f}{theirs:>10.1f}{ours / theirs:>8.2f} x", flush=True)
    for name, taken in zip(("source", "forked"), medians([lispy("source"), lispy("forked")]), strict=True):
        print(f"{name:<10}{taken:>10.1f}")


if __name__ == "__main__":
    main()
