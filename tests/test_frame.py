"""The frame: its digest is that of all it holds, in canonical form."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lisppump import canon
from lisppump.frame import Frame

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
ROOMS = st.lists(st.tuples(st.integers(0, 9), st.lists(st.lists(NAMES, max_size=3).map(tuple)).map(tuple)))


@given(
    st.dictionaries(NAMES, NAMES),
    st.dictionaries(NAMES, st.integers() | st.lists(NAMES)),
    st.dictionaries(NAMES, st.integers(0, 9)),
    ROOMS.map(tuple),
)
def test_the_digest_is_that_of_everything(digests: Any, virtual: Any, woken: Any, rooms: Any) -> None:
    frame = Frame(
        number=7, time="t", documents={}, digests=digests, tock=2, virtual=virtual, woken=woken, rooms=rooms
    )
    everything = {
        "frame": 7,
        "tock": 2,
        "time": "t",
        "documents": digests,
        "virtual": virtual,
        "woken": woken,
        "rooms": [[number, [list(room) for room in entry]] for number, entry in rooms],
    }
    assert frame.digest == canon.digest(everything)
