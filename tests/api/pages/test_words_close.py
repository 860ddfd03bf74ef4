"""When a sitting closes, words close: who reads what was raised and said of a case, by every address there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from api.pages.sitting_feed import Reader, SittingFeed
from domain.follow_ups import Issue, issues
from meetings import assembling, attendance, discussing, minutes, running, schedule
from meetings.agenda_items import items_of
from meetings.agenda_rules import TURN
from meetings.discussing import Said
from models.access import BrowserSession
from models.base import table_of
from tests.api.application import client_for, token_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, followed, row_of
from tests.matrix.asked import routes_of
from tests.meetings.clinic import NEXT_LOCAL, NOW, clinic_of, prepare_clinic
from tests.meetings.documents.reading import pdf_text
from tests.meetings.sitting import give, seat

pytestmark = pytest.mark.ci

#: What a worker raised of the first case; what the committee said of it; what was said of the second, and what was
#: raised of it, which comes back.
RAISED, NOTE, FOLLOWS, SAID, AGAIN = "Wordraised", "Wordnoted", "Wordfollows", "Wordsaid", "Wordagain"
WORDS: Final = frozenset({RAISED, NOTE, FOLLOWS, SAID, AGAIN})
BEFORE, SOON, NEXT = NOW - timedelta(minutes=6), NOW + timedelta(minutes=5), NOW + timedelta(days=7)

#: Nobody here accompanies either participant, or oversees them: how each came by what they know of the sitting.
MEMBER, ALTERNATE, LEFT, AWAY, GUEST, ENDED = (
    "police",
    "deputy",
    "without_mail",
    "worker_em",
    "manager_codim",
    "specialist",
)
_HATS: Final = (MEMBER, ALTERNATE, LEFT, AWAY, GUEST, ENDED)


@dataclass
class Sitting:
    """A clinic with two cases, of which each has words."""

    cast: Cast
    here: UUID
    cases: tuple[UUID, UUID]
    where: str

    def addresses(self, app: FastAPI) -> Iterator[str]:
        """Every address that reads something of the meeting, the cases, their people, or of nothing named."""
        with self.cast.session() as session:
            items = [str(one.id) for one in items_of(session, self.here) if one.kind == TURN]
            people = [str(row_of(session, case)["participant_id"]) for case in self.cases]
        every = {
            "meeting_id": [str(self.here)],
            "item_id": items,
            "follow_up_id": [str(one) for one in self.cases],
            "participant_id": people,
            "week": ["2026-11-23"],
            "language": ["fr"],
            "form": ["pdf"],
            "year": ["2026"],
        }
        for route in routes_of(app):
            names = re.findall(r"{(\w+)", route.path)
            if route.method == "GET" and set(names) <= every.keys() and re.search(self.where, route.path):
                found = [re.sub(r"{(\w+):\w+}", r"{\1}", route.path)]
                for name in names:
                    found = [one.replace(f"{{{name}}}", thing) for one in found for thing in every[name]]
                yield from found

    def read_by(self, who: str, at: datetime, client: TestClient | None = None) -> set[str]:
        """The words that anything shows to somebody; those on the streams of the meeting with them."""
        client = client or client_for(self.cast.database, self.cast.people[who], at=at)
        app: Any = client.app
        shown = []
        for address in self.addresses(app):
            answer = client.get(address)
            if answer.status_code == 200:
                is_pdf = answer.headers.get("content-type", "").startswith("application/pdf")
                shown.append(pdf_text(answer.content) if is_pdf else answer.text)
        token = token_for(self.cast.database, self.cast.people[who], at=at)
        feed = SittingFeed(app, app.state.installation, self.cast.program_id, self.here)
        for view in ("in_sitting", "projector", "run", "beside"):
            reader = Reader(token, self.cast.people[who], "fr", view)
            shown.append(feed.show([reader])[reader].html)
        return {word for word in WORDS if any(word in text for text in shown)}

    def opens(self, at: datetime, here: UUID | None = None) -> None:
        with self.cast.session() as session:
            by = self.cast.actor("coordinator")
            assembling.assemble(session, here or self.here, by=by, at=at)
            running.open_meeting(session, here or self.here, by=by, at=at)
            session.commit()

    def speaks(self) -> None:
        """Both cases are spoken of, one seat is left, and one is recorded as empty."""
        by = self.cast.actor("coordinator")
        with self.cast.session() as session:
            said = Said(NOTE, FOLLOWS, TODAY + timedelta(days=9))
            discussing.discuss(session, self.here, self.cases[0], "changes", said, by=by, at=NOW)
            discussing.discuss(session, self.here, self.cases[1], "comes_back", Said(SAID), by=by, at=NOW)
            anonyme, en_marge = (seat(session, "clinical", key) for key in ("anonyme", "en-marge"))
            attendance.record(session, self.here, anonyme, "present", left_at=NOW, by=by, at=NOW)
            deputy = self.cast.people[ALTERNATE]
            attendance.record(session, self.here, en_marge, "alternate", person_id=deputy, by=by, at=NOW)
            session.commit()

    def closes(self) -> None:
        by = self.cast.actor("coordinator")
        with self.cast.session() as session:
            running.close_meeting(session, self.here, carry_rest=True, by=by, at=SOON)
            minutes.circulate(session, self.here, by=by, at=SOON)
            session.commit()


def _prepare(cast: Cast) -> list[UUID]:
    prepare_clinic(cast)
    with cast.session() as session:
        cases = [followed(session, cast), followed(session, cast, "#2026-02", worker=SECOND)]
        for case, worker, words in zip(cases, (WORKER, SECOND), (RAISED, AGAIN), strict=True):
            issues.raise_issue(session, case, Issue(words, urgent=True), by=cast.actor(worker), at=AT)
        give(session, cast, "clinical", "marie-vincent", ENDED, until=TODAY - timedelta(days=1))
        here = clinic_of(session)
        schedule.invite_guest(session, here, cast.people[GUEST], by=cast.actor("coordinator"), at=AT)
        session.commit()
    return [here, *cases]


#: Where words are known to be shown, or were once; every other address is asked at night.
_KNOWN: Final = r"sitting|discussions|issue|/run$|/cases|projector|minutes|follow-ups/{follow_up_id}$"


@pytest.fixture(params=[_KNOWN, pytest.param("", marks=pytest.mark.nightly)], ids=["where they are", "everywhere"])
def sitting(cast: Cast, arranged: Arranged[list[UUID]], request: pytest.FixtureRequest) -> Sitting:
    here, first, second = arranged(cast, _prepare)
    return Sitting(cast, here, (first, second), request.param)


def test_who_neither_accompanies_nor_coordinates_reads_words_in_the_sitting_and_nowhere_before_or_after(
    sitting: Sitting,
) -> None:
    nothing = {who: set[str]() for who in _HATS}
    assert {who: sitting.read_by(who, BEFORE) for who in (MEMBER, GUEST)} == {MEMBER: set(), GUEST: set()}
    sitting.opens(BEFORE)
    sitting.speaks()
    sits = {MEMBER: set(WORDS), ALTERNATE: set(WORDS)}
    assert {who: sitting.read_by(who, NOW) for who in _HATS} == nothing | sits
    sitting.closes()
    assert {who: sitting.read_by(who, SOON) for who in _HATS} == nothing, "minutes that were sent have none either"
    with sitting.cast.session() as session:
        following = clinic_of(session, NEXT_LOCAL)
    sitting.opens(NEXT, following)
    assert {who: sitting.read_by(who, NEXT) for who in (MEMBER, ENDED)} == {MEMBER: set(), ENDED: set()}
    sitting.here = following
    assert sitting.read_by(MEMBER, NEXT) == {AGAIN}, "what comes back is raised again; what was said is not"


def test_workers_and_the_coordinator_still_read_what_was_said_of_theirs_after_it_closed(sitting: Sitting) -> None:
    sitting.opens(BEFORE)
    sitting.speaks()
    assert sitting.read_by(MEMBER, NOW + timedelta(days=1)) == set(), "nor a day later, in one that nobody closed"
    sitting.closes()
    read = {who: sitting.read_by(who, SOON) for who in (WORKER, SECOND, "coordinator", "privacy_officer")}
    assert read == {
        WORKER: {NOTE, FOLLOWS},
        SECOND: {SAID, AGAIN},
        "coordinator": {NOTE, FOLLOWS, SAID},
        "privacy_officer": set(),
    }


def test_a_sign_in_that_the_sitting_kept_alive_reads_no_word_once_it_closed(sitting: Sitting) -> None:
    sitting.opens(BEFORE)
    sitting.speaks()
    cast, later = sitting.cast, NOW + timedelta(minutes=40)
    client = client_for(cast.database, cast.people[MEMBER], at=later)
    with cast.session() as session:
        seen = {"seen_at": later - timedelta(minutes=39), "watched_at": later - timedelta(minutes=1)}
        session.execute(update(table_of(BrowserSession)).values(**seen))
        session.commit()
    assert sitting.read_by(MEMBER, later, client) == {RAISED, AGAIN}, "the pages of the sitting alone"
    sitting.closes()
    assert sitting.read_by(MEMBER, later, client) == set()


def test_the_wall_shows_no_word_that_is_sealed_before_during_or_after(sitting: Sitting) -> None:
    client = client_for(sitting.cast.database, sitting.cast.people["coordinator"], at=NOW)
    wall = f"/meetings/{sitting.here}/projector"
    shown = [client.get(wall)]
    sitting.opens(BEFORE)
    shown.append(client.get(wall))
    sitting.speaks()
    shown.append(client.get(wall))
    sitting.closes()
    shown.append(client.get(wall))
    assert [one.status_code for one in shown] == [200, 200, 200, 303]
    assert not [word for word in WORDS for one in shown if word in one.text]
