"""A real browser for the tests: Chromium, pages that watch themselves, and a server on loopback.

A test that uses it is marked `browser`.
Its own assertions say what they saw (PYTEST_DONT_REWRITE: the module is imported before it is a plugin).
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no stubs
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from starlette.types import ASGIApp

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
FLAGS = [
    "--disable-background-networking",  # nothing leaves the machine while the tests run
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",  # containers give /dev/shm too little
]
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    # Every breach with all its elements, and no list of what is in order: that took half of the time.
    "resultTypes": ["violations"],
}
START_SECONDS = 10

OpenPage = Callable[..., Page]
Serve = Callable[[ASGIApp], AbstractContextManager[str]]

#: The windows that a test has open. They close before a server ends, or one that is still asking would say in its
#: console that there is no server.
_open: list[BrowserContext] = []


#: A shared machine is slow at times: what is to come to be seen may take a while.
expect.set_options(timeout=20_000)


def chromium() -> str | None:
    """Where Chromium is, by $CHROMIUM or on the path."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serves `app` on a free port of loopback while the block runs; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        end = time.monotonic() + START_SECONDS
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < end, "the server did not start in time"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            _close_windows()
            server.should_exit = True
            thread.join(START_SECONDS)


def _close_windows() -> None:
    while _open:
        _open.pop().close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module. Without one they are skipped, in continuous integration they fail.

    Not for the whole run: while it lives, an event loop runs in this thread, and no other test could run its own.
    """
    where = chromium()
    if where is None:
        message = "no Chromium: on Debian 'apt-get install chromium', or set CHROMIUM to its path"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=where,
            args=[*FLAGS, "--no-sandbox"] if as_root else FLAGS,  # its sandbox refuses to run as root
            # On another day (`run.py test --day`) it keeps the true clock: what lasts is told it by its length.
            env={name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens an address: open_page(address, lang="fr", width=1280, dark=False, script=True).

    When the test ends, a script error, a console error (a breach of the content policy is one) or a request
    to anywhere but the address's own server fails it.
    """
    wrong: list[str] = []

    def opened(
        address: str,
        *,
        lang: str = "fr",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
        cookies: dict[str, str] | None = None,
    ) -> Page:
        origin = "/".join(address.split("/")[:3])
        context = browser.new_context(
            locale=f"{lang}-CA",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            timezone_id="America/Toronto",
        )
        _open.append(context)
        if cookies:
            context.add_cookies([{"name": n, "value": v, "url": origin} for n, v in cookies.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.on(
            "request",
            lambda asked: (
                wrong.append(f"elsewhere: {asked.url}")
                if not asked.url.startswith((f"{origin}/", "data:", "blob:"))
                else None
            ),
        )
        page.goto(address)
        return page

    opened.wrong = wrong  # type: ignore[attr-defined]  # a test that provokes an error takes it out of here
    yield opened
    _close_windows()
    assert not wrong, "\n".join(wrong)


def assert_accessible(page: Page) -> None:
    """Fails with each breach of WCAG 2.2 AA that axe sees, and its elements."""
    found = Axe().run(page, options=AXE).response["violations"]
    assert not found, "\n".join(
        f"{breach['id']} ({breach['impact']}): {breach['help']}\n   "
        + "\n   ".join(node["html"][:200] for node in breach["nodes"])
        for breach in found
    )


def assert_fits(page: Page) -> None:
    """Fails if the page scrolls sideways, naming the elements that stick out."""
    if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        return
    out = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 8).map(e => e.outerHTML.slice(0, 120))"""
    )
    pytest.fail("the page scrolls sideways:\n" + "\n".join(out))
