"""The breach of a contract: the one error that checks end in, and what is asked of a stage of any kind."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lisppump import canon
from lisppump.errors import LisppumpError, place_of, said
from lisppump.frame import Frame
from lisppump.plugin_checks import ASYNC
from lisppump.stages import KINDS


def breach(sentence: str, help: str | None = None) -> LisppumpError:
    """The error that says what was wanted and what was got."""
    return LisppumpError("contract", sentence, help=help)


def require(held: bool, sentence: str, help: str | None = None) -> None:
    """Refuse what does not hold."""
    if not held:
        raise breach(sentence, help)


def shaped(kind: str, stage: Any) -> str:
    """What messages call a stage, once it is one: an object with the methods of its kind."""
    if inspect.isclass(stage):
        raise breach(
            f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} is wanted here, got the class {stage.__name__}",
            f"give the check what the class makes: {stage.__name__}(...)",
        )
    whose = f"{kind} `{type(stage).__name__}`"
    for method, arguments in KINDS[kind].methods.items():
        wanted = f"{method}({', '.join(arguments)})"
        found: Any = getattr(stage, method, None)
        require(callable(found), f"{whose} should have the method {wanted}; it has none of that name")
        try:
            signature = inspect.signature(found)
        except ValueError:  # one written in C says nothing of its arguments
            continue
        try:
            signature.bind(*arguments)
        except TypeError:
            raise breach(f"{whose} should have {wanted}, it has {method}{signature}") from None
        if kind not in ASYNC and inspect.iscoroutinefunction(found):
            raise breach(f"{whose} has `async def {method}`; an ordinary function is wanted", "write `def`")
    return whose


@contextmanager
def asked(whose: str, wanted: str) -> Iterator[None]:
    """Let a stage's own code run: an error that is none of lisppump's is a breach, and says where."""
    try:
        yield
    except LisppumpError:
        raise
    except (Exception, SystemExit) as error:
        raise breach(f"{whose} should {wanted}; it raised {said(error)} ({place_of(error)})") from error


def fingerprint(frame: Frame, *more: Any) -> str:
    """The digest of all that a stage may read and must leave as it is."""
    documents: Mapping[str, Any] = frame.documents
    return canon.digest([{name: documents[name] for name in documents}, *more])
