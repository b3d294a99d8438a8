"""The second tier's loops: steps and bytes are counted in locals where nothing usual in them asks the meter.

It reads the text of a block and gives it back. What is called seldom is told before what was counted, and
asked afterwards; how a loop is left, the meter knows all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lisppump.lispy.builtins.check import CELL
from lisppump.lispy.hottext import PLACE, Block, Full, Rare

QUIET = frozenset({  # what neither counts nor asks for what is counted, nor runs anything of a program
    "type", "len", "abs", "round", "floor", "ceil", "truncate", "sqrt", "sin", "cos", "str", "iter", "put",
    "is_true", "begun", "backwards", "Closure", "Pair", "Slice", "get", "copy", "append", "upper", "lower",
    "if", "elif", "and", "or", "not", "in", "is", "else", "while", "return", "for", "None",
})  # fmt: skip
CALLED = re.compile(r"([A-Za-z_]\w*)(?: ?\()")
BRACKETS = re.compile(r"[()]")
LINES = 2000  # of which is remembered what was found: programs come again
MARKED = f"({PLACE}"
STEP, ASK = "meter.steps = steps = meter.steps + ", "if steps > meter.next_look:"
SIZE, WEIGH = "meter.allocated = size = meter.allocated + ", "if size > meter.limits.allocation:"
OFTEN = 4  # steps or bytes that are counted on the way through a body
HOISTED = {"run.limits.elements": "many", "run.limits.string": "wide", "run.deepest": "deepest"}


def localized(block: Block) -> Block:
    """A block with its outermost loops made so, and bodies that count often, where that may be."""
    made: Block = []
    for item in block:
        if isinstance(item, str):
            made.append(item)
            continue
        header, inside = item
        if header.startswith(("while ", "for ")):
            region = _Region()
            if region.fits(header, inside):
                made += region.made(header, inside)
                continue
        if header == "try:" and _counts(inside) >= OFTEN:
            region = _Region()
            if region.fits("", inside):
                made.append((header, region.around(inside)))
                continue
        made.append((header, localized(inside)))
    return made


class _Region:
    """A loop on its way."""

    def __init__(self) -> None:
        self.weighs = False  # it counts bytes
        self.hoisted: dict[str, str] = {}
        self.arrays: list[str] = []  # that grow by one element for each CELL bytes that are counted

    def fits(self, header: str, inside: Block) -> bool:
        """Whether nothing usual in it counts by itself."""
        return _is_quiet(header) and self._are_quiet(inside)

    def _are_quiet(self, block: Block) -> bool:
        for item in block:
            if isinstance(item, str):
                if item.startswith(SIZE):
                    self.weighs = True
                elif not _is_quiet(item):
                    return False
                continue
            header, inside = item
            if header == "try:" or not _is_quiet(header):
                return False
            if not (_is_rare(header) or _leaves(inside) or self._are_quiet(inside)):
                return False
        return True

    def made(self, header: str, inside: Block) -> Block:
        """Its lines, with what stands before and behind it."""
        body = self._block(inside, own=True)
        loop = (self._line(header), body)
        return [*self._before(), loop, *self._told()]

    def _before(self) -> Block:
        before = ["steps = meter.steps", "most = meter.next_look"]
        if self.weighs:
            before += ["size = meter.allocated", "room = meter.limits.allocation"]
        before += [f"{word} = {name}" for name, word in self.hoisted.items()]
        before += [f"room = min(room, size + {CELL} * (many - len({word})))" for word in self.arrays]
        return [*before]

    def around(self, body: Block) -> Block:
        """The lines of the body of a function."""
        lines = self._block(body, own=True)
        return [*self._before(), *lines, *self._told()]

    def _told(self) -> list[str]:
        return ["meter.steps = steps", *(["meter.allocated = size"] if self.weighs else [])]

    def _asked(self) -> list[str]:
        sized = ["size = meter.allocated"] if self.weighs else []
        return ["steps = meter.steps", "most = meter.next_look", *sized]

    def _block(self, block: Block, *, own: bool) -> Block:
        """The lines of a block; `own` ones stand in no loop inside."""
        made: Block = []
        for item in block:
            if not isinstance(item, str):
                header, inside = item
                if isinstance(header, Full) and own:
                    self._fold(made, header, inside)
                    continue
                below = (
                    [*self._told(), *localized(inside)]
                    if _leaves(inside)
                    else self._block(inside, own=own and not header.startswith(("while ", "for ")))
                )
                made.append((self._line(header), below))
            elif item.startswith(STEP):
                made.append(f"steps += {item[len(STEP) :]}")
            elif item.startswith(SIZE):
                made.append(f"size += {item[len(SIZE) :]}")
            elif item.startswith("return"):
                made += [*self._told(), self._line(item)]
            elif item.startswith(MARKED) or not _is_quiet(item):
                made += [*self._told(), item, *self._asked()]
            else:
                made.append(self._line(item))
        return made

    def _fold(self, made: Block, header: Full, inside: Block) -> None:
        """Look whether an array is full only where the bytes counted before say that it may be."""
        header_before, refused = made.pop()
        assert header_before == "if size > room:"
        self.arrays.append(header.array)
        full = (self._line(header), self._block(inside, own=True))
        made.append((header_before, [(WEIGH, refused), full]))

    def _line(self, line: str) -> str:
        """A line, what is called seldom within it told and asked; limits are what they are all the time."""
        if line == ASK:
            return "if steps > most:"
        if line == WEIGH:
            return "if size > room:"
        for name, word in HOISTED.items():
            if name in line:
                line = line.replace(name, word)
                self.hoisted[name] = word
        if MARKED not in line:
            return line
        given = "steps, size" if self.weighs else "steps"
        asked = "(steps := meter.steps), (most := meter.next_look)"
        asked += ", (size := meter.allocated)" if self.weighs else ""
        return "".join(
            f"{before}(told(meter, {given}), {marked}, {asked})[1]" if marked else before
            for before, marked in _pieces(line)
        )


@lru_cache(LINES)
def _is_quiet(line: str) -> bool:
    """Whether nothing usual in a line counts by itself."""
    if "(" not in line:
        return True
    rest = line
    if MARKED in line:
        pieces = _pieces(line)
        if any(marked and not before.endswith("else ") for before, marked in pieces):
            return False
        rest = "".join(before for before, _ in pieces)
    return all(word in QUIET for word in CALLED.findall(rest))


def _is_rare(header: str) -> bool:
    """Whether what stands below is seldom done."""
    return isinstance(header, Rare) or header in (ASK, WEIGH)


def _counts(block: Block) -> int:
    """How often a block counts on its way through; never where there are loops."""
    found = 0
    for item in block:
        if isinstance(item, str):
            found += item.startswith((STEP, SIZE))
        elif item[0].startswith(("while ", "for ")):
            return 0
        elif not (_is_rare(item[0]) or _leaves(item[1])):
            found += _counts(item[1])
    return found


def _leaves(block: Block) -> bool:
    """Whether who goes into a block leaves the function by it, so that it is done once."""
    last = block[-1] if block else ""
    return isinstance(last, str) and last.startswith("return") and not _turns(block)


def _turns(block: Block) -> bool:
    """Whether a block goes on with a loop that it stands in."""
    return any(
        item in ("continue", "break")
        if isinstance(item, str)
        else not item[0].startswith(("while ", "for ")) and _turns(item[1])
        for item in block
    )


@lru_cache(LINES)
def _pieces(line: str) -> tuple[tuple[str, str], ...]:
    """What stands before each marked call that is in no other, and that call; last what is behind them."""
    found: list[tuple[str, str]] = []
    at = 0
    while (start := line.find(MARKED, at)) >= 0:
        open_ = end = 0
        for bracket in BRACKETS.finditer(line, start):
            open_ += 1 if bracket[0] == "(" else -1
            if not open_:
                end = bracket.end()
                break
        found.append((line[at:start], line[start:end]))
        at = end
    return (*found, (line[at:], ""))
