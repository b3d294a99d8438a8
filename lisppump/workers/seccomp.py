"""The few system calls that a worker may still make, as a program for the kernel. It installs nothing."""

from __future__ import annotations

import platform
import struct
import sys

# What an interpreter needs that computes, keeps memory, and reads and writes what is open.
X86_64 = {
    "read": 0, "write": 1, "futex": 202, "brk": 12, "mmap": 9, "munmap": 11,
    "mremap": 25, "mprotect": 10, "madvise": 28, "clock_gettime": 228, "gettimeofday": 96, "time": 201,
    "clock_getres": 229, "clock_nanosleep": 230, "poll": 7, "ppoll": 271, "getrandom": 318, "getpid": 39,
    "gettid": 186, "sched_yield": 24, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "sigaltstack": 131, "restart_syscall": 219, "rseq": 334, "close": 3, "exit": 60, "exit_group": 231,
}  # fmt: skip
AARCH64 = {
    "read": 63, "write": 64, "futex": 98, "brk": 214, "mmap": 222,
    "munmap": 215, "mremap": 216, "mprotect": 226, "madvise": 233, "clock_gettime": 113,
    "gettimeofday": 169, "clock_getres": 114, "clock_nanosleep": 115, "ppoll": 73, "getrandom": 278,
    "getpid": 172, "gettid": 178, "sched_yield": 124, "rt_sigaction": 134, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "sigaltstack": 132, "restart_syscall": 128, "rseq": 293, "close": 57, "exit": 93,
    "exit_group": 94,
}  # fmt: skip
MACHINES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
EXECUTABLE = ("mmap", "mprotect")  # their third argument must not make memory that can be run
PROT_EXEC = 4

_LOAD, _EQUAL, _ATLEAST, _ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCH, _THIRD = 0, 4, 32  # where these stand in what the kernel shows of a call
_X32 = 0x40000000  # the other system calls of x86_64, which nobody needs


def known() -> bool:
    """Whether there is a table for this machine."""
    return sys.platform == "linux" and platform.machine() in MACHINES and struct.calcsize("P") == 8


def program() -> bytes:
    """The filter: what is not in the table ends the process."""
    architecture, table = MACHINES[platform.machine()]
    kill = _step(_RETURN, _KILL)
    steps = [_step(_LOAD, _ARCH), _step(_EQUAL, architecture, 1, 0), kill, _step(_LOAD, _NUMBER)]
    steps += [_step(_ATLEAST, _X32, 0, 1), kill]
    for name, number in table.items():
        if name in EXECUTABLE:
            steps += [_step(_EQUAL, number, 0, 4), _step(_LOAD, _THIRD), _step(_ANY, PROT_EXEC, 0, 1), kill]
        else:
            steps.append(_step(_EQUAL, number, 0, 1))
        steps.append(_step(_RETURN, _ALLOW))
    return b"".join([*steps, kill])


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
