"""The web as it is started, with routes added that fail, and that write past the log: `uvicorn --factory`."""

from __future__ import annotations

import sys

from fastapi import FastAPI, Request

from api.app import from_environment


def make() -> FastAPI:
    """The application with its own log, and three routes of a test's."""
    app = from_environment()

    @app.api_route("/faulty/{word}", methods=["GET", "POST"])
    async def fail(request: Request, word: str) -> None:
        """Fail with an error that quotes all that was sent."""
        body = (await request.body()).decode(errors="replace")
        raise ValueError(f"{word} {request.url} {dict(request.headers)} {body}")

    @app.get("/faulty-in-thread/{word}")
    def fail_in_thread(word: str) -> None:
        """The same from a thread, with an error behind the error."""
        try:
            raise KeyError(word)
        except KeyError as behind:
            raise RuntimeError(f"no {word}") from behind

    @app.get("/planted/{word}")
    def plant(word: str) -> dict[str, bool]:
        """Write it past the log, so that whoever searches has something to find."""
        sys.stderr.write(f"{word}\n")
        sys.stderr.flush()
        return {"planted": True}

    return app
