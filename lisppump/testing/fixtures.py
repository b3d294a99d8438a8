"""What pytest finds of lisppump without asking: the fixture `simulation`. Unused, it costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lisppump.testing import Simulations


@pytest.fixture
def simulation(tmp_path: Path) -> Simulations:
    """Makes worlds that run: `simulation(policy, files={...}, state={...}, backends={...}, plugins={...})`.

    Each call makes a Simulation in a folder of its own.
    """
    from lisppump.testing import Simulations

    return Simulations(tmp_path)
