"""The faults of this distribution: TIDES_BREAK names the places where it fails, with commas between them."""

import os


def here(place: str) -> bool:
    """Whether this is one of the places."""
    return place in os.environ.get("TIDES_BREAK", "").split(",")


def fail(place: str) -> None:
    """Raise here, if this is one of the places."""
    if here(place):
        raise RuntimeError(f"no tide at {place}")
