"""Dice: every throw comes from the run's seed, so that the same run throws the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import count, flat, integer, number, proper, room, walk, wrong
from lisppump.lispy.builtins.numbers import finite
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.printer import digits
from lisppump.lispy.values import Value, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("random", "(random [n] [m])",
         "A float from 0 up to 1; an integer from 0 below an integer n (a float below a float n); from n "
         "below m.", example="(< -1 (random 6) 6) ;=> #t")  # fmt: skip
def random(run: Run, low: Value = None, high: Value = None) -> Value:
    if low is None:
        return run.rng.random()
    number("random", low)
    if high is None:
        low, high = 0, low
    if number("random", high, 2) <= low:
        raise LispyError("out-of-range", "random wants a number above 0, or a second one above the first")
    if low.__class__ is int and high.__class__ is int:
        return low + run.randbelow(high - low)
    try:
        return finite("random", low + (high - low) * run.rng.random())
    except OverflowError:
        raise LispyError("not-a-number", "random has a bound too large for a float") from None


@builtin("random-int", "(random-int [low] high)",
         "An integer from low to high, both among the answers; (random-int n) from 0 below n.",
         cost="2", example="(<= 1 (random-int 1 6) 6) ;=> #t", aliases=("random-integer", "randint",
                  "rand-int"))  # fmt: skip
def random_int(run: Run, low: Value, high: Value = None) -> Value:
    run.meter.charge(2)
    first = integer("random-int", low)
    if high is None:
        if first <= 0:
            raise LispyError("out-of-range", f"random-int wants a number above 0, got {figure(first)}")
        return run.randbelow(first)
    last = integer("random-int", high, 2)
    if last < first:
        raise LispyError("out-of-range", "random-int wants its second number not below the first")
    return first + run.randbelow(last - first + 1)


@builtin("random-choice", "(random-choice list)", "One element of a list.",
         cost="2", example="(random-choice '(7)) ;=> 7",
         aliases=("random-element", "choice", "random-pick", "rand-nth"))  # fmt: skip
def random_choice(run: Run, value: Value) -> Value:
    run.meter.charge(2)
    base, start, stop = flat(proper("random-choice", value))
    if start >= stop:
        raise LispyError("bad-value", "random-choice of an empty list has no answer")
    return base[start + run.randbelow(stop - start)]


@builtin("random-shuffle", "(random-shuffle list)", "The elements in an order of chance.", cost="4 + n",
         example="(sort (random-shuffle '(3 1 2))) ;=> (1 2 3)", aliases=("shuffle",))  # fmt: skip
def random_shuffle(run: Run, value: Value) -> Value:
    run.meter.charge(4)
    return random_sample(run, value, length(proper("random-shuffle", value)))


@builtin("random-sample", "(random-sample list n)",
         "n elements of different positions, in an order of chance.", cost="4 + n",
         example="(length (random-sample '(1 2 3) 2)) ;=> 2", aliases=("sample",))  # fmt: skip
def random_sample(run: Run, value: Value, size: Value) -> Value:
    run.meter.charge(4)
    items = list(walk(run, "random-sample", value))
    room(run, len(items))
    whole = min(count("random-sample", size, 2), len(items))
    for place in range(whole):
        other = place + run.randbelow(len(items) - place)
        items[place], items[other] = items[other], items[place]
    return items[:whole]


@builtin("set-random-seed!", "(set-random-seed! seed)", "Puts the dice at a seed, a number or a text.",
         cost="20",
         example="(equal? (begin (set-random-seed! 1) (random)) (begin (set-random-seed! 1) (random))) ;=> "
                 "#t", aliases=("random-seed!", "seed-random!"))  # fmt: skip
def set_random_seed(run: Run, seed: Value) -> Value:
    run.meter.charge(20)
    if seed.__class__ not in (int, float, str):
        raise wrong("set-random-seed!", "a number or a string", seed, 1)
    run.meter.charge(digits(seed) if seed.__class__ is int else len(str(seed)) >> 4)
    run.reseed("program", seed)
    return None
