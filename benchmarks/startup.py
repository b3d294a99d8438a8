"""What `lisppump eval '(+ 1 2)'` takes as a whole process, alone and beside thirty plugins, one of them slow.

    python benchmarks/startup.py [runs [plugins [seconds]]]

The reference, measured in turn with them, is a bare `python -c pass`. One of the plugins sleeps `seconds`
while it is imported: whoever needs nothing of plugins does not wait for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVAL = (sys.executable, "-m", "lisppump", "eval", "(+ 1 2)")
ROOT = Path(__file__).resolve().parent.parent


def install(folder: Path, plugins: int, seconds: float) -> None:
    """Put plugins on a path, as `pip install` would; the last one is slow."""
    for number in range(plugins):
        module = f"plugin_{number:02d}"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        sleep = f"import time; time.sleep({seconds})\n" if number == plugins - 1 else ""
        code = "from lisppump import hookimpl\n\n@hookimpl\ndef frame_started(number): ...\n"
        (folder / f"{module}.py").write_text(sleep + code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{number:02d}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[lisppump]\np{number} = {module}\n")


def once(words: tuple[str, ...], path: str) -> float:
    """The milliseconds of one process."""
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run(words, env=environment, cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the best of some runs of each, and what it is of a bare Python."""
    runs, plugins, seconds = (*map(float, sys.argv[1:]), *(9.0, 30.0, 3.0)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), int(plugins), seconds)
        crowded = os.pathsep.join([folder, str(ROOT)])
        cases = {
            "python -c pass": ((sys.executable, "-c", "pass"), str(ROOT)),
            "eval": (EVAL, str(ROOT)),
            f"eval beside {plugins:.0f} plugins, one of {seconds:g} s": (EVAL, crowded),
        }
        best = dict.fromkeys(cases, float("inf"))
        for _ in range(int(runs)):
            for name, (words, path) in cases.items():
                best[name] = min(best[name], once(words, path))
    reference = best["python -c pass"]
    print(f"best of {runs:.0f} whole processes, in turn")
    for name, milliseconds in best.items():
        print(f"{name:45} {milliseconds:8.1f} ms  {milliseconds / reference:5.1f}x")


if __name__ == "__main__":
    main()
