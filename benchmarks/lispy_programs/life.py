"""Conway's Life on a torus of 16 by 16: positions, nested comprehensions, sums."""

SIZE = 16
World = list[list[int]]


def cell(world: World, x: int, y: int) -> int:
    return world[y % SIZE][x % SIZE]


def neighbours(world: World, x: int, y: int) -> int:
    return (
        cell(world, x - 1, y - 1) + cell(world, x, y - 1) + cell(world, x + 1, y - 1)
        + cell(world, x - 1, y) + cell(world, x + 1, y)
        + cell(world, x - 1, y + 1) + cell(world, x, y + 1) + cell(world, x + 1, y + 1)
    )  # fmt: skip


def live(alive: int, n: int) -> int:
    return 1 if n == 3 or (alive == 1 and n == 2) else 0


def tick(world: World) -> World:
    return [[live(cell(world, x, y), neighbours(world, x, y)) for x in range(SIZE)] for y in range(SIZE)]


START = [[1 if (x * 7 + y * y * 3) % 11 < 4 else 0 for x in range(SIZE)] for y in range(SIZE)]


def main() -> int:
    world = START
    for _ in range(4):
        world = tick(world)
    return sum(map(sum, world))
