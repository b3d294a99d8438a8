"""Every change of a world goes through one seam, `lisppump.disk.Disk`: nothing else here writes a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

SEAM = "lisppump/disk.py"
ELSEWHERE = {  # what is written there is no part of a world that runs, and why
    "lisppump/config.py": "the user's own config.toml and its lock; the bytes themselves go through a Disk",
    "lisppump/cli/__init__.py": "opens the null device in the place of a broken standard stream",
    "lisppump/cli/fmt.py": "the temporary file for a source; the bytes themselves go through a Disk",
    "lisppump/cli/init.py": "a new folder of a world, put in place whole, before anything runs in it",
    "lisppump/cli/plugins_new.py": "the skeleton of a plugin's package",
    "lisppump/cli/repl_terminal.py": "the history of the user's own lines",
    "lisppump/subprocesses.py": "the temporary folder of a program that runs for a pipe, and its prompt",
    "lisppump/subprocesses_guard.py": "removes that folder; writes to sockets and pipes, which it is given",
    "plugins/llama_box.py": "the temporary folder of the model's server: its log, and a prefix it has read",
    "plugins/llama_child.py": "removes that folder where the pump was killed",
    "lisppump/testing/contracts_options.py": "a temporary folder for a check of options",
    "lisppump/testing/power.py": "builds the folders that a power cut would leave, for tests",
    "lisppump/testing/simulation.py": "the worlds that tests make",
    "lisppump/workers/wire.py": "writes to pipes and sockets, which it is given",
    "lisppump/workers/zygote.py": "tells the kernel who goes first where memory is short; it is no file",
}
_OS = (
    "write writev pwrite pwritev replace rename renames unlink remove removedirs rmdir mkdir makedirs mkfifo "
    "mknod truncate ftruncate link symlink chmod fchmod lchmod chown fchown utime fsync fdatasync sync "
    "sendfile copy_file_range posix_fallocate setxattr removexattr"
)
OS = frozenset(_OS.split())
_PATHS = "write_text write_bytes unlink mkdir rmdir rename touch symlink_to hardlink_to chmod lchmod"
PATHS = frozenset(_PATHS.split())
MODULES = {
    "shutil": frozenset(("which", "get_terminal_size", "disk_usage")),  # what only looks
    "tempfile": frozenset[str](),
    "mmap": frozenset[str](),
    "sqlite3": frozenset[str](),
    "shelve": frozenset[str](),
    "dbm": frozenset[str](),
}
LOOKING = frozenset(("O_RDONLY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW"))


def writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what) of every call that could change a file; a call of a disk is the seam itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (*MODULES, "os"):
            known = MODULES.get(node.module)
            for alias in node.names:
                if alias.name in OS if known is None else alias.name not in known:
                    yield node.lineno, f"from {node.module} import {alias.name}"
        if isinstance(node, ast.Call) and (said := _writes(node)):
            yield node.lineno, said


def _writes(call: ast.Call) -> str | None:
    function = call.func
    if isinstance(function, ast.Name):
        return "open(...)" if function.id == "open" and _for_writing(call, 1) else None
    if not isinstance(function, ast.Attribute):
        return None
    owner, name = ast.unparse(function.value), function.attr
    said = f"{owner}.{name}(...)"
    if owner == "os":
        return said if name in OS or (name == "open" and not _only_looks(call)) else None
    if owner in MODULES:
        return None if name in MODULES[owner] else said
    if owner.lower().endswith(("disk", "disk()")) or owner == "super()":
        return None
    if name == "replace" and len(call.args) == 1 and not call.keywords:
        return said  # of a path; that of a text takes two
    if name == "open" and _for_writing(call, 1 if owner in ("io", "os.fdopen") else 0):
        return said
    return said if name in PATHS and owner != "formatter" else None


def _for_writing(call: ast.Call, place: int) -> bool:
    """True where the mode of an open is none that only reads, or is not to be seen."""
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[place:][:1]
    if not modes:
        return False
    mode = modes[0]
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return len(mode.value) <= 3 and bool(set(mode.value) & set("wax+"))
    return place == 1  # a method named open takes whatever it likes


def _only_looks(call: ast.Call) -> bool:
    flags = call.args[1] if len(call.args) > 1 else ast.Constant(None)
    names = {node.attr for node in ast.walk(flags) if isinstance(node, ast.Attribute)}
    return "O_RDONLY" in names and names <= LOOKING


def found(path: Path) -> list[tuple[int, str]]:
    return list(writes(ast.parse(path.read_text(encoding="utf-8"))))


FILES = sorted([*(ROOT / "lisppump").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])


def test_every_write_goes_through_the_seam() -> None:
    beside = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in FILES
        if str(path.relative_to(ROOT)) not in (SEAM, *ELSEWHERE)
        for line, what in found(path)
    ]
    assert beside == [], "these change files beside lisppump.disk.Disk:\n" + "\n".join(beside)


@pytest.mark.parametrize("name", [SEAM, *ELSEWHERE])
def test_no_exception_is_left_over(name: str) -> None:
    assert found(ROOT / name), f"{name} writes nothing any more: take it from the list"


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')", "open(path, mode='ab')", "open(path, mode)", "io.open(path, 'x')",
        "path.open('w')", "os.open(path, os.O_RDWR)", "os.open(path, flags)", "os.write(1, data)",
        "os.replace(a, b)", "path.replace(other)", "path.unlink()", "path.write_text(text)",
        "shutil.rmtree(path)", "tempfile.mkdtemp()", "from os import unlink", "from shutil import copyfile",
        "os.ftruncate(fd, 0)", "folder.mkdir(parents=True)",
    ],
)  # fmt: skip
def test_a_write_is_seen(code: str) -> None:
    assert list(writes(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "open(path)", "open(path, 'rb')", "path.open()", "text.replace('a', 'b')", "self.disk.unlink(path)",
        "os.open(path, os.O_RDONLY | os.O_CLOEXEC)", "shutil.which('uv')", "Disk().mkdir(path)",
        "Store.open(root, view, write=False)", "os.path.join(a, b)", "replace(self, a=1)",
    ],
)  # fmt: skip
def test_what_only_looks_is_none(code: str) -> None:
    assert not list(writes(ast.parse(code)))
