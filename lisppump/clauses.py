"""The one clause table: what may stand in `(pump ...)`, how it is written, what it means. It runs nothing."""

from __future__ import annotations

from lisppump.clauses_collection import COLLECTION
from lisppump.clauses_shape import (
    Clause,
    Position,
    choice,
    clause,
    function,
    name,
    names,
    path,
    stage,
    usage,
    value,
)  # fmt: skip
from lisppump.errors import LisppumpError, declare, suggest

declare(
    "policy", 3,
    unknown_clause="A clause or an option has a name that does not exist where it stands.",
    bad_clause="A clause is not written as it should be, or holds a value that it cannot use.",
    missing_clause="A clause, or a part of one, that must be there is absent.",
    duplicate_clause="A clause, an option or a name is there twice.",
    wrong_kind="A place of a clause holds another kind of thing than it takes.",
    wrong_unit="A quantity is written without its unit or with the wrong one.",
    wrong_function="A function of pump.lisp takes another number of arguments than its place gives.",
    unknown_field="A rule of a collection names a field that the collection does not have.",
)  # fmt: skip

SECONDS = "seconds"

LIMITS = (
    clause("steps", "Most steps of one run.", "(steps 1000000)", value("n", "positive")),
    clause("depth", "How deep calls may nest.", "(depth 12000)", value("n", "positive")),
    clause("megabytes", "Most data one run may make, in MiB.", "(megabytes 64)", value("n", "positive")),
    clause(
        "seconds", "Longest time of one run, on the wall clock.", "(seconds 5)", value("n", "positive-number")
    ),
    clause("elements", "Most elements of one list or dict.", "(elements 100000)", value("n", "positive")),
    clause("string", "Most characters of one string.", "(string 1048576)", value("n", "positive")),
    clause("bits", "Most bits of one integer.", "(bits 14000)", value("n", "bits")),
    clause("data-depth", "How deep lists and dicts may be in each other.", "(data-depth 256)",
           value("n", "levels")),
    clause("syntax-depth", "How deep brackets of a program may be in each other.", "(syntax-depth 100)",
           value("n", "brackets")),
    clause("source", "Most bytes of one program.", "(source 262144)", value("n", "positive")),
    clause("message", "Most characters of an error's message.", "(message 500)", value("n", "characters")),
    clause("output", "Most characters that one run may print.", "(output 65536)", value("n", "positive")),
)

ASSUME = (
    clause("tokens", "The tokens that one call counts as, with its prompt.", "(tokens 2000)",
           value("n", "natural")),
    clause("dollars", "What one call counts as in money.", "(dollars 0.01)",
           value("n", "natural-number")),
)  # fmt: skip
INSIDE = {"limits": LIMITS, "assume": ASSUME}  # the clauses in an option of a stage that is of this kind

