"""Stand-in stages and a small world for the tests of policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lisppump import hookimpl
from lisppump.policy import Policy, PolicyErrors
from lisppump.registry import Registry
from lisppump.stages import KINDS, Option

WORLD = """\
(load helpers)

(define (awake? agent)
  "Agents the next frame may wake."
  (not (equal? (get agent "status") "dormant")))

(define (wake-order agent) (if (equal? (get agent "archetype") (get-in frame '(echo signals boost))) 0 1))
(define (how-many frame) (clamp (quotient (get-in frame '(last events) 45) 3) 1 15))
(define (chemistry a b) (+ (bond a b) 1))
(define (digest frame) (list (get frame "stats")))
(define (room-brief room) (map (lambda (agent) (get agent "id")) (get room "agents")))
(define (persona agent room) (dict "posts" '()))
(define (tidy) 1)

(pump
  (name agora)
  (every (minutes 45))
  (clock (start "2026-04-09T00:00:00Z"))
  (state "state" (keep 50))
  (seed 7)
  (genesis (lambda () (dict "agents.json" (dict "agents" (dict)))))
  (agents "agents.json" agents (where awake?) (order wake-order) (rest-first) (at-most 22))
  (streams how-many)
  (dam (affinity (score chemistry) (room-size 3) (never-twice 20)))
  (backends
    (bright (claude (model "claude-opus-4-6") (max-tokens 4000)))
    (hands (copilot (profile agentic)))
    (script (lispy (program persona))))
  (pipe bright script none (deadline (minutes 5)) (passes act react) (stagger (seconds 2)))
  (prompt (shared digest) (room room-brief) (at-most (tokens 60000)))
  (delta
    (posts_created
      (fields (title string) (author agent) (body string optional))
      (number number (above "posted_log.json" "trending.json"))
      (into "posted_log.json" posts)
      (count "stats.json" total_posts) (count "agents.json" (agents author post_count)))
    (votes
      (fields (post (ref posts_created)) (voter agent) (type (one-of "upvote" "downvote")))
      (once-per voter post type) (into "votes.jsonl"))
    (profiles
      (fields (agent agent) (field (one-of "bio" "mood")) (value any))
      (into "agents.json" agents) (last-writer))
    (memories (fields (agent agent) (text string)) (into "memory/{agent}.md"))
    (moods (fields (agent agent) (mood number)) (into "moods.json") (sum agent mood))
    (otherwise append "observations.jsonl"))
  (merger dream-catcher)
  (echoes
    (agents-programs (allow state web) (limits (steps 200000) (seconds 5)))
    (by tidy)
    (each 10 (by tidy)))
  (breaker (bad 1/2) (frames 3) (empty 20))
  (budget (per run) (tokens 2000000) (dollars 20) (wall (hours 10)) (when-spent stop))
  (limits (steps 1000000) (depth 12000) (megabytes 64))
  (executor local)
  (reservoir files)
  (plugins (without noisy) (order first second)))
"""
HELPERS = """\
(define (bond a b) (length (intersection (get a "friends" '()) (get b "friends" '()))))
"""
SMALL = """\
(define (persona agent room) (dict "posts" '()))
(pump
  (name small)
  (agents "agents.json" agents)
  (pipe (lispy (program persona)))
  (delta (posts (fields (text string) (author agent)) (into "posts.jsonl"))))
"""


def _stage(kind: str, *options: Option) -> type:
    """A stage class with these options that keeps what it is made with."""

    def init(self: Any, **given: Any) -> None:
        self.given = given

    body: dict[str, Any] = {"options": options, "__init__": init}
    for method, arguments in KINDS[kind].methods.items():
        scope: dict[str, Any] = {}
        awaited = "async " if kind in ("backend", "executor") else ""
        exec(f"{awaited}def {method}({', '.join(('self', *arguments))}): ...", scope)
        body[method] = scope[method]
    return type(f"StandIn{kind.title()}", (), body)


def _by(kind: str, arity: int) -> type:
    return _stage(kind, Option("function", "function", "Does it.", arity=arity, positional=True))


class StandIns:
    """A plugin that offers every stage the worlds of these tests name."""

    @hookimpl
    def dams(self) -> Mapping[str, type]:
        affinity = _stage(
            "dam",
            Option("score", "function", "What two agents gain.", arity=2),
            Option("room-size", "value", "Most agents of a room.", default=3),
            Option("never-twice", "value", "Frames apart.", default=0),
        )
        return {"round-robin": _stage("dam"), "affinity": affinity, "by": _by("dam", 3)}

    @hookimpl
    def backends(self) -> Mapping[str, type]:
        claude = _stage(
            "backend",
            Option("model", "value", "The model."),
            Option("max-tokens", "value", "Most tokens of a reply.", default=1000),
            Option("patience", "value", "How long a call may take.", default=60, unit="seconds"),
        )
        profile = Option("profile", "name", "What it may do.", choices=("agentic", "plain"))
        command = Option("command", "value", "The command line.", many=True, positional=True)
        program = Option("program", "function", "An agent.", arity=2)
        return {
            "none": _stage("backend"),
            "claude": claude,
            "copilot": _stage("backend", profile),
            "command": _stage("backend", command),
            "lispy": _stage("backend", program),
        }

    @hookimpl
    def mergers(self) -> Mapping[str, type]:
        return {"dream-catcher": _stage("merger"), "by": _by("merger", 2)}

    @hookimpl
    def echoes(self) -> Mapping[str, type]:
        programs = _stage(
            "echo",
            Option("allow", "name", "Capabilities.", default=(), many=True),
            Option("limits", "limits", "What each may use.", default=None),
        )
        return {"agents-programs": programs, "by": _by("echo", 0)}

    @hookimpl
    def executors(self) -> Mapping[str, type]:
        return {"local": _stage("executor")}

    @hookimpl
    def reservoirs(self) -> Mapping[str, type]:
        return {"files": _stage("reservoir")}


def registry(version: str = "1.0") -> Registry:
    """A registry of stand-ins only."""
    made = Registry(without={"lisppump"})
    made.register(StandIns(), "stand-ins", version)
    return made


REGISTRY = registry()


def bundle(text: str) -> dict[str, str]:
    """A bundle with a pump.lisp and the helpers it loads."""
    return {"pump.lisp": text, "lisp_lib/helpers.lisp": HELPERS}


def load(text: str, **more: Any) -> Policy:
    """The policy of a text."""
    return Policy.from_bundle(bundle(text), registry=REGISTRY, **more)


def changed(old: str, new: str, text: str = WORLD) -> str:
    """A world with one piece replaced."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the world"
    return text.replace(old, new)


def errors_of(text: str) -> PolicyErrors:
    """What is wrong with a text, which must be something."""
    try:
        load(text)
    except PolicyErrors as errors:
        return errors
    raise AssertionError("the policy loads")
