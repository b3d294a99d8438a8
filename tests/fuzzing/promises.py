"""What the language promises of any program whatsoever, and whether one holds it."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable
from typing import Any

from lisppump.canon import canonical
from lisppump.lispy import Limits, Result, Runtime, to_text
from lisppump.lispy.reader import read
from tests.lispy.test_error_fuzz import LIMITS, outcome

SLOW = 5.0  # seconds of work that so few steps never take, on whatever machine
_SPELT = re.compile("->symbol|intern|symbol-append")  # symbols of any text may have no spelling
Broken = Callable[[str], str | None]


def broken(program: str) -> str | None:
    """Which promise a program breaks, in a sentence; None where it holds them all."""
    try:
        return _broken(program)
    except (KeyboardInterrupt, SystemExit):
        raise
    except AssertionError as error:
        return f"it says what it should not: {error}"
    except BaseException as error:  # none may come out of a run, and this is who finds it
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"the host's {type(error).__name__} came out at {place.filename}:{place.lineno}: {error}"


def _broken(program: str) -> str | None:
    started = time.process_time()
    first = outcome(program)
    seconds = time.process_time() - started
    if seconds > SLOW:
        return f"it took {seconds:.1f} s for {first.usage['steps']:,} steps"
    for hot in (False, True):
        again = _told(outcome(program, hot))
        for name, one in _told(first).items():
            if again[name] != one:
                return f"its {name}: {one!r}, then{' in hot code' if hot else ''} {again[name]!r}"
    if first.usage["steps"] > LIMITS.steps or first.usage["bytes"] > LIMITS.allocation + 2 * LIMITS.string:
        return f"it used {first.usage}, which is more than its limits"
    canonical([first.value, first.output])
    return None if _SPELT.search(program) else _reads_back(first)


def _told(result: Result) -> dict[str, Any]:
    """All that a program can be seen to come to."""
    error = result.error
    said = {"text": result.text, "output": result.output, "usage": result.usage}
    if error is not None:
        place = None if error.span is None else (error.span.file, error.span.start, error.span.end)
        said |= {"code": error.code, "message": error.message, "help": error.help, "trace": error.trace}
        said |= {"place": place, "data": to_text(error.data)}
    return said


def _reads_back(result: Result) -> str | None:
    """Data is written so that it reads back; what has no text of its own, a procedure, is no data."""
    text = result.text
    if not result.ok or "#<" in text or "#:" in text or len(text) > 50_000:
        return None
    again = Runtime(limits=Limits(syntax_depth=1000)).run(f"(quote {text})")
    if not again.ok and again.error is not None and again.error.category == "limit":
        return None
    return None if again.text == text else f"it came to {text}, which reads back as {again.text}"


def shrunk(program: str, breaks: Broken, tries: int = 600) -> str:
    """A smaller program that breaks a promise, too: with parts left out, or in the place of the whole."""
    found = True
    while found and tries > 0:
        found = False
        for smaller in _smaller(program):
            tries -= 1
            if tries < 0:
                break
            if breaks(smaller) is not None:
                program, found = smaller, True
                break
    tidy = "\n".join(" ".join(line.split()) for line in program.splitlines() if line.strip())
    return tidy if breaks(tidy) is not None else program


def _smaller(program: str) -> list[str]:
    """Programs with less: those where something of the text is gone, the most first."""
    try:
        nodes = read(program, "<program>")
    except Exception:
        half = len(program) // 2
        return [program[:half], program[half:], *(program[:n] + program[n + 1 :] for n in range(half * 2))]
    found = [(node.end - node.start, program[: node.start] + program[node.end :]) for node in nodes[:-1]]
    found += [(len(program), node.text) for node in nodes if len(nodes) > 1]
    queue = list(nodes)
    while queue:
        node = queue.pop()
        for item in node.items:
            queue.append(item)
            found.append((item.end - item.start - 1, f"{program[: item.start]}1{program[item.end :]}"))
            found.append((item.end - item.start, program[: item.start] + program[item.end :]))
            less = (node.end - node.start) - (item.end - item.start)
            found.append((less, program[: node.start] + item.text + program[node.end :]))
    found.sort(key=lambda pair: -pair[0])
    return [text for _, text in found if text.strip() and len(text) < len(program)]
