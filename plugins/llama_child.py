"""The program that holds a model: a llama.cpp server in a process of its own. It imports nothing of lisppump.

It reads its settings as one line of JSON, says as another where it listens, and ends when its input does: so
it outlives nobody, however whoever started it ends.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from typing import Any

WARNINGS = 2  # of llama.cpp's levels: what is logged


def main() -> None:
    """Serve until the input ends."""
    # Threads that wait by spinning are as fast as any on an idle machine, and ten times slower on a busy one.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, args=[settings["folder"]], daemon=True).start()
    try:
        server = _server(settings)
    except RuntimeError:
        sys.exit(1)  # its log has said why
    print(json.dumps({"address": server.listening_address}), file=told, flush=True)
    threading.Event().wait()


def _server(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_ctx = settings["context"] * settings["slots"]
    params.n_parallel = settings["slots"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # any that is free
    params.api_keys = [settings["key"]]
    params.verbosity = WARNINGS
    params.ui = False
    params.offline = True
    params.endpoint_slots = True
    params.slot_save_path = settings["folder"] + os.sep
    params.cache_idle_slots = False
    params.cache_ram_mib = 0  # the slots hold what is read again; more would only fill the memory
    if settings["threads"]:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    return xllamacpp.Server(params)


def _end_with_input(folder: str) -> None:
    while sys.stdin.read(4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
