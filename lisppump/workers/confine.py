"""What a worker gives up for good before it sees a program: files, network, processes, memory without end.

Each protection is the kernel's, needs no rights, and cannot be taken back by who is under it. What a machine
does not have is left out, and `protections` says so.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from lisppump.workers import seccomp

_CREATE, _RESTRICT = 444, 446  # landlock's calls, the same numbers on every machine
_VERSION = 1
_PDEATHSIG, _NO_NEW_PRIVS, _SECCOMP, _FILTER = 1, 38, 22, 2
# From which version on landlock knows how many kinds of access: to files, to the network, to other processes.
_FILES = ((1, 13), (2, 14), (3, 15), (5, 16))
_NETWORK, _SCOPE = (4, 2), (6, 2)
LIFE = 300  # seconds of the processor for a worker, beside those of the program that it runs last


@dataclass(frozen=True, slots=True)
class Protection:
    """One thing that keeps a worker in, whether this machine has it, and what it is good for."""

    name: str
    there: bool
    what: str


def protections() -> Iterator[Protection]:
    """What keeps workers in on this machine; nothing is installed."""
    linux = sys.platform == "linux"
    abi = landlock_version()
    named = f"Landlock (ABI {abi})" if abi else "Landlock"
    yield Protection(named, abi > 0, "no worker reaches a file, a socket or a process")
    yield Protection("seccomp", has_seccomp(), "a worker asks nothing of the kernel but memory and time")
    yield Protection("rlimits" if linux else "rlimit on memory", linux, "a worker's memory is bounded")
    yield Protection("death signal", linux, "no worker outlives the pump, whatever it is doing")


def leave_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends, and end now if it has."""
    if sys.platform == "linux":
        _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def confine(memory: int, seconds: int) -> None:
    """Give up everything but computing and the sockets that are open; `memory` bytes may be added."""
    _bound(memory, seconds)
    if sys.platform == "linux":
        _prctl(_NO_NEW_PRIVS, 1)
        if landlock_version():
            _landlock()
        if has_seccomp():
            _seccomp()


def _bound(memory: int, seconds: int) -> None:
    import resource

    for name, most in (("CORE", 0), ("FSIZE", 0), ("NPROC", 0), ("CPU", seconds)):
        _limit(getattr(resource, f"RLIMIT_{name}"), most)
    if sys.platform == "linux":  # others count what was only reserved, or nothing
        with open("/proc/self/statm") as file:
            there = int(file.read().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, there + memory)


def _limit(kind: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(*arguments: int) -> None:
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]]
    _hold(_libc().prctl(*words), "prctl")


def _hold(answer: int, what: str) -> int:
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return answer


def landlock_version() -> int:
    """Which version of Landlock the kernel has; 0 is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def _landlock() -> None:
    """Deny every access that this version knows; no rule allows any."""
    version = landlock_version()
    files = max(count for since, count in _FILES if version >= since)
    words = [(1 << files) - 1]
    if version >= _NETWORK[0]:
        words.append((1 << _NETWORK[1]) - 1)
    if version >= _SCOPE[0]:
        words.append((1 << _SCOPE[1]) - 1)
    attributes = (ctypes.c_uint64 * len(words))(*words)
    libc = _libc()
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = _hold(libc.syscall(_CREATE, ctypes.byref(attributes), size, 0), "landlock")
    try:
        _hold(libc.syscall(_RESTRICT, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


def has_seccomp() -> bool:
    """Whether the kernel takes filters, and there is one for this machine."""
    if not seccomp.known():
        return False
    # Without a program the kernel that knows filters says EFAULT, and one that does not EINVAL.
    _libc().prctl(*[ctypes.c_ulong(word) for word in (_SECCOMP, _FILTER, 0, 0, 0)])
    return ctypes.get_errno() == 14  # EFAULT


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _seccomp() -> None:
    steps = seccomp.program()
    kept = ctypes.create_string_buffer(steps, len(steps))
    given = _Filter(len(steps) // 8, ctypes.cast(kept, ctypes.c_void_p))
    words = [ctypes.c_ulong(_SECCOMP), ctypes.c_ulong(_FILTER), ctypes.byref(given)]
    _hold(_libc().prctl(*words, ctypes.c_ulong(0), ctypes.c_ulong(0)), "seccomp")
