"""The web looks after the engine where an operator's address is set: it is there when the worker is not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from adapters.settings import Settings
from api import app
from flows import alarm
from flows.marks import set_trouble
from tests.api.application import installation_of
from tests.cast import AT, Cast
from tests.flows.support import eventually


def test_the_web_writes_to_the_operator_by_the_mail_that_is_set_up_and_looks_again_where_it_could_not(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "LOOK_SECONDS", 0.01)
    given = {
        "SPHERES_DATA": str(tmp_path),
        "SPHERES_DEMO": "yes",
        "SPHERES_OPERATOR_EMAIL": "operations@spheres.example",
    }
    looks: list[int] = []
    real = alarm.Alarm.look

    def fails_at_first(self: alarm.Alarm) -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise OSError
        return real(self)

    monkeypatch.setattr(alarm.Alarm, "look", fails_at_first)
    with cast.session() as session:
        set_trouble(session, "remind", "error.ConnectionError", AT)
    over = threading.Event()
    looking = threading.Thread(
        target=app._look_out, args=(Settings.from_env(given), installation_of(cast.database, at=AT), over)
    )
    looking.start()
    try:
        eventually(lambda: list((tmp_path / "mail").glob("*.eml")))
    finally:
        over.set()
        looking.join()
    (letter,) = (tmp_path / "mail").glob("*.eml")
    assert b"[remind: error.ConnectionError]" in letter.read_bytes().replace(b"=\n", b"").replace(b"=\r\n", b"")
