"""What is sent twice, by a second click or because no answer came, adds what it adds once: every form of every page.

Each is sent as somebody who may, and then again with the same key. That its page has the key is held of every page of
every test: `tests.api.once_keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from api.pages.idempotent_forms import FIELD
from models.tables import metadata
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner

#: Where a line more is nothing that was added: what was read or tried is written down each time, and the ledger follows
#: the record.
_OF_EACH_TIME: Final = frozenset({"event", "rate_count", "ledger_seen"})

_ASKED_ANEW: Final = "a letter or a challenge that is asked for again is another one"
_SHOWN_ONCE: Final = "the secret is shown once, and in no repetition; another address is made, and each can be ended"
_SAYS_ANEW: Final = "what is said again takes the place of what was said, and the history has both"

#: The forms that add again what they add, and why that is no harm.
ADDS_AGAIN: Final[Mapping[str, str]] = {
    "POST /sign-in/passkey/options": _ASKED_ANEW,
    "POST /sign-in/letter": _ASKED_ANEW,
    "POST /my-access/passkeys": _ASKED_ANEW,
    "POST /people/{person_id}/invitation": _ASKED_ANEW,
    "POST /my-calendar": _SHOWN_ONCE,
    "POST /referrals/links": _SHOWN_ONCE,
    "POST /obligations/{period_id}/attestation": _SAYS_ANEW,
    "POST /participants/{participant_id}/retention": _SAYS_ANEW,
    "POST /referrals": "a draft is saved while one types, each time with more; what is sent is sent once",
}
#: At least so many forms are done here by somebody: another state of the world, or no rule, lets the others in.
_MOST: Final = 100


def _rows(runner: Runner) -> dict[str, int]:
    return runner.counts(table.name for table in metadata.sorted_tables if table.name not in _OF_EACH_TIME)


def _who_does_it(route: Route) -> tuple[str, Kind] | None:
    """Of whose things a form is done by somebody, and by whom."""
    known = grid.read()
    return next(
        (
            (place, kind)
            for place in route.places
            for kind in KINDS
            if known[str(route), place, kind.column] in ("200", "303")
        ),
        None,
    )


@pytest.mark.parametrize("one_in", [pytest.param(4, marks=pytest.mark.ci), pytest.param(1, marks=pytest.mark.nightly)])
def test_a_form_that_is_sent_twice_adds_nothing_the_second_time(
    runner: Runner, routes: list[Route], run: Run[Any], one_in: int
) -> None:
    done, adding = set[str](), dict[str, dict[str, int]]()

    async def send_twice(route: Route, place: str, kind: Kind) -> None:
        sent = {FIELD: "one-key"}
        await runner.send(route, kind, place, more=sent)
        before = _rows(runner)
        await runner.send(route, kind, place, more=sent)
        adding[str(route)] = {name: n - before[name] for name, n in _rows(runner).items() if n > before[name]}
        runner.put_back()

    forms = [route for route in routes if route.writes and not route.is_json]
    for route in forms[::one_in]:
        who = _who_does_it(route)
        if who is not None:
            done.add(str(route))
            run(send_twice(route, *who))
    assert {name: more for name, more in adding.items() if more and name not in ADDS_AGAIN} == {}
    idle = [name for name in ADDS_AGAIN if name in done and not adding[name]]
    assert idle == [], "these add nothing: take them out of the list"
    assert len(done) >= _MOST // one_in
