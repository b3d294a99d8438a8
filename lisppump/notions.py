"""Words of the documentation that no code is called by, and what to do about some errors. It does nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notion:
    """One word: how it is written, what it means, more about it, its other names."""

    name: str
    usage: str
    doc: str
    details: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


NOTIONS = (
    Notion(
        "worker", "worker",
        "A confined process in which agents' own programs run, apart from the pump: the programs of the echo "
        "`agents-programs`, where the policy says (isolate worker), as it does if it says nothing. All "
        "workers come from one process, the zygote; none outlives its frame.",
        ("chosen by: (isolate ...) in pump.lisp", "tried by: lisppump doctor", "more: docs/workers.md"),
        ("workers", "zygote"),
    ),
    Notion(
        "echo_frames", "state/echo_frames/NAME.json",
        "The folder of state/ in which the newest result of each echo lies, a document for each: of an "
        "agent's program under the agent's id. It has the frame that was thought over, the program, its "
        "value or error, what it displayed, and its usage.",
        ("read by programs: (rb-echo id)", "made by: (echoes ...) in pump.lisp"),
    ),
    Notion(
        "signals", "(get-in frame '(echo signals VERB))",
        "What the echoes of the last frame ask for. An echo, also an agent's own program, gives a dict with "
        '`{"signal" "VERB-WORD"}` or a list of such texts; the frame then has WORD under `echo signals '
        "VERB`. Where they ask for several words of one verb, the one that most of them ask for stands. It "
        "is only data: what comes of it is what pump.lisp does with it.",
        ('example: {"signal" "boost-builder"} is (get-in frame \'(echo signals boost)) ;=> "builder"',),
        ("signal",),
    ),
    Notion(
        "programs.json", '{"ada" "(+ 1 2)" "ben" {"source" "(length agents)"}}',
        "The document of state/ that holds agents' own programs: under each agent's id the text of its "
        "program, or a dict that has the text under `source`. It comes there as every document does: by "
        "(genesis ...), or by a collection whose rule puts items into it. The echo `agents-programs` runs "
        "them after each frame; the backend `lispy` without (program ...) runs them as the agents.",
        (
            'a collection for it: (programs (fields (agent agent) (source lispy)) (into "programs.json") '
            "(last-writer)); docs/writing-a-world.md has a world with it",
            "an entry of another form is passed over, and the frame's notes say so",
            "see also: describe agents-programs",
        ),
    ),
    Notion(
        "self", "self",
        "Who a program runs for. To an agent's own program, and to one of the echo `program`, it is the "
        "agent's id; to a program that the backend `lispy` asks for an answer, it is the agent itself, a "
        "dict.",
        ("example: (rb-echo self) is what the program came to in the last frame",),
    ),
    Notion(
        "load", "(load NAME)",
        "Reads the definitions of lisp_lib/NAME.lisp, beside pump.lisp or built in, as if they stood there. "
        "It stands in pump.lisp, before the form that uses them; programs read nothing in so: they have "
        "(use-tool name).",
        ("built in: dam, echo, library, physics, prompt, steer, studies", "example: (load steer)"),
    ),
    Notion(
        "steering", "(get-in frame '(steering KEY))",
        "What is asked of the next frames. Operators ask by `lisppump steer`, whose nudges lie in "
        "state/nudges.json; echoes ask by a collection into state/steering.json. The loop itself reads "
        "`streams`, `wake` and `signals`; everything else is for prompts, functions and programs.",
        ("a nudge stands above what echoes ask for, a later one above others",
         "what cannot be read is passed over, and the frame's notes say so",
         "see also: describe steer, describe topics"),
        ("nudges.json", "steering.json"),
    ),
    Notion(
        "tock", "(echoes ... (every TIME))",
        "One time that the echoes think over a frame: after its commit, and with (every ...) in the echoes "
        "clause again and again while the heart rests. What it comes to is a part of that frame.",
        ("the heart beats by (every ...) of pump.lisp: describe every",),
    ),
    Notion(
        "catch", "(try form ... (catch name form ...))",
        "The part of `try` that says what is done about an error; the name is bound to a dict of code, "
        "message, category and data.",
        ("see also: describe try", "a limit that was reached is not caught"),
    ),
    Notion(
        "echo-of", "(echo-of agent)",
        "What the last echo of an agent, by its id, came to, or why it failed, for the prompt. It is defined "
        "in the file prompt of lisp_lib, and there after (load prompt).",
        ("see also: describe rb-echo", "more: docs/portal.md"),
    ),
)  # fmt: skip

ADVICE = {  # one thing that can be done about an error, where the error itself has no place for it
    "time-limit": "give more time by (limits (seconds n)) of the echo or (deadline ...) of (isolate worker), "
    "or mend the program. Whoever was ended from outside could not say how far it was: then steps are 0 and "
    "there is no place",
    "worker-died": "if it happens again, the machine is short of memory or the evaluator has a fault that "
    "this program finds: please report it with the program, which stands in the echo",
    "worker-forbidden": "no sound evaluator does that: look at the program, which stands in the echo, as at "
    "an attack, and please report it; the pump and the other programs are well",
    "worker-broken": "the frame's notes say what was wrong with it; the evaluator has a fault that this "
    "program finds: please report it with the program, which stands in the echo",
    "portal-refused": "the reason says which rule refused it: (portal ...) in pump.lisp has the rules, and "
    "docs/portal.md says what each is for; a program may `try` and catch it",
}
