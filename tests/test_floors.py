"""The floors of the house: a module imports only from lower floors, and nothing heavy at import time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "lisppump"
FLOORS = [
    {"errors", "canon", "clock", "collector", "folder", "loop", "quick", "secrets"},
    {"lispy"},
    {"frame", "delta", "delta_records", "schema", "steering"},
    {
        "reservoir",
        "files",
        "hand_edits",
        "archive",
        "documents",
        "differences",
        "history",
        "view",
        "ahead",
        "journal",
        "journal_pages",
        "records",
        "snapshots",
        "segments",
        "packing",
        "packer",
        "packing_child",
        "bare",
        "positions",
        "salvage",
        "audit",
        "verify",
        "survey",
        "repair",
        "disk",
        "keep",
        "room",
        "blobs",
        "line",
        "control",
        "merge",
        "prompt",
        "budget",
        "pacing",
        "workers",
        "portal",
        "config",
        "trust",
        "dropins",
        "lockfile",
        "imports",
    },
    {
        "hookspecs", "registry", "plugin", "discovery", "advice", "blame", "policy", "clauses",
        "witness", "stages", "calling", "holding", "subprocesses", "prices",
    },
    {
        "pump",
        "lookout",
        "turn",
        "rig",
        "replay",
        "rewind",
        "branching",
        "pour",
        "spare",
        "taking",
        "nerves",
        "nudges",
        "observed",
        "mail",
        "proposals",
        "tick",
        "call",
        "leave",
        "asking",
        "tools",
        "gate",
        "intake",
        "governor",
        "purse",
        "spending",
        "costs",
        "plan",
        "report",
        "status",
        "telling",
        "verbs",
        "words",
        "notions",
        "doctor",
        "importing",
        "quarantine",
    },
    {"cli", "dashboard", "kernel", "testing", "__main__"},
]
PLUGIN_FLOOR = 4  # what a built-in stage may import from
HEAVY = (
    "anthropic",
    "ollama",
    "rich",
    "prompt_toolkit",
    "lark",
    "re2",
    "httpcore",
    "click",
    "pluggy",
    "asyncio",
)


def floor_of(module: str) -> int:
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    for prefix in (name, name.split("_")[0]):
        for floor, names in enumerate(FLOORS):
            if prefix in names:
                return floor
    raise AssertionError(f"{module} has no floor: give it one in {Path(__file__).name}")


def imports_of(path: Path) -> list[tuple[int, str, bool]]:
    """(line, module, runs at import time) of every import of ours; type-checking blocks do not count."""
    found: list[tuple[int, str, bool]] = []

    def visit(node: ast.AST, top: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in ("lisppump", "lisppump.lispy.builtins", "lisppump.cli"):
                found.extend((node.lineno, f"{node.module}.{alias.name}", top) for alias in node.names)
            else:
                found.append((node.lineno, node.module, top))
        inside = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(path.read_text()), True)
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
PUBLIC = dict.fromkeys(
    ("hookimpl", "Option", "Reply", "Request", "Thought", "BackendError", "Failure", "Finding"), 4
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    module = "lisppump." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    own = floor_of(module)
    for line, name, _ in imports_of(path):
        if not name.startswith("lisppump.") or name.split(".")[1] in ("__version__", "plugins", "lisp_lib"):
            continue
        target = PUBLIC.get(name.split(".")[1]) if name.split(".")[1] in PUBLIC else floor_of(name)
        assert target is not None and target <= own, (
            f"{path}:{line} imports {name}, which is on a higher floor"
        )


def test_lispy_knows_nothing_of_pumps() -> None:
    for path in sorted((PACKAGE / "lispy").rglob("*.py")):
        for line, name, _ in imports_of(path):
            if name.startswith("lisppump."):
                allowed = name.split(".")[1] in ("lispy", "errors", "canon", "lisp_lib")
                assert allowed, f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*.py")), ids=lambda path: path.name)
def test_built_in_stages_never_import_the_loop(path: Path) -> None:
    for line, name, _ in imports_of(path):
        if name.startswith("lisppump.") and name.split(".")[1] not in (*PUBLIC, "plugins"):
            assert floor_of(name) <= PLUGIN_FLOOR, f"{path}:{line} imports {name}"


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_importing_lisppump_loads_nothing_heavy() -> None:
    loaded = loaded_by("import lisppump")
    assert not loaded & set(HEAVY)
    assert not any(name.startswith("lisppump.") for name in loaded)


def test_importing_lispy_loads_nothing_heavy() -> None:
    loaded = loaded_by("import lisppump.lispy")
    assert not loaded & set(HEAVY)
    assert not any(name in loaded for name in ("lisppump.frame", "lisppump.pump", "lisppump.policy"))


def test_importing_the_portal_loads_nothing_that_only_a_page_needs() -> None:
    loaded = loaded_by("import lisppump.portal")
    assert not loaded & {*HEAVY, "h11", "idna", "certifi", "ssl"}
    assert "lisppump.lispy" not in loaded


@pytest.mark.parametrize("line", [["--version"], ["eval", "(+ 1 2)"]])
def test_version_and_eval_load_no_model_sdk_and_no_plugin(line: list[str], tmp_path: Path) -> None:
    code = f"""
import sys
sys.argv = ["lisppump", *{line!r}]
from lisppump.cli import main
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
"""
    loaded = loaded_by(code)
    assert not loaded & {"anthropic", "ollama", "rich", "prompt_toolkit"}
    assert not any(name.startswith("lisppump.plugins.") for name in loaded)
    assert not any(name.startswith("lisppump.lispy.hot") for name in loaded)
