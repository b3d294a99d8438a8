"""The prompt of a pipe: a shared prefix, the same bytes for every pipe of a frame, then the room. Pure.

Each section is cut to its own allowance of tokens. If the whole would still be more than the policy allows,
sections are scaled, all of a part alike: those of the shared prefix to three quarters of the whole, so that
the prefix depends on no room, and those of the room to what is left. Rules, schema and agents always stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lisppump import canon
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Stream
from lisppump.quick import quick

declare("policy", 1, prompt_too_long="What a prompt must hold is more than (prompt (at-most ...)) allows.")

BYTES_PER_TOKEN = 4
AGENT_TOKENS = 120
ECHO_TOKENS = 300
_BREAK = "\n"
_NOTE = "\n[... {} tokens more]"
_NOTE_BYTES = 40
_WORDS = frozenset({str, int, float, bool})

RULES = """\
You are one pipe of a simulation that goes on in frames. You speak for the agents of your room, named at the
end, and for nobody else: every item names one of them as the one who acts. Decide what each of them does in
this frame, as that agent would; doing nothing is an answer too.
Answer with one JSON object and nothing around it. Its keys are collections, each a list of items; leave out
those that you do not need. These are the collections and the fields of their items:"""

PASSES = {
    "act": "Let each agent of your room do what it wants to do in this frame.",
    "react": "Let the agents answer what was done in their room so far, where they want to. "
    "Give new items only.",
    "synthesise": "Let the agents sum up what came of this frame for them: what they remember, what has "
    "changed. Give new items only.",
}
PASS_TOKENS = 20  # what the heads of a pass take at most
OTHER_PASS = "Do what the name of this pass says. Give new items only."


@quick
@dataclass(frozen=True, slots=True)
class Prompt:
    """What a backend reads: `shared` is byte-identical over the pipes of a frame."""

    shared: str
    room: str

    @property
    def shared_digest(self) -> str:
        """The sha256 of the shared prefix."""
        return _measured(self.shared)[0]

    @property
    def room_digest(self) -> str:
        """The sha256 of the room's part."""
        return canon.digest_bytes(self.room.encode())

    @property
    def size(self) -> int:
        """Bytes of both parts."""
        return _measured(self.shared)[1] + _bytes_of(self.room)

    @property
    def tokens(self) -> int:
        """The estimated tokens of both parts."""
        return -(-self.size // BYTES_PER_TOKEN)


@lru_cache(maxsize=2)
def _measured(shared: str) -> tuple[str, int, int]:
    """Digest, size and tokens of a shared prefix, for which every prompt of a frame asks."""
    data = shared.encode()
    return canon.digest_bytes(data), len(data), _tokens(len(data))


def estimate(text: str) -> int:
    """How many tokens a text is about: four bytes of UTF-8 each."""
    return _tokens(_bytes_of(text))


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def shared_part(
    name: str, number: int, time: str, schema: str, sections: Any, at_most: int | None = None
) -> str:
    """The shared prefix of frame `number`: rules and schema (in words), then the frame and its sections."""
    fixed = f"{RULES}\n{schema}\n\n# {name}, frame {number}, {time}\n"
    return _assembled(fixed, sections, None if at_most is None else at_most * 3 // 4, "the shared part")


def build(
    shared: str,
    stream: Stream,
    agents: Sequence[Mapping[str, Any]],
    sections: Any = None,
    at_most: int | None = None,
) -> Prompt:
    """The prompt of one room: the shared prefix, who sits in the room, and the room's own sections."""
    id = stream.id
    title = f"{id} ({stream.name})" if stream.name else id
    topic = f"Its topic: {stream.topic}\n" if stream.topic else ""
    lines = "".join([f"{cut(_agent_line(agent), AGENT_TOKENS)}\n" for agent in agents])
    fixed = f"\n# Your room: {title}\n{topic}Its agents:\n{lines}"
    left = None if at_most is None else at_most - _measured(shared)[2]
    # Looked at first by its letters alone, since a room has few: no letter has more than four bytes.
    if sections is None and (left is None or len(fixed) <= left or estimate(fixed) <= left):
        return Prompt(shared, fixed)
    return Prompt(shared, _assembled(fixed, sections, left, f"the room of {id}"))


def of_pass(
    prompt: Prompt,
    turn: str,
    passes: Sequence[str],
    heard: Mapping[str, Sequence[Any]],
    at_most: int | None = None,
) -> Prompt:
    """The prompt of one of several passes: that of the room, what came so far, and what this pass is for.

    All before it is the same in every pass, so that a cache which holds it is read.
    """
    place = passes.index(turn) + 1
    parts = [f"\n# Pass {place} of {len(passes)}: {turn}\n{PASSES.get(turn, OTHER_PASS)}\n"]
    if heard:
        said = canon.line(dict(heard)).decode()
        left = None if at_most is None else max(0, at_most - prompt.tokens - estimate(parts[0]) - PASS_TOKENS)
        parts.insert(0, f"\n# What your room did in this frame so far, as JSON\n{cut(said, left)}\n")
    elif place > 1:
        parts.insert(0, "\n# What your room did in this frame so far\nNothing.\n")
    return Prompt(prompt.shared, prompt.room + "".join(parts))


def cut(text: str, tokens: int | None) -> str:
    """A text of at most so many tokens, its last line saying how many are left out; empty where none fit."""
    if tokens is None or len(text) <= tokens:  # no letter has more than four bytes
        return text
    data = text.encode()
    if _tokens(len(data)) <= tokens:
        return text
    room = tokens * BYTES_PER_TOKEN - _NOTE_BYTES
    if room <= 0:
        return ""
    kept = data[:room].decode("utf-8", "ignore").rstrip()
    return kept + _NOTE.format(_tokens(len(data) - len(kept.encode())))


def render(value: Any) -> str:
    """A JSON value for a reader: a text as it is, an object as lines, a list as points, the rest compact."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_inside(member)}" for key, member in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(f"- {_inside(item)}" for item in value if item is not None)
    return "" if value is None else _inside(value)


def flatten(sections: Any) -> list[tuple[str | None, str, int | None]]:
    """Sections as (title, text, tokens): objects with title or body, or texts; lists nest."""
    found: list[tuple[str | None, str, int | None]] = []
    queue = [sections]
    while queue:
        entry = queue.pop(0)
        if entry is None:
            continue
        if isinstance(entry, list | tuple):
            queue[:0] = entry
        elif isinstance(entry, Mapping) and ("body" in entry or "title" in entry):
            title, tokens = entry.get("title"), entry.get("tokens")
            whole = int(tokens) if isinstance(tokens, int | float) else None
            found.append((None if title is None else str(title), render(entry.get("body")), whole))
        else:
            found.append((None, render(entry), None))
    return [section for section in found if section[1].strip()]


def echoes(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A section for each agent's last echo, as `state/echo_frames` has it: its result, or why there is none.

    It is what a room reads where no function of pump.lisp says what that is.
    """
    return [
        {
            "title": f"{agent}, what its program came to after frame {said.get('frame')}",
            "body": dict(_said(said)),
            "tokens": ECHO_TOKENS,
        }
        for agent, said in found.items()
    ]


def posted(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A section for each program in a post that was run: its result, or why there is none."""
    return [
        {
            "title": f"{line.get('author')}, what the program in post {_inside(line.get('post'))} came to",
            "body": dict(_said(line)),
            "tokens": ECHO_TOKENS,
        }
        for line in lines
    ]


def _said(echo: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an echo's document has for a reader."""
    error = echo.get("error")
    if error is None:
        yield "result", echo.get("value")
    else:
        yield "error", error.get("message") if isinstance(error, Mapping) else error
    if echo.get("output"):
        yield "printed", echo["output"]


def _assembled(fixed: str, sections: Any, at_most: int | None, part: str) -> str:
    """The fixed text and the sections after it, in at most so many tokens."""
    if sections is None and at_most is None:
        return fixed
    parts = [(title, cut(text, tokens)) for title, text, tokens in flatten(sections)]
    whole = fixed + "".join(_section(title, text) for title, text in parts)
    if at_most is None or estimate(whole) <= at_most:
        return whole
    heads = fixed + "".join(_section(title, "") for title, _ in parts)
    left = at_most - estimate(heads)
    if left < 0:
        raise LisppumpError(
            "prompt-too-long",
            f"{part} of the prompt may take {max(0, at_most)} tokens, but needs {estimate(heads)} at least",
            help="allow more in (prompt (at-most (tokens n))), or put fewer agents into a room",
        )
    wanted = sum(estimate(text) for _, text in parts)
    scaled = ((title, cut(text, estimate(text) * left // wanted)) for title, text in parts)
    return fixed + "".join(_section(title, text) for title, text in scaled)


def _section(title: str | None, text: str) -> str:
    head = f"\n## {title}\n" if title is not None else "\n"
    return f"{head}{text}\n"


def _agent_line(agent: Mapping[str, Any]) -> str:
    """One agent: its id, then what is said of it in a word or a sentence."""
    said = [
        f"{key} {value if kind is int or (kind is str and _BREAK not in value) else _inside(value)}"
        for key, value in agent.items()
        if (kind := value.__class__) in _WORDS and value != "" and key != "id"
    ]
    return f"- {agent['id']}: {'; '.join(said)}"


def _inside(value: Any) -> str:
    """A value within another: texts as they are, further lines indented, all else as compact JSON."""
    if isinstance(value, str):
        return value.replace("\n", "\n  ") if "\n" in value else value
    if value.__class__ is int:
        return str(value)
    return canon.line(value).decode()


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
