"""Groups indexes so that much affinity is captured inside the groups. It knows no agents and no frame.

A greedy start is improved by swapping pairs, and by shifting members between large rooms and small ones.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import combinations

Row = list[float]
Members = frozenset[int]
Bonus = Callable[[Members], float]

SEARCH = 20_000  # rooms that are tried at most when swaps alone do not get rid of forbidden ones


def rooms_for(members: int, n: int, room_size: int) -> int:
    """How many rooms: `n`, more if they would grow too large, never more than there are members."""
    least = math.ceil(members / room_size) if room_size > 0 else 1
    return min(members, max(n, least, 1))


def even_sizes(count: int, rooms: int) -> list[int]:
    """The sizes of `rooms` rooms for `count` members, within one of each other, the larger ones first."""
    return [count // rooms + (number < count % rooms) for number in range(rooms)]


def captured(matrix: Sequence[Sequence[float]], rooms: Iterable[Sequence[int]]) -> float:
    """The affinity of all pairs that share a room."""
    return sum(matrix[i][j] for room in rooms for i, j in combinations(room, 2))


def group(
    matrix: Sequence[Sequence[float]],
    sizes: Sequence[int],
    rng: random.Random,
    *,
    forbidden: Collection[Members] = (),
    bonus: Bonus | None = None,
) -> list[list[int]]:
    """Rooms of these sizes over the indexes of a symmetric matrix, each sorted, by their first members.

    `forbidden` rooms are avoided wherever other rooms of these sizes are found; `bonus` is a number added to
    the affinity of a room. `rng` says who begins a room and breaks ties.
    """
    order = list(range(len(matrix)))
    rng.shuffle(order)
    rows = [[float(matrix[i][j]) for j in order] for i in order]
    worth = None
    if forbidden or bonus is not None:
        worth = _Worth(rows, order, frozenset(forbidden), bonus)
    seats = _Seats(rows, greedy(rows, sizes), worth)
    seats.settle()
    if worth is not None and worth.breaches(seats.rooms()):
        lawful = _lawful(sizes, worth)
        if lawful is not None:
            seats = _Seats(rows, lawful, worth)
            seats.settle()
    return sorted(sorted(order[i] for i in room) for room in seats.rooms())


def greedy(rows: list[Row], sizes: Sequence[int]) -> list[list[int]]:
    """Rooms grown one after the other: whoever comes first begins, then each time the one that adds most."""
    free = list(range(len(rows)))
    rooms = []
    for size in sizes:
        room = [free.pop(0)]
        gain = rows[room[0]]
        while len(room) < size:
            member = max(free, key=gain.__getitem__)
            room.append(member)
            free.remove(member)
            gain = [a + b for a, b in zip(gain, rows[member], strict=True)]
        rooms.append(room)
    return rooms


class _Worth:
    """What a room is worth beside its pairs: the bonus, minus more than everything for a forbidden room."""

    def __init__(
        self, rows: list[Row], order: list[int], forbidden: frozenset[Members], bonus: Bonus | None
    ) -> None:
        place = {index: at for at, index in enumerate(order)}
        self.forbidden = frozenset(
            frozenset(place[index] for index in room)
            for room in forbidden
            if len(room) > 1 and room <= place.keys()
        )
        self.penalty = 1.0 + sum(abs(value) for row in rows for value in row)
        self.bounded = bonus is None
        self._order = order
        self._bonus = bonus
        self._known: dict[Members, float] = {}

    def __call__(self, members: Members) -> float:
        worth = self._known.get(members)
        if worth is None:
            worth = 0.0 if self._bonus is None else self._bonus(frozenset(self._order[i] for i in members))
            if members in self.forbidden:
                # A bonus may be larger than all affinities: a forbidden room loses its own, too.
                worth = min(worth, 0.0) - self.penalty
            self._known[members] = worth
        return worth

    def breaches(self, rooms: Iterable[Iterable[int]]) -> bool:
        """True if one of the rooms is forbidden."""
        return any(frozenset(room) in self.forbidden for room in rooms)


class _Seats:
    """Who sits where, with the tables that make a swap's gain one look-up.

    `gain[r][i]` is the affinity of i to all of room r, `own[i]` that to i's own room.
    """

    def __init__(self, rows: list[Row], rooms: Sequence[Sequence[int]], worth: _Worth | None) -> None:
        self.rows = rows
        self.count = len(rooms)
        self.room = [0] * len(rows)
        for number, members in enumerate(rooms):
            for member in members:
                self.room[member] = number
        self.gain: list[Row] = [list(map(sum, zip(*(rows[i] for i in room), strict=True))) for room in rooms]
        self.own = [self.gain[number][i] for i, number in enumerate(self.room)]
        self.worth = worth
        self.sets = [frozenset(room) for room in rooms]
        # Below this a gain is only rounding: taking it could turn in circles.
        self.least = 1e-9 * (1.0 + max((max(max(row), -min(row)) for row in rows), default=0.0))

    def rooms(self) -> list[list[int]]:
        """The members of every room."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for member, number in enumerate(self.room):
            found[number].append(member)
        return found

    def settle(self) -> None:
        """Swap pairs until no swap helps, then shift members between sizes; over again until neither does."""
        self._swap_all(range(len(self.rows)))
        while (moves := self._best_shift()) is not None:
            changed = {number for member, number in moves} | {self.room[member] for member, _ in moves}
            self._seat(moves)
            self._swap_all(i for i, number in enumerate(self.room) if number in changed)

    def _swap_all(self, members: Iterable[int]) -> None:
        """Take the best swap of one member after the other; those whose room changed are looked at again."""
        queue = deque(members)
        waiting = [False] * len(self.rows)
        for i in queue:
            waiting[i] = True
        while queue:
            i = queue.popleft()
            waiting[i] = False
            j = self._best_partner(i)
            if j is None:
                continue
            r, s = self.room[i], self.room[j]
            self._seat([(i, s), (j, r)])
            for k, number in enumerate(self.room):
                if number in (r, s) and not waiting[k]:
                    waiting[k] = True
                    queue.append(k)

    def _best_partner(self, i: int) -> int | None:
        """With whom i should change places, or None where nothing is gained."""
        room = self.room
        r = room[i]
        there = [gain[i] for gain in self.gain]
        there[r] = float("-inf")  # those of one's own room are no partners
        gains = [
            here - own + there[s] - pair - pair
            for here, own, s, pair in zip(self.gain[r], self.own, room, self.rows[i], strict=True)
        ]
        if self.worth is None:
            best = max(gains)
            return gains.index(best) if best - self.own[i] > self.least else None
        return self._best_worthy(i, gains, self.worth)

    def _best_worthy(self, i: int, gains: Row, worth: _Worth) -> int | None:
        """As `_best_partner`, with what the two rooms would be worth; known bounds spare most questions."""
        r = self.room[i]
        left = self.sets[r] - {i}
        best, partner = self.least + self.own[i], None
        before = [worth(members) for members in self.sets]
        for j, gain in enumerate(gains):
            s = self.room[j]
            if s == r:
                continue
            gain -= before[r] + before[s]
            if worth.bounded and gain <= best:
                continue
            gain += worth(left | {j}) + worth((self.sets[s] - {j}) | {i})
            if gain > best:
                best, partner = gain, j
        return partner

    def _best_shift(self) -> list[tuple[int, int]] | None:
        """The best way to make one large room smaller and a small one larger, as (member, new room), or None.

        Either x goes over, or x takes the seat of y, and y goes over. Swaps never change which room is large.
        """
        sizes = [len(members) for members in self.sets]
        low = min(sizes)
        if low == max(sizes):
            return None
        small = [number for number, size in enumerate(sizes) if size == low]
        over = [self._best_small(i, small) for i in range(len(self.rows))]
        gains = [gain for gain, _ in over]
        best, moves = self.least, None
        for x, r in enumerate(self.room):
            if sizes[r] == low:
                continue
            there = [gain[x] - self.own[x] for gain in self.gain]
            there[r] = float("-inf")
            chains = [
                gain + there[t] - pair for gain, t, pair in zip(gains, self.room, self.rows[x], strict=True)
            ]
            top = max(chains)
            y = chains.index(top)
            for gain, found in ((gains[x], [(x, over[x][1])]), (top, [(y, over[y][1]), (x, self.room[y])])):
                gain += self._worth_of(found)
                if gain > best:
                    best, moves = gain, found
        return moves

    def _best_small(self, i: int, small: list[int]) -> tuple[float, int]:
        """What i gains by going to the best of the small rooms but its own, and which that is."""
        here = self.room[i]
        gain, number = max(
            ((self.gain[s][i], -s) for s in small if s != here), default=(float("-inf"), -here)
        )
        return gain - self.own[i], -number

    def _worth_of(self, moves: list[tuple[int, int]]) -> float:
        """How the worth of the rooms changes by some moves, pairs aside."""
        if self.worth is None:
            return 0.0
        after: dict[int, Members] = {}
        for member, number in moves:
            left = self.room[member]
            after[left] = after.get(left, self.sets[left]) - {member}
            after[number] = after.get(number, self.sets[number]) | {member}
        return sum(self.worth(members) - self.worth(self.sets[number]) for number, members in after.items())

    def _seat(self, moves: list[tuple[int, int]]) -> None:
        """Give members new rooms and bring the tables up to date."""
        changed = set()
        for member, number in moves:
            row, left = self.rows[member], self.room[member]
            self.gain[left] = [a - b for a, b in zip(self.gain[left], row, strict=True)]
            self.gain[number] = [a + b for a, b in zip(self.gain[number], row, strict=True)]
            self.sets[left] -= {member}
            self.sets[number] |= {member}
            self.room[member] = number
            changed |= {left, number}
        for number in changed:
            gain = self.gain[number]
            for member in self.sets[number]:
                self.own[member] = gain[member]


