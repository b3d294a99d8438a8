"""A storm of 429s by a real clock and real sockets; in virtual time it is in test_governor."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.storm import LIMITERS, storm

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("hints", [False, True], ids=["without Retry-After", "with Retry-After"])
@pytest.mark.parametrize("limiter", LIMITERS)
def test_138_pipes_are_fed_to_a_server_that_allows_ten_a_second(
    tmp_path: Path, limiter: str, hints: bool
) -> None:
    found = storm(tmp_path / "world", limiter, hints=hints, latency=0.05, pipes=138, a_second=10)
    assert found.holds(10), str(found)
