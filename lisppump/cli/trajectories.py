"""Simulations for people: a table of what was observed at some of the ticks, and a line for each course."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lisppump.cli.context import table
from lisppump.cli.values import short

if TYPE_CHECKING:
    from lisppump.cli.context import Settings

ROWS = 12  # ticks of a long course that are listed
WIDTH = 60  # letters of a plot
BRIEF = 200  # letters of what an echo came to
CELL = 24  # letters of a value
LONG = 2000  # letters of a value from which on a terminal is not flooded with it
_BARS = "▁▂▃▄▅▆▇█"
_KEYS = {"trajectory", "final-state", "ticks", "seed", "source"}


def is_simulation(value: Any) -> bool:
    """True for what (simulation ...), (simulate ...) and (fork ...) give."""
    if not isinstance(value, dict) or not value.keys() >= _KEYS:
        return False
    course = value["trajectory"]
    return isinstance(course, list) and all(isinstance(entry, dict) for entry in course)


def in_short(value: Any, most: int = BRIEF) -> str:
    """A value in one line; a simulation, also in a dict, by how long it went on and how it ended."""
    if is_simulation(value):
        return _told(value, most)
    if isinstance(value, dict):
        value = {key: _told(entry, most) if is_simulation(entry) else entry for key, entry in value.items()}
    return short(value, most)


def _told(value: Mapping[str, Any], most: int) -> str:
    end = ", ".join(f"{name} {_cell(entry)}" for name, entry in value["final-state"].items())
    from lisppump.report import count_of

    note = f"; {value['note']}" if isinstance(value.get("note"), str) else ""
    return short(f"a simulation of {count_of(value['ticks'], 'tick')}, which ended with {end}{note}", most)


def lines(value: Mapping[str, Any]) -> Iterator[str]:
    """The table and the plots of a simulation; a course that is no row of numbers has no plot."""
    course: Sequence[Mapping[str, Any]] = value["trajectory"]
    names = list(course[0]) if course else []
    rows = [["tick", *names]]
    rows += [[str(tick), *(_cell(course[tick].get(name)) for name in names)] for tick in _some(len(course))]
    yield from table(rows)
    plots = [[name, *_plot([entry.get(name) for entry in course])] for name in names]
    yield from table([plot for plot in plots if len(plot) > 1])
    if isinstance(value.get("note"), str):
        yield f"note: {short(value['note'], LONG)}"


def show(settings: Settings, text: str, value: Any) -> None:
    """Write a value as text, a simulation with its table beside; a terminal gets a long one by the table."""
    found = is_simulation(value)
    if not (found and len(text) > LONG and settings.out.isatty()):
        settings.block(text)
    if found:
        for line in lines(value):
            settings.note(line)


def _some(many: int) -> list[int]:
    """The first tick, the last, and some between, evenly."""
    if many <= ROWS:
        return list(range(many))
    return [round(place * (many - 1) / (ROWS - 1)) for place in range(ROWS)]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else short(value, CELL)


def _plot(values: Sequence[Any]) -> list[str]:
    """The course of numbers as a line of bars, with the least and the most; nothing for others."""
    if not values or not {type(value) for value in values} <= {int, float}:
        return []
    try:
        numbers = [float(value) for value in values]
    except OverflowError:
        return []
    width = min(WIDTH, len(numbers))
    picked = [numbers[round(place * (len(numbers) - 1) / max(1, width - 1))] for place in range(width)]
    least, most = min(numbers), max(numbers)
    # Halves, since the whole of the largest numbers has no difference that is one.
    span = most / 2 - least / 2
    top = len(_BARS) - 1
    bars = "".join(_BARS[round((number / 2 - least / 2) / span * top) if span else 0] for number in picked)
    return [bars, f"{_cell(least)} .. {_cell(most)}"]
