"""A database that is put back under the web: nothing of it is served until it was dealt with, on pages and in JSON."""

from __future__ import annotations

import pytest

from adapters import closing
from domain.restoring import Disagrees
from models.ports import OtherEpoch
from tests.api.application import client_for
from tests.cast import Cast
from tests.fakes.ledger import LEDGER


@pytest.mark.parametrize("found", [Disagrees("restored", 7), Disagrees("moved", 7), OtherEpoch()])
def test_a_page_and_a_list_answer_that_they_are_away_and_go_on_once_it_was_dealt_with(
    cast: Cast, found: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    engine = cast.database.engine

    def agree(*_: object) -> int:
        raise found

    with monkeypatch.context() as put_back:
        put_back.setitem(closing._APART, engine, closing._Apart(LEDGER, agree, epoch=0))
        for path in ("/", "/api/v1/work"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert client.get("/").status_code == 200
