"""The pages of an agenda, as it is read and as it is changed, an item, against a plain table by Jinja alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from itertools import count
from typing import Final
from uuid import UUID

import jinja2
from fastapi.testclient import TestClient
from starlette.responses import Response

from api.access.session import Installation, sign_in
from api.app import create_app
from bench.figures import Ratio, an_item
from bench.ground import Ground, now
from domain.kernel import scalars, select
from meetings import agenda_requests, agendas, schedule
from models.meeting import Meeting

_days = count(30)

COMMITTEE: Final = "steering"
_ADDRESS: Final = "http://127.0.0.1"


def measure(ground: Ground, items: tuple[int, int], rounds: int) -> Iterator[Ratio]:
    """An agenda of few items and one of many: the page on which it is changed, and the page on which it is read."""
    few, many = items
    meetings = {size: _agenda(ground, size) for size in items}
    installation = Installation(ground.engine, ground.letter_templates, _ADDRESS, demonstration=False)
    signed_in = {"Accept-Language": "fr", "Cookie": _signed_in(ground, installation)}
    with TestClient(create_app(installation), base_url=_ADDRESS, headers=signed_in) as client:

        def page(path: str) -> Callable[[int], str]:
            def get(size: int) -> str:
                answer = client.get(f"/meetings/{meetings[size]}{path}")
                assert answer.status_code == 200, answer.status_code
                return str(answer.text)

            return get

        ways: dict[str, Callable[[int], str]] = {
            "HTML, to be changed": page("/agenda"),
            "HTML, to be read": page(""),
            "Jinja alone, plain table": _by_jinja,
        }
        for name, make in ways.items():  # the first of each reads templates
            assert make(many).count(_title(0).partition(" ")[0]) >= many, name
        found = an_item("8. An agenda as a page, whole request, CPU here an item", ways, items, rounds)
    changed, read, bare = ways
    yield Ratio("meetings.html", found[read, many] / found[bare, many], at_most=200)
    yield Ratio("meetings.html_growth", found[read, many] / found[read, few], at_most=1.25)
    yield Ratio("meetings.html_changed_growth", found[changed, many] / found[changed, few], at_most=1.25)


def _agenda(ground: Ground, size: int) -> UUID:
    """A meeting with so many items that were asked for."""
    starts = datetime.combine(now().date() + timedelta(days=next(_days)), time(13, 30))
    by = ground.coordinator
    with ground.session() as session:
        schedule.plan_meetings(session, COMMITTEE, [starts], by=by, at=now())
        meeting_id: UUID = scalars(
            session, select(Meeting.id).where(Meeting.program_id == ground.program_id, Meeting.starts == starts)
        ).one()
        for place in range(size):
            item = agenda_requests.request(
                session, COMMITTEE, title_fr=_title(place), title_en=f"{_title(place)} (en)", by=by, at=now()
            )
            agendas.put_on(session, item, meeting_id, by=by, at=now())
        session.commit()
    return meeting_id


def _signed_in(ground: Ground, installation: Installation) -> str:
    """A sign-in of the coordinator, as the program keeps it: a cookie."""
    assert ground.coordinator.person_id is not None
    answer = Response()
    sign_in(installation, ground.program_id, ground.coordinator.person_id, answer)
    return answer.headers["set-cookie"].partition(";")[0]


def _title(place: int) -> str:
    return f"Question {place} que quelqu’un a demandé de traiter"


_PLAIN: Final = jinja2.Environment(autoescape=True).from_string(
    "<!doctype html><title>Ordre du jour</title><table>{% for row in rows %}"
    "<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)


def _by_jinja(size: int) -> str:
    return _PLAIN.render(
        rows=[(place, _title(place), "Coordination", "Discussion", "5 min") for place in range(1, size + 1)]
    )
