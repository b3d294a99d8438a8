"""The process between the pump and a program: it starts it, tells how it ended, and leaves nothing behind.

It is run as a file by a bare interpreter, imports nothing of lisppump and little else, for it starts once a
call. Its only friend is the pump at the other end of one socket. When that asks for it, or is gone, whatever
way it went, the program ends with all that it started, and the folder that was made for it is removed. It
reads no output and knows no program.

    guard.py SOCKET FOLDER PROGRAM [ARGUMENT ...]

Without a program it keeps the folder until the pump is gone. It says `started PID`, then `exit CODE`,
`signal NUMBER` or `errno NUMBER`; it is told `e` where the program is to end.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 0.4  # seconds between the request to end and the end
TICK = 0.02
_PDEATHSIG, _SUBREAPER = 1, 36


def main() -> None:
    """Serve until the program has ended and the pump has let go."""
    control, folder, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    os.set_inheritable(control, False)
    for unwanted in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(unwanted, signal.SIG_IGN)
    try:
        if program:
            _tell(control, _run(control, program))
            _until_gone(control)
        else:
            _let_go_of_streams()
            _until_gone(control)
    finally:
        _remove(folder)


def _run(control: int, program: list[str]) -> str:
    """Run the program to its end, or to that of the pump's patience; how it ended."""
    _adopt()
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    failed, fails = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(program, fails)
    _tell(control, f"started {pid}")
    os.close(fails)
    _let_go_of_streams()
    if trouble := os.read(failed, 20):
        os.waitpid(pid, 0)
        return f"errno {trouble.decode()}"
    ended: int | None = None
    while ended is None:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            ended = _reap(pid)
        if control in ready:  # `e`, or the pump is gone
            break
    ended = _end(pid, woken, ended)
    return f"signal {os.WTERMSIG(ended)}" if os.WIFSIGNALED(ended) else f"exit {os.WEXITSTATUS(ended)}"


def _become(program: list[str], fails: int) -> None:
    """In the child: turn into the program, in a session of its own."""
    try:
        os.setsid()
        guard = os.getppid()
        _prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", signal.SIGPIPE)):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.execvp(program[0], program)
    except OSError as error:
        os.write(fails, str(error.errno).encode())
    finally:
        os._exit(127)


def _end(pid: int, woken: int, ended: int | None) -> int:
    """Have the program and all that it started end: asked first, then without asking. Its status."""
    others = True
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 5.0)):
        until = monotonic() + patience
        while True:
            status, others = _reap_all(pid)
            ended = status if ended is None else ended
            left = until - monotonic()
            if (ended is not None and not others) or left <= 0:
                break
            if number == signal.SIGKILL or left > patience - TICK:  # those that it starts meanwhile die, too
                _signal_all(pid, number)
            if select.select([woken], [], [], min(left, TICK))[0]:
                os.read(woken, 4096)
        if ended is not None and not others:
            break
    return int(signal.SIGKILL) if ended is None else ended


def _signal_all(pid: int, number: int) -> None:
    """Signal the program's group, and on Linux all that is below this process, whatever group it is in."""
    _quietly(os.killpg, pid, number)
    for other in _below(os.getpid()):
        _quietly(os.kill, other, number)


def _quietly(kill: Callable[[int, int], None], whom: int, number: int) -> None:
    try:
        kill(whom, number)
    except (ProcessLookupError, PermissionError):
        return


def _below(pid: int) -> list[int]:
    """Every process below one, as far as the system tells."""
    found, queue = [], [pid]
    while queue:
        parent = queue.pop()
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", "rb") as file:
                    children = [int(word) for word in file.read().split()]
                found += children
                queue += children
        except OSError:  # it has ended meanwhile, or this system has no such folder
            continue
    return found


def _reap(pid: int) -> int | None:
    """The status of the program, if it has ended."""
    return _reap_all(pid)[0]


def _reap_all(pid: int) -> tuple[int | None, bool]:
    """Bury all that have ended: the status of the program, and whether any of what it started is left."""
    ended = None
    while True:
        try:
            gone, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, _has_group(pid)
        if gone == 0:
            return ended, True
        if gone == pid:
            ended = status


def _has_group(pid: int) -> bool:
    """True where others of the program's group are left that are nobody's children here."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _adopt() -> None:
    """Whatever the program leaves behind becomes a child of this process, and not of the system's first."""
    _prctl(_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _let_go_of_streams() -> None:
    """Hold neither the program's pipes nor its folder open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.chdir("/")


def _tell(control: int, line: str) -> None:
    try:
        os.write(control, f"{line}\n".encode())
    except OSError:  # the pump is gone; that is seen where it is waited for
        return


def _until_gone(control: int) -> None:
    try:
        while os.read(control, 4096):
            pass
    except OSError:
        return


def _remove(folder: str) -> None:
    """Remove the folder; what writes into it may still be about to end."""
    if not folder:
        return
    import shutil

    until = monotonic() + 5
    while os.path.lexists(folder):
        shutil.rmtree(folder, ignore_errors=True)
        if monotonic() > until:
            return
        if os.path.lexists(folder):
            select.select([], [], [], TICK)


if __name__ == "__main__":
    main()
