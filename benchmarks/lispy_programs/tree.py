"""Lists in lists: a tree is built, added up, its depth measured, flattened."""

from typing import Any


def build(depth: int, n: int) -> Any:
    if depth == 0:
        return n
    return [build(depth - 1, 2 * n), n, build(depth - 1, 2 * n + 1)]


def tree_sum(tree: Any) -> int:
    if not isinstance(tree, list):
        return tree
    return sum(tree_sum(part) for part in tree)


def depth(tree: Any) -> int:
    return 1 + max(depth(part) for part in tree) if isinstance(tree, list) else 0


def flatten(tree: Any) -> list[int]:
    flat: list[int] = []
    for part in tree:
        if isinstance(part, list):
            flat.extend(flatten(part))
        else:
            flat.append(part)
    return flat


def main() -> list[int]:
    tree = build(9, 1)
    return [tree_sum(tree), depth(tree), len(flatten(tree))]