CLAUSES: dict[str, Clause] = {
    entry.name: entry
    for entry in (
        clause("name", "What the world is called.", "(name agora)", name("name"), required=True),
        clause(
            "limits", "How much one run of a LisPy program may do.",
            "(limits (steps 1000000) (megabytes 64))",
            *LIMITS, default="(limits)",
        ),
        clause(
            "isolate",
            "Where agents' programs run when echoes think: in confined processes of their own, where even a "
            "fault of the evaluator ends nothing but the program, or (isolate none) in the pump's process. "
            "docs/workers.md says what that promises.",
            "(isolate worker (deadline (seconds 60)))", name("where", "worker", "none"),
            clause(
                "deadline",
                "How long one program may take in a worker, unless its limits say another time. One that "
                "keeps them never takes so long. Beside (isolate none) it is an error: nobody could hold it.",
                "(deadline (seconds 60))",
                value("time", "positive-number", SECONDS), default="(deadline (seconds 60))",
            ),
            default="(isolate worker)",
        ),
        clause(
            "every", "The heartbeat: from the start of one frame to the start of the next.",
            "(every (minutes 45))",
            value("time", "natural-number", SECONDS), default="(every (seconds 0))",
        ),
        clause(
            "clock",
            "Where a frame's time comes from: a start and a step a frame, or (clock wall), the machine's.",
            '(clock (start "2026-04-09T00:00:00Z"))', name("clock", "wall", optional=True),
            clause("start", "The time of frame 0.", '(start "2026-04-09T00:00:00Z")', value("time", "time")),
            clause(
                "step", "Simulated time from frame to frame; without it the heartbeat.",
                "(step (minutes 45))",
                value("time", "natural-number", SECONDS),
            ),
            default='(clock (start "2026-01-01T00:00:00Z"))',
        ),
        clause(
            "state", "The folder of the documents.", '(state "state" (keep 50))',
            value("folder", "folder", optional=True),
            clause(
                "keep", "How many frames stay whole; older ones are rebuilt from deltas.", "(keep 50)",
                value("frames", "positive"), default="(keep 50)",
            ),
            default="(state)",
        ),
        clause(
            "seed", "The number that all dice of the world begin with.", "(seed 7)", value("number",
                                                                                           "integer"),
            default="(seed 0)",
        ),
        clause(
            "genesis", "The documents of frame 0, as a dict, where the state folder is empty.",
            '(genesis (lambda () (dict "agents.json" (dict "agents" (dict)))))', function(),
        ),
        clause(
            "agents", "Where the agents are, and who of them wakes.",
            '(agents "agents.json" agents (rest-first) (at-most 22))',
            value("document", "document"), path(optional=True),
            clause("where", "Who may wake: a function of an agent.", "(where (lambda (agent) #t))",
                   function("agent")),
            clause(
                "order", "Who wakes first: a function of an agent giving a number, the smallest first.",
                "(order (lambda (agent) 0))", function("agent"),
            ),
            clause("rest-first", "Among equals, those who slept longest wake first.", "(rest-first)"),
            clause(
                "at-most", "How many wake: a number, or a function of the last frame.", "(at-most 22)",
                choice("natural"),
            ),
            required=True,
        ),
        clause(
            "streams", "How many pipes run side by side: a number, or a function of the last frame.",
            "(streams 5)",
            choice("positive"),
            clause(
                "topics",
                "What each of the streams is about: a list of texts or nil, given the frame and how many. "
                "(load steer) has all-on, fibonacci-topics and balanced-topics.",
                "(topics (lambda (frame n) (repeat n nil)))", function("frame", "n"),
            ),
            default="(streams 1)",
        ),
        clause("dam", "Which agents share a room.", "(dam round-robin)", stage("dam"),
               default="(dam round-robin)"),
        clause(
            "backends", "Names for backends with their options, to be used in (pipe ...).",
            "(backends (quiet none))",
            members=clause("ALIAS", "A backend under a name of your own.", "(quiet none)", stage("backend")),
        ),
        clause(
            "pipe", "Backends in the order in which they are tried, and how long a room may take.",
            "(pipe none (deadline (minutes 5)))", stage("backend", many=True),
            clause(
                "deadline", "How long a room may take, all passes and attempts together.",
                "(deadline (minutes 5))",
                value("time", "positive-number", SECONDS), default="(deadline (minutes 5))",
            ),
            clause(
                "passes",
                "The passes of a room; later ones see the earlier. What a model is told of a pass depends on "
                "its name: act, react and synthesise have sentences of their own. A pass that fails ends the "
                "room with what there is.",
                "(passes act react)", names("pass"),
                default="(passes act)",
            ),
            clause(
                "stagger", "How much later each stream starts than the one before.", "(stagger (seconds 2))",
                value("time", "natural-number", SECONDS), default="(stagger (seconds 0))",
            ),
            clause(
                "warm",
                "Whether one room goes first where the calls of a frame read a cache that the first fills. "
                "The others follow when its answer begins; when it fails another leads, twice at most; "
                "and after 10 seconds, or a tenth of the deadline where that is less, they follow anyway.",
                "(warm no)", name("word", "yes", "no"), default="(warm yes)",
            ),
            clause(
                "tools",
                "What models may use while they think, where their backend lets them: lispy_eval runs a "
                "LisPy program that reads the frame, 5 times in a pass at most.",
                "(tools lispy_eval)", Position("tool", "name", choices=("lispy_eval",), many=True),
            ),
            required=True,
        ),
        clause(
            "prompt", "What pipes read.", "(prompt (at-most (tokens 60000)))",
            clause(
                "shared", "Sections that every pipe reads: a function of the frame.",
                "(shared (lambda (frame) '()))", function("frame"),
            ),
            clause(
                "room",
                "Sections that one room reads: a function of the room. Without it they are what echoes of "
                "its agents came to.",
                "(room (lambda (room) '()))", function("room"),
            ),
            clause(
                "at-most", "Most tokens of a whole prompt.", "(at-most (tokens 60000))",
                value("tokens", "positive", "tokens"), default="(at-most (tokens 60000))",
            ),
            default="(prompt)",
        ),
        clause(
            "delta", "What a pipe may produce, and how it flows into the next frame.",
            '(delta (posts (fields (title string)) (into "posts.jsonl")) (otherwise refuse))',
            clause(
                "otherwise", "What becomes of collections that are not named: appended to a log, or refused.",
                '(otherwise append "observations.jsonl")',
                name("rule", "append", "refuse"), value("document", "document", optional=True),
                default="(otherwise refuse)",
            ),
            required=True, members=COLLECTION,
        ),
        clause(
            "merger", "How deltas become the next frame.", "(merger dream-catcher)", stage("merger"),
            default="(merger dream-catcher)",
        ),
        clause(
            "echoes",
            "What thinks between frames, in this order. Its (allow ...) grants each what it may do.",
            "(echoes (by (lambda () 1)))",
            stage("echo", many=True, optional=True),
            clause(
                "each", "An echo for every n-th frame only.", "(each 10 (by (lambda () 1)))",
                value("frames", "positive"), stage("echo"), repeatable=True,
            ),
            clause(
                "every", "While the heart rests, echoes think again after so long, and so on.",
                "(every (seconds 60))", value("time", "positive-number", SECONDS),
            ),
            clause(
                "within",
                "How long all echoes together may take each time, half of it to think, half to write down. "
                "Programs of agents whose turn has not come by then are the first the next time.",
                "(within (seconds 30))", value("time", "positive-number", SECONDS),
            ),
            default="(echoes)",
        ),
        clause(
            "breaker", "When a run stops by itself: too many bad frames, or empty ones, in a row.",
            "(breaker (bad 1/2) (frames 3) (empty 20))",
            clause(
                "bad", "The share of failed streams that makes a frame bad.", "(bad 1/2)", value("share",
                                                                                                 "share"),
                default="(bad 1/2)",
            ),
            clause("frames", "Bad frames in a row that stop the run.", "(frames 3)", value("n", "positive"),
                   default="(frames 3)"),
            clause("empty", "Frames without one merged item that stop the run.", "(empty 20)",
                   value("n", "positive"), default="(empty 20)"),
            default="(breaker)",
        ),
        clause(
            "budget", "What may be spent; what a call may take at most is set aside before it.",
            "(budget (per run) (tokens 2000000) (dollars 20))",
            clause("per",
                   "For what the budget stands: a run, a day by the machine's clock (UTC), or all that the "
                   "world has ever spent. All three outlive a process that is killed.",
                   "(per run)", name("span", "run", "day", "world"), default="(per run)"),
            clause("tokens", "Most tokens, in and out.", "(tokens 2000000)", value("n", "natural")),
            clause("dollars", "Most money.", "(dollars 20)", value("n", "natural-number")),
            clause("wall", "Longest time.", "(wall (hours 10))", value("time", "positive-number", SECONDS)),
            clause("when-spent",
                   "What happens then: the run stops; it pauses, until the day is over, the budget is raised "
                   "or `lisppump budget reset`; or, for none, it goes on with what costs nothing.",
                   "(when-spent stop)",
                   name("what", "stop", "pause", "none"), default="(when-spent stop)"),
            default="(budget)",
        ),
        clause(
            "prices",
            "What models cost, in dollars for a million tokens, and as of which day. A "
            "model that is not named here, nor in the user's config.toml, has an unknown price.",
            '(prices (as-of "2026-11-01") (model "claude-opus-4-6" (input 5) (output 25)))',
            clause("as-of", "The day on which these prices held.", '(as-of "2026-11-01")',
                   value("day", "day"), required=True),
            clause(
                "model", "What one model costs.", '(model "claude-opus-4-6" (input 5) (output 25))',
                value("name", "string"),
                clause("input", "What it reads.", "(input 5)", value("dollars", "natural-number"),
                       required=True),
                clause("output", "What it writes.", "(output 25)", value("dollars", "natural-number"),
                       required=True),
                clause("cache-read", "What it reads from a cache; else a tenth of input.",
                       "(cache-read 1/2)", value("dollars", "natural-number")),
                clause("cache-write-5m", "What it writes to a cache of 5 minutes; else 1.25 times input.",
                       "(cache-write-5m 25/4)", value("dollars", "natural-number")),
                clause("cache-write-1h", "What it writes to a cache of an hour; else twice input.",
                       "(cache-write-1h 10)", value("dollars", "natural-number")),
                repeatable=True,
            ),
        ),
        clause(
            "portal",
            "The one way out, (curl url), for programs that are granted `web`: how much of it they get. "
            "docs/portal.md says what it refuses.",
            "(portal (deadline (seconds 15)) (megabytes 2) (calls 5) (patience (seconds 30)))",
            clause(
                "deadline", "How long one page may take, from the look-up of its name to its last byte.",
                "(deadline (seconds 15))",
                value("time", "positive-number", SECONDS), default="(deadline (seconds 15))",
            ),
            clause("megabytes", "Most data of one page, in MiB.", "(megabytes 2)",
                   value("n", "positive-number"), default="(megabytes 2)"),
            clause("calls", "Most pages that one run of a program may ask for.", "(calls 5)",
                   value("n", "positive"), default="(calls 5)"),
            clause(
                "patience", "How long one run of a program may wait for all of its pages.",
                "(patience (seconds 30))",
                value("time", "positive-number", SECONDS), default="(patience (seconds 30))",
            ),
            clause(
                "dangerously-allow",
                "DANGEROUS: places that programs may read though they are not public, by host and port, such "
                "as a stand-in for a service in a test. Everyone's programs can reach them, and public pages "
                "can send on to them.",
                '(dangerously-allow "127.0.0.1:8080")', value("place", "place", many=True),
            ),
            default="(portal)",
        ),
        clause("executor", "What runs the pipes of a frame.", "(executor local)", stage("executor"),
               default="(executor local)"),
        clause("reservoir", "What keeps the documents.", "(reservoir files)", stage("reservoir"),
               default="(reservoir files)"),
        clause(
            "plugins", "Which plugins are left out or must be there, and in which order they are asked.",
            '(plugins (without noisy) (require "lisppump-tides" ">=1") (order first second))',
            clause("without", "Plugins that are not loaded.", "(without noisy)", names("plugin")),
            clause(
                "require", "A distribution that must be installed, and which versions of it will do.",
                '(require "lisppump-tides" ">=1.2,<2")', value("distribution", "distribution"),
                value("versions", "versions", optional=True), repeatable=True,
            ),
            clause(
                "order",
                "Whose hooks come first: wrappers from the outside to the inside. Others follow by name.",
                "(order first second)", names("plugin"),
            ),
            default="(plugins)",
        ),
    )
}  # fmt: skip

