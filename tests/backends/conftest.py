"""What tests of backends share: a loopback server, and nothing of whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.servers import Server


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that opens nothing; no profile, address, or proxy of whoever runs the tests."""
    for name in (*os.environ,):
        if name.startswith(("ANTHROPIC_", "OLLAMA_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-nobody")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "anthropic"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(nobody: None) -> Iterator[Server]:
    """A server that answers as the test says."""
    with Server() as server:
        yield server
