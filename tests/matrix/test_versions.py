"""An act on what two may have before them is not done unseen, nor by who saw an older one: at each that says so."""

from __future__ import annotations

from typing import Any

from tests.api.json.test_versions import IN_THE_MATRIX
from tests.matrix.asked import Route
from tests.matrix.askers import Kind
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_bodies import writing

PREFIX = "/api/v1"
#: A version that nothing has.
OLDER = '"0"'


def test_what_asks_for_the_version_that_was_seen_is_refused_without_it_and_with_an_older_one(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:

    async def asked_with(route: Route, place: str, kind: Kind, seen: str) -> int:
        answer = await runner.ask(route, kind, place, also={"If-Match": seen})
        assert answer.changed <= {"event", "rate_count"}, f"{route} wrote {answer.changed}"
        return answer.response.status_code

    found = {
        str(route): tuple(run(asked_with(route, place, kind, seen)) for seen in ("", OLDER))
        for route, place, kind in writing(routes)
        if route.is_json and f"{route.method} {route.path.removeprefix(PREFIX)}" in IN_THE_MATRIX
    }
    assert {name: codes for name, codes in found.items() if codes != (428, 412)} == {}
    assert {name.replace(PREFIX, "") for name in found} == IN_THE_MATRIX