PUMP = Clause(
    "pump",
    "The policy: what a world is and how its frames are made. It is the last form of pump.lisp.",
    '(pump (name agora) (agents "agents.json" agents) (pipe none) (delta))',
    options=tuple(CLAUSES.values()),
)


def find(words: str) -> Clause:
    """A clause, or an option by its path: `breaker`, `breaker bad`, `delta posts once-per`."""
    parts = words.split()
    entry = PUMP
    for word in parts[1:] if parts[:1] == ["pump"] else parts:
        found = entry.option(word) or entry.members
        if found is None:
            known = [option.name for option in entry.options]
            near = suggest(word, known)
            raise LisppumpError(
                "unknown-clause",
                f"there is no clause `{words}`",
                help=f"did you mean `{near}`?" if near else f"known: {', '.join(known)}",
            )
        entry = found
    return entry


def describe(words: str) -> str:
    """What `lisppump describe` prints of a clause: usage, meaning, default, example, options."""
    entry = find(words)
    lines = [usage(entry), f"  {entry.doc}"]
    if entry.required:
        lines.append("  It must be there.")
    elif entry.default is not None:
        lines.append(f"  default: {entry.default}")
    lines.append(f"  example: {entry.example}")
    for part in (*entry.options, *([entry.members] if entry.members else [])):
        default = f" Default: {part.default}." if part.default else ""
        lines.append(f"  ({part.name} ...)  {part.doc}{default}")
    return "\n".join(lines)
