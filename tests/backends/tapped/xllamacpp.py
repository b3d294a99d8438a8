"""The real library of that name, behind a server that counts: STANDIN_BOOK holds what each call was given.

It is put before the real one on the path of the process that holds the model.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).parent)


def _real() -> Any:
    own = sys.modules.pop("xllamacpp")
    sys.path = [entry for entry in sys.path if entry != HERE]
    try:
        return importlib.import_module("xllamacpp")
    finally:
        sys.modules["xllamacpp"] = own


REAL = _real()
CommonParams = REAL.CommonParams


class Server:
    """The real server, behind another."""

    def __init__(self, params: Any) -> None:
        self.real = REAL.Server(params)
        handler = type("Handler", (_Handler,), {"behind": self.real.listening_address})
        http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{http.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    behind: str

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self.behind + self.path, body, headers))
        except urllib.error.HTTPError as error:
            answer = error  # type: ignore[assignment]
        self.send_response(answer.status)
        self.end_headers()
        for line in answer:
            if b'"timings"' in line and json.loads(body).get("stream"):
                timings = json.loads(line.removeprefix(b"data:"))["timings"]
                with open(os.environ["STANDIN_BOOK"], "a", encoding="utf-8") as file:
                    file.write(json.dumps({"body": 1, **timings}) + "\n")
            try:
                self.wfile.write(line)
                self.wfile.flush()
            except OSError:
                pass  # who asked was killed; the model goes on
