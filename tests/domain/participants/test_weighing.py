"""Who confirms a destruction is told what a calm page could hide, and no one alone shortens how long a file is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.accompaniment import barring, states
from domain.admissions import duplicates, first_meetings
from domain.casework import asking
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day
from domain.participants import destruction, destruction_requests, holds, retention, still_needed, weighing
from domain.people.absences import cancel_absence, record_absence
from domain.roles.roles import standing
from models.agenda import AgendaItem
from models.program import ABSENCE_KINDS
from tests.api.application import client_for
from tests.cast import AT, TODAY, Cast
from tests.destroying import DELAY, WHY, asked, destroyed
from tests.flows.support import body
from tests.following import agreed, followed, known_as_somebody, row_of
from tests.referring import declare_admission, participant_of, refer, triaged
from tests.refusing import refused

DAY = timedelta(days=1)
#: Of somebody who declined today, the day after the last one.
OVER = AT + 366 * DAY
LAST = TODAY + 365 * DAY


@pytest.fixture
def over(cast: Cast) -> UUID:
    """Somebody who was referred and declined, and whose retention has ended on `OVER`."""
    declare_admission(cast)
    participant_id = triaged(cast, refer(cast))
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT)
    return participant_id


def _move(session: Session, file: UUID, day: date, *, by: Actor, at: datetime = AT, reason: str = WHY) -> None:
    retention.retain_until(session, file, day, reason=reason, by=by, at=at)


def _weighed(session: Session, cast: Cast, file: UUID, *, at: datetime) -> weighing.Weighed:
    last = destruction_requests.last_of(session, file)
    assert last is not None
    return weighing.weigh(session, last, local_day(session, at), by=cast.actor("privacy_officer"), at=at)


def _confirm(session: Session, cast: Cast, file: UUID, *, at: datetime, **how: Any) -> None:
    destruction.confirm(session, file, by=cast.actor("privacy_officer"), at=at, **how)


def _away(
    session: Session,
    cast: Cast,
    name: str,
    deputy: str,
    first: date,
    last: date,
    *,
    by: str = "coordinator",
    kinds: Sequence[str] = ("tasks", "approvals"),
    at: datetime,
) -> UUID:
    """Record that one of the cast is away, and another their deputy."""
    people = {"person_id": cast.people[name], "deputy_id": cast.people[deputy]}
    return record_absence(session, **people, starts_on=first, ends_on=last, kinds=kinds, by=cast.actor(by), at=at)


# ----------------------------------------------------------------------------------------- how long the file is kept


def test_who_confirms_reads_each_change_of_the_last_day_and_who_asks_hides_no_shortening(
    cast: Cast, over: UUID
) -> None:
    by, deputy = cast.actor("coordinator"), cast.actor("deputy")
    longer, at = LAST + 800 * DAY, OVER + DAY
    with cast.session() as session:
        _move(session, over, longer, by=deputy, reason="Ondine, un juge le demande")
        _move(session, over, OVER.date(), by=by, at=OVER, reason="Le juge a fini")
        destruction.ask(session, over, "law", reason=WHY, by=by, at=at)
        weighed = _weighed(session, cast, over, at=at)
        told = [(one.kind, one.was, one.day, one.set_by, one.set_at, one.reason) for one in weighed.changes]
        assert told == [
            ("day", LAST, longer, deputy.person_id, AT, "[…], un juge le demande"),
            ("day", longer, OVER.date(), by.person_id, OVER, "Le juge a fini"),
        ]
        assert weighed.cautions == ["shortened"]
        with refused("destruction.cautions"):
            _confirm(session, cast, over, at=at + DELAY)
        _confirm(session, cast, over, knowing={"shortened"}, at=at + DELAY)
        assert [one.reason for one in _weighed(session, cast, over, at=at + DELAY).changes] == ["", ""]


def test_who_shortened_for_the_one_who_asks_is_one_of_them(cast: Cast, over: UUID) -> None:
    by = cast.actor("coordinator")
    stood_in = Actor("coordinator", cast.people["deputy"], cast.organizations["ccsmtl"], by.person_id)
    with cast.session() as session:
        _move(session, over, LAST + 800 * DAY, by=by)
        _move(session, over, OVER.date(), by=stood_in, at=OVER)
        destruction.ask(session, over, "law", reason=WHY, by=by, at=OVER + DAY)
        assert _weighed(session, cast, over, at=OVER + DAY).cautions == ["shortened"]


def test_a_shortening_of_somebody_else_is_read_and_is_no_caution(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        _move(session, over, LAST + 800 * DAY, by=cast.actor("coordinator"))
        _move(session, over, OVER.date(), by=cast.actor("administrator"), at=OVER)
        destruction.ask(session, over, "law", reason=WHY, by=cast.actor("coordinator"), at=OVER + DAY)
        weighed = _weighed(session, cast, over, at=OVER + DAY)
        assert (len(weighed.changes), weighed.cautions) == (2, [])


def test_a_change_that_came_after_the_reading_makes_the_confirmation_refused(cast: Cast, over: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        seen = destruction_requests.last_of(session, over)
        assert seen is not None
        _move(session, over, OVER.date() + DAY, by=by, at=OVER)
        with refused("destruction.over"):
            _confirm(session, cast, over, seen=seen.id, at=OVER + DELAY)
        destruction.ask(session, over, "law", reason=WHY, by=by, at=OVER)
        with refused("destruction.changed"):
            _confirm(session, cast, over, seen=seen.id, at=OVER + DELAY)


def test_the_calendar_is_no_reason_where_the_last_day_was_set_by_hand(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        _move(session, over, OVER.date(), by=cast.actor("coordinator"))
        with refused("destruction.reason.missing"):
            asked(session, cast, over, at=OVER + DAY)
        by = cast.actor("coordinator")
        destruction.ask(session, over, destruction.BY_CALENDAR, reason=WHY, by=by, at=OVER + DAY)


def test_no_last_day_is_earlier_than_the_calendars_and_an_earlier_destruction_takes_another(
    cast: Cast, over: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        for day in (TODAY, LAST - DAY):
            with refused("retention.shorter"):
                _move(session, over, day, by=by)
        _move(session, over, LAST + 800 * DAY, by=by)
        with refused("retention.shorter"):
            _move(session, over, LAST - DAY, by=by)
        with refused("retention.not_yet"):
            destruction.ask(session, over, destruction.BY_CALENDAR, reason=WHY, by=by, at=AT)
        asked(session, cast, over, at=AT, ground="person_asks")
        assert _weighed(session, cast, over, at=AT).cautions == ["early"]
        with refused("destruction.cautions"):
            _confirm(session, cast, over, at=AT + DELAY)
        _confirm(session, cast, over, knowing={"early", "released"}, at=AT + DELAY)


def test_a_return_and_a_new_end_count_anew_whatever_day_was_set_before(cast: Cast) -> None:
    by, end = cast.actor("coordinator"), TODAY.replace(year=TODAY.year + 5)
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        file = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, file)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
        _move(session, file, end + 9 * DAY, by=by)
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT + 9 * DAY)
        with refused("retention.shorter"):
            _move(session, file, end, by=by, at=AT + 9 * DAY)


# -------------------------------------------------------------------------------------------------- who still waits


def test_a_candidate_who_waits_is_not_destroyed_before_the_calendar_says_so_and_never_by_it(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        waits = participant_of(session, refer(cast))
        with refused("retention.not_counted"):
            _move(session, waits, LAST + DAY, by=by)
        retention.count_what_was_missed(session, by=by, at=AT)
        with refused("retention.shorter"):
            _move(session, waits, TODAY, by=by)
        for ground in ("by_mistake", "person_asks", "law", "not_triaged"):
            with refused("retention.not_yet"):
                asked(session, cast, waits, at=AT + DAY, ground=ground)
        with refused("destruction.untriaged"):
            asked(session, cast, waits, at=OVER)
        asked(session, cast, waits, at=OVER, ground="not_triaged")
        assert _weighed(session, cast, waits, at=OVER).cautions == ["untriaged"]
        with refused("destruction.cautions"):
            _confirm(session, cast, waits, knowing={"early"}, at=OVER + DELAY)
        _confirm(session, cast, waits, knowing={"untriaged"}, at=OVER + DELAY)


@pytest.mark.parametrize("going_on", ["being_admitted", "given"])
def test_no_day_is_set_while_the_admission_goes_on(cast: Cast, going_on: str) -> None:
    declare_admission(cast)
    file = triaged(cast, refer(cast))
    with cast.session() as session:
        if going_on == "given":
            session.execute(text("update participant set state = 'assigned'"))
        with refused("retention.being_admitted"):
            _move(session, file, LAST + DAY, by=cast.actor("coordinator"))


def _on_an_agenda(session: Session, cast: Cast, file: UUID) -> None:
    here: dict[str, Any] = {"program_id": cast.program_id}
    clinic = session.execute(text("select id from committee where key = 'clinical' and program_id = :program_id"), here)
    called = session.execute(text("select candidate_ref from participant where id = :id"), {"id": file}).scalar_one()
    item = {"kind": "recruiter", "subject": called, "title_fr": "Un risque", "asked_at": AT}
    session.add(AgendaItem(**here, committee_id=clinic.scalar_one(), **item))
    session.flush()


def _with_an_open_case(session: Session, _: Cast, file: UUID) -> None:
    opened = text("""update "case" set state = 'open', ended_at = null where participant_id = :id""")
    session.execute(opened, {"id": file})


@pytest.mark.parametrize(
    ("open_still", "code"), [(_on_an_agenda, "retention.on_agenda"), (_with_an_open_case, "retention.being_admitted")]
)
def test_what_is_still_open_about_somebody_keeps_the_file_and_stops_what_is_asked(
    cast: Cast, over: UUID, open_still: Any, code: str
) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        open_still(session, cast, over)
        with refused(code):
            _confirm(session, cast, over, at=OVER + DELAY)
        assert destruction.look_again(session, over, by=cast.actor("coordinator"), at=OVER)
        with refused(code):
            asked(session, cast, over, at=OVER)


def test_a_known_person_who_was_referred_again_is_kept_until_it_is_said_what_follows(cast: Cast) -> None:
    declare_admission(cast)
    by, over = cast.actor("coordinator"), AT.replace(year=AT.year + 5) + DAY
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        file = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, file)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
    again = refer(cast, at=over)
    with cast.session() as session:
        duplicates.join_referral(session, again, file, reason="La même", by=by, at=over)
        with refused("retention.referred_again"):
            asked(session, cast, file, at=over)
        asking.answered(session, still_needed.AGAIN, file, by=by, at=over)
        asked(session, cast, file, at=over)


# -------------------------------------------------------------------------------------------------------- legal holds


def test_a_hold_and_its_release_have_their_words_and_who_confirms_reads_them(cast: Cast, over: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        for empty in ("", " \n", "."):
            with refused("retention.reason.missing"):
                holds.place_hold(session, over, reason=empty, by=by, at=AT)
        holds.place_hold(session, over, reason="Ondine, un procès", by=by, at=AT)
        for empty in ("", " \n", "."):
            with refused("retention.reason.missing"):
                holds.release_hold(session, over, reason=empty, by=by, at=OVER)
        holds.release_hold(session, over, reason="Le procès est clos", by=by, at=OVER)
        asked(session, cast, over, at=OVER)
        weighed = _weighed(session, cast, over, at=OVER)
        assert [(one.kind, one.day, one.reason) for one in weighed.changes] == [
            ("hold", None, "[…], un procès"),
            ("release", None, "Le procès est clos"),
        ]
        assert weighed.cautions == ["released"]
        with refused("destruction.cautions"):
            _confirm(session, cast, over, at=OVER + DELAY)
    with cast.session() as session:
        kept = session.execute(text("select sealed from kept_until")).scalars().all()
        assert not any("procès".encode() in bytes(one) for one in kept)


def _letters(session: Session) -> list[tuple[UUID, str]]:
    found = session.execute(text("select person_id, message from notice where template = 'hold_released'"))
    return [(row.person_id, body({"message": row.message})) for row in found]


@pytest.mark.parametrize(
    ("released_by", "hears"), [("coordinator", "privacy_officer"), ("privacy_officer", "director_ccsmtl")]
)
def test_the_privacy_officer_hears_of_a_release_or_another_where_it_is_theirs(
    cast: Cast, over: UUID, released_by: str, hears: str
) -> None:
    with cast.session() as session:
        holds.place_hold(session, over, reason=WHY, by=cast.actor("coordinator"), at=AT)
        holds.release_hold(session, over, reason="Ondine le veut", by=cast.actor(released_by), at=AT)
        ((to, said),) = _letters(session)
        assert to == cast.people[hears]
        assert ("Ondine" in said, cast.members[released_by].name in said) == (False, True)


def test_who_was_barred_by_the_participant_hears_nothing_of_a_release(cast: Cast, over: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        barring.bar(session, over, cast.people["privacy_officer"], by=by, at=AT)
        holds.place_hold(session, over, reason=WHY, by=by, at=AT)
        holds.release_hold(session, over, reason=WHY, by=by, at=AT)
        assert [to for to, _ in _letters(session)] == [cast.people["director_ccsmtl"]]


# ----------------------------------------------------------------------------------------------------- asked once more


def test_what_another_refused_is_told_to_who_is_asked_again(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        destruction.refuse(session, over, reason="Ondine revient", by=cast.actor("privacy_officer"), at=OVER)
        asked(session, cast, over, at=OVER + DAY)
        weighed = _weighed(session, cast, over, at=OVER + DAY)
        (before,) = weighed.earlier
        assert (before.state, before.ended_by, before.answer) == (
            *("refused", cast.people["privacy_officer"]),
            "[…] revient",
        )
        assert weighed.cautions == ["refused"]
        by = cast.actor("manager_ccsmtl")
        with refused("destruction.cautions"):
            destruction.confirm(session, over, by=by, at=OVER + DAY + DELAY)
        destruction.confirm(session, over, knowing={"refused"}, by=by, at=OVER + DAY + DELAY)


def test_no_deputy_whom_the_asker_named_for_another_confirms_it(cast: Cast, over: UUID) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        day = local_day(session, at)
        asked(session, cast, over, at=OVER)
        _away(session, cast, "manager_ccsmtl", "director_ccsmtl", day, day + 30 * DAY, at=at)
        named, place = cast.people["director_ccsmtl"], cast.organizations["ccsmtl"]
        hat = Actor("manager", named, place, cast.people["manager_ccsmtl"])
        with refused("destruction.not_theirs"):
            destruction.confirm(session, over, by=hat, at=at)
        last = destruction_requests.last_of(session, over)
        assert last is not None
        able = destruction.who_may_confirm(session, last, standing(session, day))
        assert {one.person_id for one in able} == {cast.people["privacy_officer"]}


def test_an_absent_officer_reads_what_is_asked_and_who_stands_in_answers_it(cast: Cast, over: UUID) -> None:
    at, officer = OVER + DELAY, cast.actor("privacy_officer")
    with cast.session() as session:
        day = local_day(session, at)
        asked(session, cast, over, at=OVER)
        by = "privacy_officer"
        _away(session, cast, by, "director_ccsmtl", day, day + 30 * DAY, by=by, kinds=ABSENCE_KINDS, at=at)
        with refused("destruction.not_theirs"):
            destruction.confirm(session, over, by=officer, at=at)
    page = f"/participants/{over}/destruction"
    for name, answers in (("privacy_officer", False), ("director_ccsmtl", True)):
        client = client_for(cast.database, cast.people[name], at=at)
        assert client.get("/destructions").status_code == 200
        assert (f"{page}/confirmation" in client.get(page).text) is answers, name


@pytest.mark.parametrize("ends", [0, 5])
def test_who_asks_keeps_no_one_out_by_an_absence_that_never_held(cast: Cast, over: UUID, ends: int) -> None:
    """Recorded for days before, and called off at once; or over before it was recorded."""
    at, by = OVER + DELAY, cast.actor("coordinator")
    with cast.session() as session:
        day = local_day(session, at)
        asked(session, cast, over, at=OVER)
        last = day - DAY if ends else day + 5 * DAY
        absence = _away(session, cast, "coordinator", "manager_ccsmtl", day - 6 * DAY, last, at=at)
        if not ends:
            cancel_absence(session, absence, by=by, at=at)
        assert _kept_out(session, over, day) == []
        destruction.confirm(session, over, by=cast.actor("manager_ccsmtl"), at=at)


def test_who_acts_for_the_asker_reads_that_they_are_kept_out_and_why(cast: Cast, over: UUID) -> None:
    at, manager = OVER + DELAY, cast.people["manager_ccsmtl"]
    with cast.session() as session:
        day = local_day(session, at)
        asked(session, cast, over, at=OVER)
        _away(session, cast, "coordinator", "manager_ccsmtl", day, day + 5 * DAY, kinds=["tasks"], at=at)
        assert _kept_out(session, over, day) == [destruction.KeptOut(manager, "deputy")]
        with refused("destruction.own_request"):
            destruction.confirm(session, over, by=cast.actor("manager_ccsmtl"), at=at)
    client = client_for(cast.database, cast.people["privacy_officer"], at=at)
    assert "is a deputy of the person who asked" in client.get(f"/participants/{over}/destruction").text
    told = client.get(f"/api/v1/participants/{over}/destruction-request").json()["kept_out"]
    assert told == [{"person_id": str(manager), "why": "deputy"}]


def _kept_out(session: Session, file: UUID, day: date) -> list[destruction.KeptOut]:
    last = destruction_requests.last_of(session, file)
    assert last is not None
    return destruction.kept_out(session, last, standing(session, day))


def test_no_last_day_is_set_beyond_what_any_file_is_kept(cast: Cast, over: UUID) -> None:
    with cast.session() as session, refused("retention.too_far"):
        _move(session, over, date.max, by=cast.actor("coordinator"))


def test_who_is_recorded_as_away_by_another_reads_it_on_their_first_page(cast: Cast) -> None:
    manager, by = cast.people["manager_ccsmtl"], cast.actor("coordinator")
    with cast.session() as session:
        days = {"starts_on": TODAY, "ends_on": TODAY + 5 * DAY}
        record_absence(session, person_id=manager, **days, deputy_id=None, kinds=["tasks"], by=by, at=AT)
    page = client_for(cast.database, manager, at=AT).get("/").text
    assert "You are recorded as away" in page
    assert cast.members["coordinator"].name in page
    assert "You are recorded as away" not in client_for(cast.database, cast.people["coordinator"], at=AT).get("/").text


def test_a_calm_file_has_no_caution(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        weighed = _weighed(session, cast, over, at=OVER)
        assert (weighed.cautions, weighed.changes, weighed.earlier) == ([], [], [])
    with cast.session() as session:
        destruction.withdraw(session, over, by=cast.actor("coordinator"), at=OVER)
        destroyed(session, cast, over, at=OVER)
