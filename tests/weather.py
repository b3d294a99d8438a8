"""A stand-in for weather services, on this machine: it answers as they do, colder each time, and counts.

    python -m tests.weather 8080
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SOLS = ("1247", "1246")


class Weather:
    """The server, while it is entered; `asked` has the path of every request that was answered or begun.

    `before` is called with the path before an answer goes out, `after` when it is out.
    """

    def __init__(
        self,
        port: int = 0,
        before: Callable[[str], None] = lambda path: None,
        after: Callable[[str], None] = lambda path: None,
    ) -> None:
        self.asked: list[str] = []
        weather = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                weather.asked.append(self.path)
                before(self.path)
                status, said = weather.answer(self.path)
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                after(self.path)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Weather:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more; a second call does nothing."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, Any]:
        """What is said under a path; it is 4 degrees colder each time."""
        times = self.asked.count(path) - 1
        if path.startswith("/insight_weather/"):
            return 200, mars(-69.0 - 4 * times)
        if path.startswith("/v1/forecast"):
            return 200, {"current_weather": {"temperature": 12.4 - times, "windspeed": 8.2}}
        return 404, {"error": "nothing is known of that"}


def mars(temperature: float) -> dict[str, Any]:
    """What the lander says of two sols, the newest first."""
    said = {"HWS": {"av": 5.2}, "PRE": {"av": 742.5}}
    older = {"AT": {"av": -60.5}, **said}
    return {"sol_keys": list(SOLS), SOLS[0]: {"AT": {"av": temperature}, **said}, SOLS[1]: older}


if __name__ == "__main__":
    with Weather(int(sys.argv[1])) as weather:
        print(f"weather at http://{weather.place}/", flush=True)
        threading.Event().wait()