def _lawful(sizes: Sequence[int], worth: _Worth) -> list[list[int]] | None:
    """Rooms of these sizes of which none is forbidden; None if there are none or the search is too long."""
    burden: dict[int, int] = dict.fromkeys(range(sum(sizes)), 0)
    for unwanted in worth.forbidden:
        for member in unwanted:
            burden[member] += 1
    free = tuple(sorted(burden, key=lambda i: (-burden[i], i)))
    rooms: list[list[int]] = []
    stack = [_choices(free, tuple(sorted(sizes)), worth.forbidden)]
    for _ in range(SEARCH):
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            if not stack:
                return None
            rooms.pop()
            continue
        room, rest, left = found
        rooms.append(room)
        if not left:
            return rooms
        stack.append(_choices(rest, left, worth.forbidden))
    return None


def _choices(
    free: tuple[int, ...], sizes: tuple[int, ...], forbidden: frozenset[Members]
) -> Iterator[tuple[list[int], tuple[int, ...], tuple[int, ...]]]:
    """Every allowed room for the first who is free, with who and which sizes are then left."""
    head, others = free[0], free[1:]
    for size in sorted(set(sizes)):
        at = sizes.index(size)
        left = sizes[:at] + sizes[at + 1 :]
        for company in combinations(others, size - 1):
            members = frozenset((head, *company))
            if members not in forbidden:
                yield [head, *company], tuple(i for i in others if i not in members), left
