"""The command line of the tests: commands run in this very process, on the cast's database."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from api.cli import main, terminal
from tests.cast import Cast
from tests.fakes.ledger import LEDGER

#: Runs a command and gives its status, what it said, and what it said on the error channel.
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs one command in English for the cast's program."""
    monkeypatch.setattr(terminal, "ledger_of", lambda _: LEDGER)
    monkeypatch.setattr(terminal, "refuse_another_epoch", lambda *_: 0)  # it is the ledger of every test
    monkeypatch.setattr(terminal, "compare_with_ledger", lambda *_: None)
    monkeypatch.setenv("SPHERES_LANG", "en")
    monkeypatch.setenv("SPHERES_BASE_URL", "https://spheres.example")
    monkeypatch.setenv("DATABASE_URL", cast.database.url)
    monkeypatch.setenv("DATABASE_OWNER_URL", cast.database.owner_url)
    monkeypatch.setenv("PREFECT_DATABASE_URL", "postgresql+asyncpg://nobody:x@/prefect?host=/nowhere")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spheres", *arguments, "--program", "greater-montreal"])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run
