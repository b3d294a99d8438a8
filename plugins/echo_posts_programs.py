"""The echo `posts-programs`: LisPy blocks in posts are run in their authors' names, once for each content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.frame import Frame
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.limits import Limits
from lisppump.lispy.values import elements, is_list
from lisppump.stages import POSTED, Option, Thought
from lisppump.workers.rule import APART, Isolation

from .programs import thought_of

if TYPE_CHECKING:
    from lisppump.witness import Witness

_FENCE = re.compile(
    r"^ {0,3}(```+|~~~+)[ \t]*(?:lisp|lispy|scheme)[ \t]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A program in a post: who wrote it, the post's number or id where it has one, the source, its digest."""

    author: str
    post: Any
    source: str
    digest: str


class PostsPrograms:
    """Runs what stands between ```lisp (lispy, scheme) and ``` in the posts of a document, newest posts only.

    What each came to is a line of `echo_posts.jsonl`, with its author, post and digest; a content that has a
    line there is not run again, whoever posts it. Its author's room reads it, and the author's next program
    finds it in the frame.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("document", "value", "The document that has the posts.", positional=True, type="string"),
        Option("path", "value", "The keys that lead to them in it.", default=(), many=True, type="string"),
        Option("text", "value", "The field with the text of a post.", default="body", type="string"),
        Option("author", "value", "The field with its author.", default="author", type="string"),
        Option("newest", "value", "How many posts, the newest, are looked through.", default=200,
               type="natural"),
        Option("at-most", "value", "How many programs run each time; others wait.", default=20,
               type="natural"),
        Option("allow", "capability", "The capabilities that programs have.", default=("state",), many=True),
        Option("limits", "limits", "What one program may use.", default=None),
        Option("builtins", "builtins", "What plugins add to the language.", default=MappingProxyType({})),
        Option("isolation", "isolation", "Where they run.", default=APART),
    )  # fmt: skip

    def __init__(
        self,
        document: str,
        path: Sequence[str] = (),
        text: str = "body",
        author: str = "author",
        newest: int = 200,
        at_most: int = 20,
        allow: Sequence[str] = ("state",),
        limits: Limits | None = None,
        builtins: Mapping[str, BuiltinSpec] = MappingProxyType({}),
        isolation: Isolation = APART,
    ) -> None:
        self._place = (document, *path)
        self._fields = (text, author)
        self._newest = newest
        self._at_most = at_most
        self._allow = frozenset(allow)
        self._limits = limits or Limits()
        self._builtins = builtins
        self._isolation = isolation

    def idle(self, frame: Frame) -> bool:
        """True where no post has a program that was not run yet."""
        return next(self._fresh(frame), None) is None

    def think(
        self, frame: Frame, seed: tuple[Any, ...], witness: Witness | None = None
    ) -> list[Thought]:
        """One thought for each program that is new, oldest post first."""
        thoughts: list[Thought] = []
        for block in self._fresh(frame):
            if len(thoughts) == self._at_most or (witness is not None and witness.over()):
                break
            thought = thought_of(
                frame,
                block.author,
                block.source,
                allow=self._allow,
                limits=self._limits,
                seed=(*seed, block.digest),
                builtins=self._builtins,
                witness=witness,
                isolation=self._isolation,
            )
            facts = {"author": block.author, "post": block.post, "digest": block.digest}
            thoughts.append(replace(thought, into=POSTED, facts=facts))
        return thoughts

    def _fresh(self, frame: Frame) -> Iterator[Block]:
        """The programs in posts that were not run yet, each content once."""
        done = frame.documents.get(POSTED)
        lines = elements(done) if is_list(done) else ()
        seen = {line.get("digest") for line in lines if isinstance(line, dict)}
        for post in self._posts(frame):
            for block in blocks(post, *self._fields):
                if block.digest not in seen:
                    seen.add(block.digest)
                    yield block

    def _posts(self, frame: Frame) -> list[Mapping[str, Any]]:
        document, *path = self._place
        found: Any = frame.documents.get(document)
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        posts = [*found.values()] if isinstance(found, dict) else elements(found) if is_list(found) else []
        newest = posts[len(posts) - self._newest :] if len(posts) > self._newest else posts
        return [post for post in newest if isinstance(post, dict)]


def blocks(post: Mapping[str, Any], text: str, author: str) -> Iterator[Block]:
    """The programs of one post, in their order; a fence that is never closed is none."""
    body, who = post.get(text), post.get(author)
    if not isinstance(body, str) or not isinstance(who, str) or not who:
        return
    for found in _FENCE.finditer(body.replace("\r\n", "\n")):
        source = found[2].strip()
        if source:
            digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
            yield Block(who, post.get("number", post.get("id")), source, f"sha256:{digest}")


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `posts-programs`."""
    return {"posts-programs": PostsPrograms}
