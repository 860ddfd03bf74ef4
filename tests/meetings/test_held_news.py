"""After a restore, no one is told of meetings what waits to be decided; once it is, each is told what differs, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel import first
from meetings import freezing, invitations, schedule, seating
from meetings.committees import committee_of
from meetings.invitations import PersonalNews
from models.base import table_of
from models.ledger import Epoch, RestoredMatter
from models.meeting import MeetingSeries
from models.ports import LedgerFact
from tests.agreeing import code_of
from tests.cast import AT, TODAY, Cast
from tests.matters import left
from tests.meetings.agenda_application import meeting
from tests.meetings.sitting import letters, seat
from tests.meetings.test_seating import FIRST, FROM, session

__all__ = ["session"]

LATER = AT + timedelta(hours=1)
_matter, _season = table_of(RestoredMatter), table_of(MeetingSeries)
_LINES = count(1)
#: A day on which the Clinical Committee has no meeting yet.
OTHER = datetime.combine(date(2027, 1, 6), time(13))


def waits(session: Session, kind: str, verb: str, of: str, subject_id: UUID, person: UUID | None = None) -> None:
    """A restore left this to decide: it had been told, or had ended, yesterday."""
    if first(session, select(Epoch)) is None:
        session.add(Epoch(number=1, found_at=AT, lines=1))
        session.flush()
    facts: dict[str, LedgerFact] = {"day": (TODAY - timedelta(days=1)).isoformat()} if kind == "role" else {}
    left(session, kind, verb, subject_id, next(_LINES), subject_kind=of, person_id=person, facts=facts)


def decided(session: Session, decision: str) -> None:
    """People decide of all that waits."""
    session.execute(
        update(_matter).values(decision=decision, decided_at=LATER, decided_as="coordinator", reason="Said so")
    )


def season(session: Session) -> UUID:
    found: UUID = session.execute(select(_season.c.id)).scalar_one()
    return found


def names(cast: Cast, told: tuple[PersonalNews, ...]) -> dict[str, str]:
    """Who hears, and what kind of news."""
    by_id = {one: name for name, one in cast.people.items()}
    return {by_id[one.person_id]: one.kind for one in told}


def of_clinical(session: Session, told: tuple[PersonalNews, ...]) -> list[PersonalNews]:
    return [one for one in told if one.committee_id == committee_of(session, "clinical").id]


def test_of_a_season_that_waits_no_one_hears_by_an_act_on_a_seat_nor_by_the_round(cast: Cast, session: Session) -> None:
    waits(session, "meeting", "meeting.told", "meeting_series", season(session))
    clinical, by, who = committee_of(session, "clinical").id, cast.actor("coordinator"), cast.people["worker_ccsmtl"]
    told = seating.end_seat(session, clinical, seat(session, "clinical", "ccsmtl"), who, last_day=TODAY, by=by, at=AT)
    assert told, "of another meeting they hear as ever"
    assert not of_clinical(session, told)
    assert invitations.tell_all(session, at=LATER) == ()
    decided(session, "kept")
    assert names(cast, invitations.tell_all(session, at=LATER)) == {"worker_ccsmtl": "removed"}
    assert invitations.tell_all(session, at=LATER) == (), "once"


def _acts(session: Session, cast: Cast) -> dict[str, Callable[[], object]]:
    by, one = cast.actor("coordinator"), meeting(session, FROM)
    return {
        "move": lambda: schedule.move_meeting(session, one, OTHER, by=by, at=AT),
        "cancel": lambda: schedule.cancel_meeting(session, one, reason="Tempête", by=by, at=AT),
        "place": lambda: schedule.change_place(session, one, place="Salle B", by=by, at=AT),
        "places": lambda: schedule.change_place(session, one, place="Salle B", following=True, by=by, at=AT),
        "hour": lambda: schedule.change_hour(session, season(session), since=FROM, hour=time(13), by=by, at=AT),
        "guest": lambda: schedule.invite_guest(session, one, cast.people["manager_la"], by=by, at=AT),
        "no guest": lambda: schedule.withdraw_guest(session, one, cast.people["manager_la"], by=by, at=AT),
        "agenda": lambda: freezing.circulate(session, one, by=by, at=AT),
        "frozen agenda": lambda: freezing.freeze(session, one, by=by, at=AT),
    }


def test_an_act_on_the_dates_of_a_season_that_waits_is_refused_and_leads_to_the_page_where_it_is_decided(
    cast: Cast, session: Session
) -> None:
    waits(session, "meeting", "meeting.told", "meeting_series", season(session))
    before = len(letters(session))
    refused = {name: code_of(act) for name, act in _acts(session, cast).items()}
    assert set(refused.values()) == {"meeting.undecided"}, refused
    assert len(letters(session)) == before
    told = schedule.plan_meetings(session, "clinical", [OTHER], by=cast.actor("coordinator"), at=AT)
    assert told, "another meeting is planned as ever"


def test_of_a_seat_that_waits_neither_its_holder_nor_their_alternate_hears_anything(
    cast: Cast, session: Session
) -> None:
    waits(session, "role", "seat.left", "seat", seat(session, "clinical", "en-marge"), cast.people["worker_em"])
    assert invitations.tell_all(session, at=AT) == ()
    told = names(cast, schedule.plan_meetings(session, "clinical", [OTHER], by=cast.actor("coordinator"), at=AT))
    assert "worker_ccsmtl" in told
    assert not {"worker_em", "deputy"} & told.keys()


def _with_another_meeting(session: Session, cast: Cast) -> None:
    """A seat waits, and another meeting is planned meanwhile."""
    waits(session, "role", "seat.left", "seat", seat(session, "clinical", "en-marge"), cast.people["worker_em"])
    schedule.plan_meetings(session, "clinical", [OTHER], by=cast.actor("coordinator"), at=AT)


def test_whose_seat_is_theirs_after_all_hears_once_what_they_were_not_told_yet(cast: Cast, session: Session) -> None:
    _with_another_meeting(session, cast)
    decided(session, "left_undone")
    assert names(cast, invitations.tell_all(session, at=LATER)) == {"worker_em": "invitation"}
    assert invitations.tell_all(session, at=LATER) == ()


def test_whose_seat_is_left_again_hears_it_once_and_so_does_their_alternate(cast: Cast, session: Session) -> None:
    _with_another_meeting(session, cast)
    decided(session, "done_again")
    clinical, where = committee_of(session, "clinical").id, seat(session, "clinical", "en-marge")
    who, last, by = cast.people["worker_em"], TODAY - timedelta(days=1), cast.actor("coordinator")
    told = seating.end_seat(session, clinical, where, who, last_day=last, by=by, at=LATER)
    assert names(cast, told) == {"worker_em": "removed", "deputy": "invitation"}
    assert invitations.tell_all(session, at=LATER) == ()


def test_a_date_that_is_off_is_told_also_to_one_whose_seat_waits_where_they_had_been_told_of_it(
    cast: Cast, session: Session
) -> None:
    waits(session, "role", "seat.left", "seat", seat(session, "clinical", "en-marge"), cast.people["worker_em"])
    by = cast.actor("coordinator")
    told = names(cast, schedule.cancel_meeting(session, meeting(session, FROM), reason="Tempête", by=by, at=AT))
    assert told["worker_em"] == "cancelled", "they come in vain whatever is decided"
    assert "deputy" not in told


def test_of_a_guest_who_waits_nothing_is_told(cast: Cast, session: Session) -> None:
    one = meeting(session, FIRST)
    schedule.invite_guest(session, one, cast.people["manager_la"], by=cast.actor("coordinator"), at=AT)
    waits(session, "role", "guest.withdrawn", "meeting", one, cast.people["manager_la"])
    assert invitations.tell_all(session, at=AT) == ()
