"""Text to nodes: reads a text without mistakes itself, and leaves every other one to the grammar.

It evaluates nothing. Nodes keep their place in the text; the host stack never grows with the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from lisppump.errors import Source
from lisppump.lispy import atoms
from lisppump.lispy.atoms import number as number
from lisppump.lispy.compounds import KINDS, PREFIXES, compound, prefixed, refuse_dots
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node as Node
from lisppump.lispy.nodes import datum as datum
from lisppump.lispy.nodes import new_node
from lisppump.lispy.tokens import cut_up, is_string
from lisppump.lispy.values import Value

SHORT = 1000  # characters of a text whose forms are remembered
LONGEST_WORD = 18  # characters of a word that is, whatever the limits are
LEAST_BITS = 64  # as many as any number of so many characters has
MOST_WORDS = 5000
PIECES = 2000  # of a text between two looks at the limits
_LIMITS = Limits()
_PARTNERS = {")": ("(", "#("), "]": ("[",), "}": ("{",)}  # what a bracket closes
_OPENING = frozenset({*KINDS, *PREFIXES})
_words: dict[str, tuple[str, Value]] = {}  # the kinds and values of words that were read before

Look = Callable[[], None]
Cut = tuple[str, str, str, str]
Open = tuple[list[Node], int, str, int, bool]  # what was read before a bracket, and of what is around it


def read(
    text: str, name: str = "<eval>", limits: Limits | None = None, look: Look | None = None
) -> list[Node]:
    """All forms of a text; the first mistake in it is an error at its place.

    `look` is called now and then while a long text is read: it may raise a limit.
    """
    limits = limits or _LIMITS
    if len(text) > SHORT:
        return _read(text, name, limits, look)
    memory = _memory(text, name)
    if not memory:
        memory.append(None)
        return _read(text, name, limits, look)
    known = memory[0]
    if known is None or not (known[0] is limits or known[0] == limits):
        known = memory[0] = limits, _read(text, name, limits, look)
    return [*known[1]]


@lru_cache(maxsize=128)
def _memory(text: str, name: str) -> list[Any]:
    """The limits in which a short text was read, and its forms: agents run few programs, frame after frame.

    Nothing is kept of a text until it comes a second time.
    """
    return []


def _read(text: str, name: str, limits: Limits, look: Look | None) -> list[Node]:
    if len(text) > limits.source or len(text) * 4 > limits.source < len(text.encode("utf-8", "replace")):
        raise LimitError(
            "source-limit", f"a program may be {limits.source // 1024:,} KiB long, this is longer"
        )
    source = Source(name, text)
    usual = limits.bits >= LEAST_BITS and limits.string >= LONGEST_WORD
    try:
        found = _nodes(source, limits, look) if usual else None
    except LispyError:
        found = None
    if found is None:
        if look is not None:
            look()  # what it raised may be what was caught
        from lisppump.lispy.grammar import parsed

        found = parsed(source, limits, look)
    return found


def _nodes(source: Source, limits: Limits, look: Look | None) -> list[Node] | None:
    """The forms of a text; None, or any error, where there is more to say of it than that.

    The nodes are those that the grammar gives, made in one pass. A prefix is an open bracket that the datum
    behind it closes.
    """
    known = _words
    deepest = limits.syntax_depth
    items: list[Node] = []
    around: list[Open] = [([], 0, "", 0, False)]  # of which the first is no bracket, and nothing closes it
    depth = end = 0  # how deep those in `items` are nested; the end of the piece before
    quoted = dotted = False  # whether the bracket around is a prefix; whether there was a dot anywhere
    cut = cut_up(source.text)
    for space, opened, piece, closed in _looking(cut, look) if look and len(cut) > PIECES else cut:
        end += len(space)
        for bracket in opened:
            around.append((items, end, bracket, depth, quoted))
            items = []
            depth = 0
            quoted = False
            end += 1
        if piece:
            start = end
            end += len(piece)
            word = known.get(piece) or _whole(piece)
            if word is not None:
                leaf = new_node()
                leaf.kind, leaf.value = word
                leaf.items = ()
                leaf.source = source
                leaf.start = start
                leaf.end = end
                leaf.depth = 0
                items.append(leaf)
            elif piece in _OPENING:
                around.append((items, start, piece, depth, quoted))
                items = []
                depth = 0
                quoted = piece in PREFIXES
            elif piece in _PARTNERS:
                closed = piece + closed
                end = start
            else:
                node = _atom(piece, start, source, limits)
                dotted = dotted or node.kind == "dot"
                items.append(node)
            if quoted and items:
                items, depth, quoted = _prefixed(items[0], around, limits)
        if not closed:
            continue
        for bracket in closed:
            end += 1
            inside = tuple(items)
            items, start, opening, outer, quoted = around.pop()
            depth += 1
            if opening == "(" and bracket == ")" and not dotted and depth <= deepest:
                made = new_node()
                made.kind = "list"
                made.value = None
                made.items = inside
                made.source = source
                made.start = start
                made.end = end
                made.depth = depth
                items.append(made)
            else:
                items.append(_paired(opening, bracket, inside, source, start, end, depth, limits))
            depth = depth if depth > outer else outer
            if quoted:
                items, depth, quoted = _prefixed(items[0], around, limits)
    if len(around) > 1 or end != len(source.text):
        return None
    if dotted:
        refuse_dots(items)
    return items


def _looking(cut: list[Cut], look: Look) -> Iterator[Cut]:
    """The pieces of a long text, with a look at the limits now and then."""
    for at in range(0, len(cut), PIECES):
        look()
        yield from cut[at : at + PIECES]


def _whole(piece: str) -> tuple[str, int] | None:
    """A whole number that is one whatever the limits are; it is not remembered, as most are met but once."""
    return ("integer", int(piece)) if piece.isdigit() and len(piece) < 15 and piece.isascii() else None


def _paired(
    opening: str,
    bracket: str,
    inside: tuple[Node, ...],
    source: Source,
    start: int,
    end: int,
    depth: int,
    limits: Limits,
) -> Node:
    """The node of a pair of brackets; an error if they are none."""
    if opening not in _PARTNERS[bracket]:
        raise LispyError("unexpected-close", f"{bracket} does not close {opening}")
    return compound(opening, inside, source, start, end, depth, limits)


def _prefixed(datum: Node, around: list[Open], limits: Limits) -> tuple[list[Node], int, bool]:
    """What was read with a datum and its prefixes, how deep it is, and whether it stands behind another."""
    quoted = True
    while quoted:
        items, start, prefix, depth, quoted = around.pop()
        datum = prefixed(prefix, datum, start, limits)
    items.append(datum)
    return items, max(depth, datum.depth), quoted


def _atom(piece: str, start: int, source: Source, limits: Limits) -> Node:
    """A piece that is no bracket; a short one is remembered. An error if it is nothing."""
    first = piece[0]
    if first == '"':
        if not is_string(piece):
            raise LispyError("unclosed", "this string is never closed")
        node = atoms.string(piece, start, source, limits)
    elif first == "#" and piece.startswith("#\\"):
        node = atoms.character(piece, start, source, limits)
    else:
        node = atoms.word(piece, start, source, limits)
    if len(piece) <= LONGEST_WORD and node.kind != "dot":
        if len(_words) >= MOST_WORDS:
            _words.clear()
        _words[piece] = node.kind, node.value
    return node


def parse_values(text: str, limits: Limits | None = None, look: Look | None = None) -> list[Value]:
    """All data of a text as values, nothing evaluated; `look` as for `read`."""
    return [datum(node) for node in read(text, "<string>", limits, look)]
