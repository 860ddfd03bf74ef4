"""A server over HTTP on loopback that answers each path as a test says, and nothing else."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Answering:
    """Use it as a context manager. `said` is the status and the JSON of each path; `word` is asked for, but for health.

    What is no path of it is not found.
    """

    def __init__(self, said: Mapping[str, tuple[int, object]], *, word: str = "") -> None:
        expected = f"Basic {base64.b64encode(word.encode()).decode()}" if word else ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if expected and not self.path.endswith("/health") and self.headers["Authorization"] != expected:
                    status, body = 401, {"detail": "Unauthorized"}
                else:
                    status, body = said.get(self.path, (404, {"detail": "Not Found"}))  # type: ignore[assignment]
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
