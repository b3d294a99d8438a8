"""A stand-in for the Copilot CLI: takes its options, speaks its JSON Lines, and does to each stream as told.

    {"stream-0003": "hang", ...} in COPILOT_STANDIN; streams that are not named are answered

It also stands for any other program: with --text it prints its reply alone. The ids of all processes are left
in the folder COPILOT_STANDIN_PIDS, as STREAM.WHO; every environment and every word of a call in STREAM.json.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    words = sys.argv[1:]
    if words == ["--version"]:
        print(os.environ.get("COPILOT_STANDIN_VERSION", "GitHub Copilot CLI 1.0.102."))
        return
    prompt = sys.stdin.read()
    stream = re.search(r"# Your room: (stream-\d+)", prompt)[1]
    agents = re.findall(r"^- ([\w-]+):", prompt.partition("Its agents:")[2], re.MULTILINE)
    what = json.loads(os.environ.get("COPILOT_STANDIN", "{}")).get(stream, "answer")
    note(stream, "program")
    with open(f"{os.environ['COPILOT_STANDIN_PIDS']}/begun", "a") as file:
        file.write(".")  # one for each call
    record(stream, words, prompt)
    reply = json.dumps({"lines": [{"agent": agent, "text": f"said in {stream}"} for agent in agents]})
    if "--text" in words:
        TEXT.get(what, text)(stream, what, reply)
    else:
        say("assistant.turn_start", turnId="0")
        say("model.call_start", turnId="0", model="gpt-4o")
        EVENTS.get(what, error)(stream, what, reply)


def note(stream: str, who: str, pid: int = 0) -> None:
    with open(f"{os.environ['COPILOT_STANDIN_PIDS']}/{stream}.{who}", "w") as file:
        file.write(str(pid or os.getpid()))


def record(stream: str, words: list[str], prompt: str) -> None:
    where = words[words.index("-C") + 1] if "-C" in words else os.getcwd()
    shared = os.path.join(where, "AGENTS.md")
    told = {
        "words": words, "environment": dict(os.environ), "where": where, "prompt": prompt, "cwd": os.getcwd(),
        "shared": Path(shared).read_text() if os.path.exists(shared) else None,
    }  # fmt: skip
    with open(f"{os.environ['COPILOT_STANDIN_PIDS']}/{stream}.json", "w") as file:
        json.dump(told, file)


def say(kind: str, **data: object) -> None:
    print(json.dumps({"type": kind, "data": data}), flush=True)


def done(code: int = 0, usage: bool = True) -> None:
    if usage:
        counts = {"inputTokens": 5000, "outputTokens": 70, "cacheReadTokens": 4000, "cacheWriteTokens": 0}
        with open(sys.argv[sys.argv.index("--usage-output-file") + 1], "w") as file:
            json.dump({"modelMetrics": {"gpt-4o": {"usage": counts}}}, file)
    print(json.dumps({"type": "result", "exitCode": code, "usage": {"premiumRequests": 0}}), flush=True)
    sys.exit(code)


def answer(stream: str, what: str, reply: str) -> None:
    say("model.call_finished", turnId="0", outcome="success")
    say("assistant.message", content=reply, model="gpt-4o", turnId="0")
    done()


def prose(stream: str, what: str, reply: str) -> None:
    answer(stream, what, f"Sure, here it is:\n```json\n{reply}\n```")


def killed(stream: str, what: str, reply: str) -> None:
    """Waits to be killed; called again, it does that itself."""
    if os.path.exists(f"{os.environ['COPILOT_STANDIN_PIDS']}/{stream}.hangs"):
        os.kill(os.getpid(), signal.SIGKILL)
    note(stream, "hangs")
    time.sleep(600)


def hang(stream: str, what: str, reply: str) -> None:
    """It and two others, one of them in a session of its own, none of which listens to SIGTERM."""
    for who in ("child", "stranger"):
        wait = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        process = subprocess.Popen([sys.executable, "-S", "-c", wait], start_new_session=who == "stranger")
        note(stream, who, process.pid)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(stream, "hangs")
    time.sleep(600)


def flood(stream: str, what: str, reply: str) -> None:
    for _ in range(100):
        say("session.info", message="x" * (1 << 20))
    done()


def long_line(stream: str, what: str, reply: str) -> None:
    for _ in range(12):
        sys.stdout.write("x" * (1 << 20))
    print(flush=True)
    answer(stream, what, reply)


def nothing(stream: str, what: str, reply: str) -> None:
    """As the CLI does when it is sent SIGTERM."""


def cut(stream: str, what: str, reply: str) -> None:
    say("assistant.turn_start", turnId="1")
    time.sleep(600)


def retry(stream: str, what: str, reply: str) -> None:
    """As the CLI does at a 429: it would wait and try again, five times."""
    message = '{"message":"Rate limit reached","type":"rate_limit_error"}'
    say("model.call_failure", statusCode=429, failureKind="api", errorMessage=message)
    time.sleep(600)


def logged_out(stream: str, what: str, reply: str) -> None:
    sys.exit("Error: No authentication information found.\n\nCopilot can be authenticated with GitHub ...")


def leak(stream: str, what: str, reply: str) -> None:
    """Says back every secret that it was given."""
    sys.stderr.write(f"bad key {os.environ['COPILOT_PROVIDER_API_KEY']} for {os.environ['GH_TOKEN']}\n")
    sys.exit(1)


def error(stream: str, what: str, reply: str) -> None:
    """`kind` as an error of the session."""
    say("session.error", errorType=what, message=f"it is {what}")
    done(1)


def text(stream: str, what: str, reply: str) -> None:
    print(reply)


def bytes_(stream: str, what: str, reply: str) -> None:
    sys.stdout.buffer.write(reply.encode() + b"\xff\xfe")


def spew(stream: str, what: str, reply: str) -> None:
    for _ in range(100):
        sys.stdout.write("x" * (1 << 20))


def code(stream: str, what: str, reply: str) -> None:
    sys.stderr.write("it went wrong\n")
    sys.exit(int(what))


def throttled(stream: str, what: str, reply: str) -> None:
    sys.exit("HTTP 429: rate limit reached")


EVENTS = {
    "answer": answer, "prose": prose, "hang": hang, "killed": killed, "flood": flood, "long-line": long_line,
    "nothing": nothing, "cut": cut, "retry": retry, "logged-out": logged_out, "leak": leak,
}  # fmt: skip
TEXT = {
    "hang": hang, "killed": killed, "bytes": bytes_, "flood": spew, "nothing": nothing,
    "throttled": throttled,
    **dict.fromkeys(("1", "64", "65", "70", "127"), code),
}  # fmt: skip

if __name__ == "__main__":
    main()
