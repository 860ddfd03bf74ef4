"""A meeting as it sits, on the device of whoever sits in it: who is let in, what they see, and what shuts the door."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session
from sqlmodel import select as select_model

from api.access.follow_ups import find_follow_up
from api.access.permissions import Asker, Forbidden
from api.access.sittings import read_sitting
from api.pages.in_sitting import Reader, SittingFeed
from domain.follow_ups import Issue, issues
from domain.kernel import local_day
from domain.roles import standing
from meetings import assembling, attendance, running
from meetings.agenda_items import items_of
from meetings.committees import membership
from meetings.locking import read_meeting
from models.base import table_of
from models.program import Person
from models.record import Event
from tests.api.application import app_on, client_for, token_for
from tests.cast import AT, Arranged, Cast
from tests.following import SECOND, THIRD, WORKER, bar, consented, followed
from tests.meetings.clinic import NOW, clinic_of, prepare_clinic
from tests.meetings.sitting import seat

MEMBER: Final = "worker_codim"
WORDS: Final = "Her rent is due and she speaks of going back."

_event = table_of(Event)


def _prepared(cast: Cast) -> list[UUID]:
    """A clinic that sits, with two cases of a worker each on its agenda; of the first its worker raises something."""
    prepare_clinic(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        cases = [followed(session, cast), followed(session, cast, "#2026-02", worker=SECOND)]
        issues.raise_issue(session, cases[0], Issue(WORDS, urgent=True), by=cast.actor(WORKER), at=AT)
        here = clinic_of(session)
        assembling.assemble(session, here, by=by, at=AT)
        running.open_meeting(session, here, by=by, at=NOW)
        _come_to(cast, here, "CCSMTL", session)
        session.commit()
    return [here, *cases]


def _come_to(cast: Cast, here: UUID, words: str, session: Session) -> UUID:
    item = next(one for one in items_of(session, here) if words in one.title_en)
    running.take_up(session, item.id, by=cast.actor("coordinator"), at=NOW)
    return item.id


@pytest.fixture
def sitting(cast: Cast, arranged: Arranged[list[UUID]]) -> tuple[Cast, UUID, list[UUID]]:
    here, *cases = arranged(cast, _prepared)
    return cast, here, cases


def _as(cast: Cast, name: str = MEMBER) -> TestClient:
    return client_for(cast.database, cast.people[name], at=NOW)


def _leaves(cast: Cast, here: UUID, key: str, person: str | None = None) -> None:
    with cast.session() as session:
        who = cast.people[person] if person else None
        attendance.record(
            session, here, seat(session, "clinical", key), "present", person_id=who, left_at=NOW,
            by=cast.actor("coordinator"), at=NOW,
        )  # fmt: skip
        session.commit()


def _doors(cast: Cast, here: UUID, name: str = MEMBER) -> list[int]:
    """How each door of the sitting answers; of the stream only where it refuses, since it goes on."""
    client = _as(cast, name)
    with cast.session() as session:
        item = next(one.id for one in items_of(session, here) if "CCSMTL" in one.title_en)
    answers = [
        client.get(f"/meetings/{here}/sitting"),
        client.post(f"/meetings/{here}/sitting/raised", data={"item": str(item)}),
    ]
    return [one.status_code for one in answers]


def _shown(cast: Cast, here: UUID, *names: str, view: str = "in_sitting", language: str = "en") -> dict[str, str]:
    """What the stream would send each of these people now; "" before it where that is the last."""
    app = app_on(cast.database, at=NOW)
    feed = SittingFeed(app, app.state.installation, cast.program_id, here)
    readers = {
        name: Reader(token_for(cast.database, cast.people[name], at=NOW), cast.people[name], language, view)
        for name in names
    }
    shown = feed.show(list(readers.values()))
    return {name: ("OVER " if shown[one].is_last else "") + shown[one].html for name, one in readers.items()}


def test_who_sits_sees_the_item_and_its_cases_by_number_and_opens_the_words_by_an_act_of_their_own(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    page = _as(cast).get(f"/meetings/{here}/sitting")
    assert page.status_code == 200
    assert "#2026-01" in page.text
    assert WORDS not in page.text
    assert "Raised, urgent" in page.text
    with cast.session() as session:
        item = next(one.id for one in items_of(session, here) if "CCSMTL" in one.title_en)
    opened = _as(cast).post(f"/meetings/{here}/sitting/raised", data={"item": str(item)})
    assert WORDS in opened.text
    with cast.session() as session:
        read = session.execute(
            select(_event.c.facts).where(_event.c.verb == "read", _event.c.actor_id == cast.people[MEMBER])
        ).scalars()
        assert [(one["what"], one["ground"]) for one in read] == [("raised_issue", "committee")]
    assert WORDS not in "".join(_shown(cast, here, MEMBER, "coordinator").values()), "and no stream has them"


def test_who_left_who_is_not_seated_and_who_only_works_here_are_refused(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    assert _doors(cast, here) == [200, 200]
    assert _doors(cast, here, "manager_ccsmtl") == [404, 404]
    assert not _shown(cast, here, MEMBER)[MEMBER].startswith("OVER")
    _leaves(cast, here, "codim")
    assert _doors(cast, here) == [404, 404]
    shown = _shown(cast, here, MEMBER, "police")
    assert shown[MEMBER].startswith("OVER")
    assert "#2026" not in shown[MEMBER]
    assert not shown["police"].startswith("OVER"), "the others go on"


def test_when_the_meeting_closes_nobody_reads_its_cases_there_any_more(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
        session.commit()
    assert _doors(cast, here) == [303, 303]
    for shown in _shown(cast, here, MEMBER, "coordinator").values():
        assert shown.startswith("OVER")
        assert "#2026" not in shown


def test_a_worker_whom_the_participant_barred_sees_no_line_no_words_and_no_decision_about_them(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    with cast.session() as session:
        bar(session, cast, case, cast.people[MEMBER])
        session.commit()
    with cast.session() as session:
        item = next(one.id for one in items_of(session, here) if "CCSMTL" in one.title_en)
    opened = _as(cast).post(f"/meetings/{here}/sitting/raised", data={"item": str(item)})
    assert (opened.status_code, "#2026-01" in opened.text, WORDS in opened.text) == (200, False, False)
    shown = _shown(cast, here, MEMBER, "police")
    assert ("#2026-01" in shown[MEMBER], "#2026-01" in shown["police"]) == (False, True)


def test_a_case_that_is_not_shared_with_an_organization_is_not_shown_to_who_sits_for_it(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    with cast.session() as session:
        consented(session, cast, case, "ccsmtl", "spvm")
        session.commit()
    shown = _shown(cast, here, MEMBER, "police", WORKER)
    assert {name: "#2026-01" in text for name, text in shown.items()} == {MEMBER: False, "police": True, WORKER: True}


def test_a_sign_in_that_ended_ends_what_follows_from_it_and_following_keeps_none_alive(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    app = app_on(cast.database, at=NOW)
    token = token_for(cast.database, cast.people[MEMBER], at=AT)
    feed = SittingFeed(app, app.state.installation, cast.program_id, here)
    reader = Reader(token, cast.people[MEMBER], "en", "in_sitting")
    assert feed.show([reader])[reader].is_last, "it lay idle since the day before"
    assert "sign-in" in feed.show([reader])[reader].html


def test_the_wall_shows_numbers_and_nothing_that_anybody_typed(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        by = cast.actor("coordinator")
        running.add_item(session, here, title_en="Ondine Fougère asks", title_fr="", reason="now", by=by, at=NOW)
        session.commit()
    client = _as(cast, "coordinator")
    page = client.get(f"/meetings/{here}/projector")
    assert page.status_code == 200
    for text in (page.text, *_shown(cast, here, "coordinator", view="projector").values()):
        assert "#2026-01" in text
        assert "Ondine" not in text
        assert "Added item" in text
    with cast.session() as session:
        names = [one.name for one in session.scalars(select_model(Person))]
    assert not [name for name in names if name in page.text], "nor who works here"
    assert _as(cast).get(f"/meetings/{here}/projector").status_code == 404


def test_what_is_told_of_nobody_opens_no_stream(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    for address in ("sitting/events", "projector/events", "run/events"):
        assert _as(cast, "manager_ccsmtl").get(f"/meetings/{here}/{address}").status_code == 404
    assert _as(cast).get(f"/meetings/{here}/run/events").status_code == 404


_PARTNERS: Final = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme")
_PEOPLE: Final = (WORKER, SECOND, THIRD, "police", "coordinator", "worker_em", "deputy")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    barred=st.sets(st.tuples(st.sampled_from(_PEOPLE), st.integers(0, 1)), max_size=4),
    shared=st.lists(
        st.sets(st.sampled_from(["ccsmtl", "codim", "spvm", "en-marge", "anonyme"])), min_size=2, max_size=2
    ),
    left=st.sets(st.sampled_from(_PARTNERS[:4]), max_size=2),
)
def test_nobody_sees_more_in_a_sitting_than_the_one_rule_lets_them(
    sitting: tuple[Cast, UUID, list[UUID]],
    barred: Collection[tuple[str, int]],
    shared: list[set[str]],
    left: Collection[str],
) -> None:
    cast, here, cases = sitting
    with cast.session() as session:
        for name, place in barred:
            bar(session, cast, cases[place], cast.people[name])
        for case, partners in zip(cases, shared, strict=True):
            consented(session, cast, case, *partners)
        for key in left:
            attendance.record(
                session, here, seat(session, "clinical", key), "present", left_at=NOW,
                by=cast.actor("coordinator"), at=NOW,
            )  # fmt: skip
        meeting = read_meeting(session, here)
        members = membership(session, meeting.committee_id)
        read = read_sitting(session, meeting, members, [cast.people[name] for name in _PEOPLE])
        today = standing(session, local_day(session, NOW))
        for name in _PEOPLE:
            asker = Asker(cast.people[name], today)
            try:
                seen = read.seen_by(asker)
            except Forbidden:
                continue
            for case in {*seen.cases, *seen.words, *seen.inactive}:
                find_follow_up(session, asker, case)  # raises Forbidden where the one rule says no
            assert seen.words <= seen.cases | seen.inactive
        session.rollback()
