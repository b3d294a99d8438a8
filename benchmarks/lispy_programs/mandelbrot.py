"""The Mandelbrot set on a small grid: floats, a loop in a loop in a loop."""


def escape(cr: float, ci: float) -> int:
    zr = zi = 0.0
    for n in range(40):
        rr, ii = zr * zr, zi * zi
        if rr + ii > 4.0:
            return n
        zr, zi = rr - ii + cr, 2.0 * zr * zi + ci
    return 40


def row(y: int) -> list[int]:
    return [escape(x / 12.0 - 2.0, y / 8.0 - 1.0) for x in range(36)]


def main() -> list[int]:
    return [sum(row(y)) for y in range(16)]
