"""Code is transport, not decision: neither the loop nor a built-in stage throws dice or goes by archetype.

Who sits where may be left to dice by a dam, and only by those of a seed that comes from the policy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted([*(ROOT / "lisppump").glob("*.py"), *(ROOT / "plugins").glob("*.py")])
DICE = {"plugins/dam_affinity.py", "plugins/dam_round_robin.py", "plugins/grouping.py"}
KEYS = {"plugins/llama_box.py"}  # makes up the key of a server that it starts
RANDOM = {"random", "secrets", "uuid", "numpy"}
DRAWS = {"choice", "choices", "sample", "shuffle", "randint", "randrange", "urandom", "getrandbits"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dice_in(tree: ast.AST) -> Iterator[str]:
    """Every import and every call by which chance could come in, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names if each.name.split(".")[0] in RANDOM]
            yield from (f"{node.lineno}: import {name}" for name in names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in RANDOM:
            yield f"{node.lineno}: from {node.module}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWS:
            yield f"{node.lineno}: .{node.func.attr}(...)"


def words_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name and text of a program."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "value"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield getattr(node, "lineno", 0), word


def uses_of(tree: ast.AST, module: str) -> set[str]:
    """What a program takes from a module that it imports whole."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_left_to_chance(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if name_of(path) in DICE:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        made = [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "Random"]
        assert uses_of(tree, "random") <= {"Random"}
        assert all(one.args for one in made), "its dice need the seed that it is given"
    elif name_of(path) in KEYS:
        assert uses_of(tree, "secrets") <= {"token_urlsafe", "token_hex"}
        assert [entry for entry in dice_in(tree) if "import secrets" not in entry] == []
    else:
        assert list(dice_in(tree)) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nobody_goes_by_an_archetype(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [entry for entry in words_in(tree) if "archetype" in entry[1].lower()] == []


def test_the_search_finds_what_it_looks_for() -> None:
    bad = "import random\nfrom secrets import token_hex\nx = rng.choice(a)\ny = agent['archetype']\n"
    assert len(list(dice_in(ast.parse(bad)))) == 3
    assert any(word == "archetype" for _, word in words_in(ast.parse(bad)))
