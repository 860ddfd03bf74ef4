"""A line to the web that lies idle is ended by who asks, and not by the web while a request is on its way."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from uvicorn.main import main as uvicorn

from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli.installation import _processes

#: For how many seconds nginx keeps an idle line to what is behind it, where nothing else is said (`keepalive_timeout`).
OF_NGINX: Final = 60


def test_an_idle_line_is_kept_longer_by_the_web_than_by_nginx(tmp_path: Path) -> None:
    environment = {"SPHERES_DATA": str(tmp_path), "SPHERES_BASE_URL": "http://127.0.0.1:8400"}
    (web,) = [one for one in _processes(Settings.from_env(environment), _NO_URLS, {}) if one.name == "web"]
    words = list(web.command)
    started = uvicorn.make_context("uvicorn", words[words.index("uvicorn") + 1 :])
    assert started.params["timeout_keep_alive"] > OF_NGINX


_NO_URLS: Final = DatabaseUrls(owner="", app="", prefect="", admin="")
