"""One letter a person a planning act: whatever it changes, under whichever hats they sit, and nothing that stayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.people import absences, people
from meetings import answers, invitations, replies, schedule, seating
from meetings.committees import committee_of
from meetings.invitations import PersonalNews, letters_in, people_in
from models.base import table_of
from models.committee import Committee, SeatHolder
from models.invitation import MeetingAnswer
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice
from models.program import Person
from tests.cast import AT, Cast
from tests.meetings.replying import reply
from tests.meetings.sitting import Sent, give, letters, seat, seat_everyone

_meeting = table_of(Meeting)
_holder = table_of(SeatHolder)
_committee = table_of(Committee)
_series = table_of(MeetingSeries)
_answer = table_of(MeetingAnswer)
_person = table_of(Person)
_notice = table_of(Notice)

HOUR = timedelta(hours=1)
Act = Callable[[Session, Cast, Actor, datetime], tuple[PersonalNews, ...]]


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """Everyone sits; ten Wednesdays of the clinic, one of them moved, and two meetings of the Steering Committee."""
    with cast.session() as made:
        seat_everyone(made, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            made, "clinical", first=date(2026, 12, 2), last=date(2027, 2, 3), hour=time(9, 30), by=by, at=AT
        )
        days = [datetime(2027, 1, 20, 13, 0), datetime(2027, 4, 21, 13, 0)]
        schedule.plan_meetings(made, "steering", days, by=by, at=AT)
        schedule.move_meeting(made, _on(made, date(2027, 1, 13)), datetime(2027, 1, 14, 13, 0), by=by, at=AT + HOUR)
        yield made


def _on(session: Session, day: date) -> UUID:
    found: UUID = session.scalars(
        select(_meeting.c.id).where(
            _meeting.c.starts >= datetime.combine(day, time.min),
            _meeting.c.starts < datetime.combine(day + timedelta(days=1), time.min),
        )
    ).one()
    return found


def _season(session: Session) -> UUID:
    found: UUID = session.scalars(select(_meeting.c.series_id).where(_meeting.c.series_id.is_not(None)).limit(1)).one()
    return found


def _seats(session: Session, cast: Cast, _by: Actor, at: datetime) -> tuple[PersonalNews, ...]:
    """The police's seats on both committees change hands: one leaves all their dates, another gets them all."""
    for committee in ("clinical", "steering"):
        held = seat(session, committee, "spvm")
        session.execute(update(_holder).where(_holder.c.seat_id == held).values(ends_on=date(2026, 12, 31)))
        give(session, cast, committee, "spvm", "director_spvm", since=date(2027, 1, 1))
    return invitations.tell_all(session, at=at)


def _away(session: Session, cast: Cast, by: Actor, at: datetime) -> tuple[PersonalNews, ...]:
    """One who sits on two committees is away, and the same deputy comes to both."""
    for who in ("worker_em", "manager_em"):
        absences.record_absence(
            session,
            person_id=cast.people[who],
            starts_on=date(2027, 1, 4),
            ends_on=date(2027, 1, 31),
            deputy_id=None,
            by=by,
            at=at,
        )
    return invitations.tell_all(session, at=at)


ACTS: dict[str, Act] = {
    "a season": lambda session, _cast, by, at: schedule.plan_season(
        session, "clinical", first=date(2027, 2, 10), last=date(2027, 3, 31), hour=time(9, 30), by=by, at=at
    ),
    "a year": lambda session, _cast, by, at: schedule.plan_meetings(
        session, "joint", [datetime(2027, month, 17, 9, 0) for month in (2, 5, 9, 11)], by=by, at=at
    ),
    "a move": lambda session, _cast, by, at: schedule.move_meeting(
        session, _on(session, date(2026, 12, 9)), datetime(2026, 12, 10, 9, 30), by=by, at=at
    ),
    "a cancellation": lambda session, _cast, by, at: schedule.cancel_meeting(
        session, _on(session, date(2026, 12, 9)), reason="Tempête", by=by, at=at
    ),
    "an hour": lambda session, _cast, by, at: schedule.change_hour(
        session, _season(session), since=date(2026, 12, 16), hour=time(14, 0), by=by, at=at
    ),
    "a room": lambda session, _cast, by, at: schedule.change_place(
        session, _on(session, date(2026, 12, 9)), place="Salle B", following=True, by=by, at=at
    ),
    "seats": _seats,
    "absences": _away,
}


def _plain(words: str) -> str:
    return " ".join(words.split())


def _to(cast: Cast, sent: list[Sent], who: str) -> list[Sent]:
    return [one for one in sent if one.person_id == cast.people[who]]


@pytest.mark.ci
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_each_act_is_one_letter_to_each_whom_it_concerns_and_the_same_again_is_none(
    cast: Cast, session: Session, act: Act
) -> None:
    before = len(letters(session))
    told = act(session, cast, cast.actor("coordinator"), AT + 2 * HOUR)
    sent = letters(session)[before:]
    assert sent
    assert set(Counter(one.person_id for one in sent).values()) == {1}
    assert len(sent) == letters_in(told) == len({one.person_id for one in told if one.has_address})
    assert people_in(told) == len({one.person_id for one in told})
    assert invitations.tell_all(session, at=AT + 3 * HOUR) == ()
    for one in sent:
        uids = [str(calendar.walk("VEVENT")[0]["uid"]) for calendar in one.calendars]
        methods = [str(calendar["method"]) for calendar in one.calendars]
        assert methods == sorted(methods, reverse=True), "what comes is before what goes"
        assert len(set(zip(uids, methods, strict=True))) == len(uids)


def test_who_loses_and_who_gets_several_seats_hears_of_each_date_in_one_letter(cast: Cast, session: Session) -> None:
    before = len(letters(session))
    _seats(session, cast, cast.actor("coordinator"), AT + 2 * HOUR)
    sent = letters(session)[before:]
    (comes,) = _to(cast, sent, "director_spvm")
    assert comes.template == "meeting_several"
    words = _plain(comes.text)
    assert _plain(comes.subject) == "Invitation : 2 comités, 6 janvier 2027 et 2 autres dates"
    for said in (
        "Comité clinique, mercredi 6 janvier 2027",
        "Comité directeur, mercredi 20 janvier 2027",
        "avril 2027",
    ):
        assert said in words
    assert comes.text.count("/answer/") == 3
    (goes,) = _to(cast, sent, "police")
    assert _plain(goes.subject) == "Changement : Comité clinique, 6 janvier 2027 et 4 autres dates"
    assert _plain(goes.text).count("N’a plus lieu pour vous") == 5


@pytest.mark.ci
def test_a_move_names_the_day_that_changed_and_a_move_back_names_it_again(cast: Cast, session: Session) -> None:
    by, meeting = cast.actor("coordinator"), _on(session, date(2026, 12, 9))
    subjects = []
    for hours, day in ((2, 10), (3, 9)):
        schedule.move_meeting(session, meeting, datetime(2026, 12, day, 9, 30), by=by, at=AT + hours * HOUR)
        subjects.append(_plain(_to(cast, letters(session), "police")[-1].subject))
    assert subjects == [
        "Changement : Comité clinique, jeudi 10 décembre 2026 à 9 h 30 au lieu du 9 décembre 2026",
        "Changement : Comité clinique, mercredi 9 décembre 2026 à 9 h 30 au lieu du 10 décembre 2026",
    ]
    schedule.move_meeting(session, meeting, datetime(2026, 12, 9, 11, 0), by=by, at=AT + 4 * HOUR)
    last = _to(cast, letters(session), "police")[-1]
    assert _plain(last.subject) == "Changement : Comité clinique, mercredi 9 décembre 2026 à 11 h"
    numbers = [int(one.events[0]["sequence"]) for one in _to(cast, letters(session), "police")[-3:]]
    assert numbers == sorted(set(numbers))


def test_a_move_of_a_meeting_whose_hour_is_past_names_the_day_on_which_it_is_held(cast: Cast, session: Session) -> None:
    by, meeting = cast.actor("coordinator"), _on(session, date(2026, 12, 9))
    evening = datetime(2026, 12, 9, 20, tzinfo=AT.tzinfo)
    schedule.move_meeting(session, meeting, datetime(2026, 12, 11, 9, 30), reason="Tempête", by=by, at=evening)
    last = _to(cast, letters(session), "police")[-1]
    assert _plain(last.subject) == (
        "Changement : Comité clinique, vendredi 11 décembre 2026 à 9 h 30 au lieu du 9 décembre 2026"
    )
    assert "répondez de nouveau" in _plain(last.text)


def test_another_room_for_the_season_names_the_dates_and_asks_nothing_again(cast: Cast, session: Session) -> None:
    ACTS["a room"](session, cast, cast.actor("coordinator"), AT + 2 * HOUR)
    (last,) = _to(cast, letters(session), "police")[-1:]
    assert _plain(last.subject) == "Changement : Comité clinique, 9 décembre 2026 et 8 autres dates"
    assert "Désormais avec un lieu : 9 rencontres" in _plain(last.text)
    assert "répondez de nouveau" not in last.text


def test_another_hour_says_nothing_of_the_date_that_keeps_its_own_day(cast: Cast, session: Session) -> None:
    before = len(letters(session))
    ACTS["an hour"](session, cast, cast.actor("coordinator"), AT + 2 * HOUR)
    (ours,) = _to(cast, letters(session)[before:], "police")
    assert _plain(ours.subject) == "Nouvel horaire : Comité clinique, à partir du mercredi 16 décembre 2026 à 14 h"
    assert "Au lieu du 13 janvier 2027 : jeudi 14 janvier 2027 à 13 h" in _plain(ours.text), "where it stands"
    assert "annulé" not in ours.text


def test_who_is_no_longer_expected_reads_at_which_meeting_in_the_subject(cast: Cast, session: Session) -> None:
    by, meeting, guest = cast.actor("coordinator"), _on(session, date(2027, 4, 21)), cast.people["researcher"]
    schedule.invite_guest(session, meeting, guest, by=by, at=AT + 2 * HOUR)
    schedule.withdraw_guest(session, meeting, guest, by=by, at=AT + 3 * HOUR)
    last = _to(cast, letters(session), "researcher")[-1]
    assert _plain(last.subject) == ("Vous n’êtes plus attendu·e : Comité directeur, mercredi 21 avril 2027 à 13 h")


@pytest.mark.ci
def test_two_seats_given_at_once_by_the_page_are_one_letter_with_the_joint_meetings_too(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "joint", [datetime(2027, 3, 3, 9, 0)], by=by, at=AT + 2 * HOUR)
    people.appoint(
        session,
        person_id=cast.people["director_em"],
        role="youth_worker",
        organization_id=cast.organizations["en-marge"],
        starts_on=date(2026, 11, 23),
        by=by,
        at=AT,
    )
    before = len(letters(session))
    told = seating.give_seat(
        session,
        committee_of(session, "clinical").id,
        seat(session, "clinical", "en-marge"),
        cast.people["director_em"],
        kind="principal",
        starts_on=date(2027, 1, 4),
        by=by,
        at=AT + 3 * HOUR,
    )
    (ours,) = _to(cast, letters(session)[before:], "director_em")
    assert len({one.committee_id for one in told if one.person_id == cast.people["director_em"]}) == 2
    assert len(ours.calendars) == 2


def test_a_cancellation_tells_a_second_time_nothing(cast: Cast, session: Session) -> None:
    ACTS["a cancellation"](session, cast, cast.actor("coordinator"), AT + 2 * HOUR)
    before: list[Any] = letters(session)
    assert "9 décembre 2026" in _plain(before[-1].subject) or "December 9, 2026" in before[-1].subject
    assert invitations.tell_all(session, at=AT + 3 * HOUR) == ()
    assert len(letters(session)) == len(before)


def test_a_new_name_and_another_language_are_no_letter_and_are_read_in_the_next_one(
    cast: Cast, session: Session
) -> None:
    before = len(letters(session))
    session.execute(update(_committee).where(_committee.c.key == "clinical").values(title_en="Committee of Follow-ups"))
    session.execute(update(_person).where(_person.c.id == cast.people["police"]).values(language="en"))
    assert invitations.tell_all(session, at=AT + 2 * HOUR) == ()
    assert len(letters(session)) == before
    ACTS["a move"](session, cast, cast.actor("coordinator"), AT + 3 * HOUR)
    last = _to(cast, letters(session), "police")[-1]
    moved = "Thursday, December 10, 2026 at 9:30 a.m. instead of December 9, 2026"
    assert _plain(last.subject) == f"Changed: Committee of Follow-ups, {moved}"
    assert {str(one["summary"]) for one in last.events} == {"Committee of Follow-ups"}


def test_the_hour_at_which_a_season_is_already_changes_nothing_and_tells_nobody(cast: Cast, session: Session) -> None:
    by, season, before = cast.actor("coordinator"), _season(session), len(letters(session))
    told = schedule.change_hour(session, season, since=date(2026, 12, 16), hour=time(9, 30), by=by, at=AT + 2 * HOUR)
    assert told == ()
    # From the one on that has its own day, and those behind it are off: it stays where it is, whatever the hour.
    for day in (date(2027, 1, 20), date(2027, 1, 27), date(2027, 2, 3)):
        on = datetime.combine(day, time(9, 30))
        meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == on)).one()
        schedule.cancel_meeting(session, meeting, reason="Congé", by=by, at=AT + 2 * HOUR)
    before = len(letters(session))
    told = schedule.change_hour(session, season, since=date(2027, 1, 13), hour=time(14, 0), by=by, at=AT + 3 * HOUR)
    assert told == ()
    assert len(letters(session)) == before
    assert len(session.scalars(select(_series.c.id)).all()) == 1


def test_another_hour_and_back_are_one_letter_each_and_a_date_with_its_own_day_keeps_its_answer(
    cast: Cast, session: Session
) -> None:
    by, who = cast.actor("coordinator"), cast.people["police"]
    kept, other = _on(session, date(2027, 1, 14)), _on(session, date(2026, 12, 16))
    for meeting in (kept, other):
        answers.answer(session, meeting, who, "accepted", means="link", by=cast.actor("police"), at=AT + HOUR)
    for hours, hour in ((2, time(14, 0)), (3, time(9, 30))):
        before = len(letters(session))
        season = session.scalars(select(_meeting.c.series_id).where(_meeting.c.id == other)).one()
        schedule.change_hour(session, season, since=date(2026, 12, 16), hour=hour, by=by, at=AT + hours * HOUR)
        (ours,) = _to(cast, letters(session)[before:], "police")
        assert _plain(ours.subject).startswith("Nouvel horaire : Comité clinique, à partir du mercredi 16 décembre")
        said = {str(one.get("recurrence-id") and one["recurrence-id"].dt): one["attendee"] for one in ours.events}
        (moved,) = (value for key, value in said.items() if key.startswith("2027-01-13"))
        assert moved.params["PARTSTAT"] == "ACCEPTED", "it did not change, and nobody asks again"
        assert said["None"].params["PARTSTAT"] == "NEEDS-ACTION"
    lapsed = select(_answer.c.lapsed_at).where(_answer.c.person_id == who)
    assert session.scalars(lapsed.where(_answer.c.meeting_id == kept)).one() is None
    assert session.scalars(lapsed.where(_answer.c.meeting_id == other)).one() is not None


@pytest.mark.ci
def test_an_hour_changed_from_an_earlier_day_after_another_is_one_piece_of_news(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    first = _season(session)
    schedule.change_hour(session, first, since=date(2027, 1, 20), hour=time(14), by=by, at=AT + 2 * HOUR)
    for hours, day, hour in ((3, date(2026, 12, 16), time(11)), (4, date(2026, 12, 2), time(8))):
        before = len(letters(session))
        schedule.change_hour(session, first, since=day, hour=hour, by=by, at=AT + hours * HOUR)
        for who in ("police", "worker_em"):
            (ours,) = _to(cast, letters(session)[before:], who)
            assert ours.template == "meeting_hour"
            assert "nnulé" not in ours.text


@pytest.mark.ci
def test_another_room_from_a_day_on_is_that_of_the_season_at_whichever_hour(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), _season(session)
    for hours, day in ((2, date(2027, 1, 20)), (3, date(2026, 12, 23))):
        schedule.change_hour(session, first, since=day, hour=time(11 + hours), by=by, at=AT + hours * HOUR)
    before = len(letters(session))
    schedule.change_place(
        session, _on(session, date(2026, 12, 16)), place="Salle B", following=True, by=by, at=AT + 4 * HOUR
    )
    places = session.execute(
        select(_meeting.c.starts, _meeting.c.place).where(_meeting.c.series_id.is_not(None)).order_by(_meeting.c.starts)
    ).all()
    assert [one.place == "Salle B" for one in places] == [False] * 2 + [True] * 8
    (ours,) = _to(cast, letters(session)[before:], "police")
    assert "Salle B" in ours.text


def test_a_calendar_that_answers_for_a_season_unnames_who_was_to_come_in_one_letter(
    cast: Cast, session: Session
) -> None:
    dates = [_on(session, date(2026, 12, day)) for day in (9, 16, 23)]
    who, named = cast.people["worker_em"], cast.people["deputy"]
    by, at = cast.actor("worker_em"), AT + 2 * HOUR
    for one in dates:
        assert answers.record(session, one, who, "declined", means="link", alternate_id=named, by=by, at=at)
    before = len(letters(session))
    answers.tell(session, dates, at=at)
    (comes,) = _to(cast, letters(session)[before:], "deputy")
    assert _plain(comes.subject) == "Invitation : Comité clinique, mercredi 9 décembre 2026 à 9 h 30"
    assert "chaque mercredi à 9 h 30, du 9 décembre 2026 au 23 décembre 2026" in _plain(comes.text)
    before = len(letters(session))
    mailbox = session.scalars(select(_person.c.email).where(_person.c.id == who)).one()
    uid = str(_to(cast, letters(session), "worker_em")[-1].events[0]["uid"])
    mail = reply(uid, of=mailbox, sender=mailbox, recurrence="", sequence=1, stamp="20261123T180000Z")
    assert replies.receive(session, mail, at=AT + 3 * HOUR).answered == 10
    (goes,) = _to(cast, letters(session)[before:], "deputy")
    assert _plain(goes.subject) == "Vous n’êtes plus attendu·e : Comité clinique, 9 décembre 2026 et 2 autres dates"
    assert len(letters(session)) == before + 1


def test_a_letter_about_one_date_of_a_season_leads_to_that_meeting(cast: Cast, session: Session) -> None:
    by, guest = cast.actor("coordinator"), cast.people["researcher"]
    for hours, day in ((2, 9), (3, 16)):
        meeting = _on(session, date(2026, 12, day))
        schedule.invite_guest(session, meeting, guest, by=by, at=AT + hours * HOUR)
        last = _to(cast, letters(session), "researcher")[-1]
        assert f"https://spheres.example/meetings/{meeting}\n" in last.text.replace("\r\n", "\n")


def test_the_coordinator_reads_in_their_own_letter_who_has_no_address_of_each_act_anew(
    cast: Cast, session: Session
) -> None:
    def written_to_coordinator(since: int) -> list[Any]:
        rows = select(_notice.c.template).where(_notice.c.person_id == cast.people["coordinator"], _notice.c.n > since)
        return list(session.scalars(rows.order_by(_notice.c.n)))

    last = select(func.max(_notice.c.n))
    assert written_to_coordinator(0).count("no_address") == 0, "they were told of the season in one letter"
    for hours, act in ((2, "a room"), (3, "a move")):
        before = session.scalars(last).one()
        told = ACTS[act](session, cast, cast.actor("coordinator"), AT + hours * HOUR)
        assert written_to_coordinator(before) == ["meeting_changed"]
        words = _plain(_to(cast, letters(session), "coordinator")[-1].text)
        assert f"/people/{cast.people['without_mail']}" in words, "whoever was told by telephone of the first hears too"
        assert "celui-ci n’est pas envoyé de nouveau" in words
        assert session.scalars(last).one() - before == letters_in(told), "no letter that was not counted"


@pytest.mark.ci
def test_a_coordinator_who_gets_no_letter_of_an_act_is_told_in_one_of_all_whom_it_did_not_reach(
    cast: Cast, session: Session
) -> None:
    by, meeting, at = cast.actor("coordinator"), _on(session, date(2027, 4, 21)), AT + 2 * HOUR
    held = seat(session, "steering", "coordination")
    session.execute(update(_holder).where(_holder.c.seat_id == held).values(ends_on=date(2026, 12, 31)))
    invitations.tell_all(session, at=at)
    without = [cast.people[one] for one in ("manager_codim", "manager_two", "manager_la")]
    session.execute(update(_person).where(_person.c.id.in_(without)).values(email=None, language="en"))
    for hours in (3, 4):
        before = session.scalars(select(func.max(_notice.c.n))).one()
        told = schedule.move_meeting(
            session, meeting, datetime(2027, 4, 21, 13 + hours, 0), by=by, at=AT + hours * HOUR
        )
        left = session.execute(
            select(_notice.c.person_id, _notice.c.template, _notice.c.subject).where(_notice.c.n > before)
        ).all()
        assert len(left) == letters_in(told) == people_in(told) - len(without)
        (ours,) = (one for one in left if one.person_id == cast.people["coordinator"])
        assert (ours.template, _plain(ours.subject)[-21:]) == ("no_address", "et 2 autres personnes")
        message = session.scalars(
            select(_notice.c.message).where(_notice.c.n > before, _notice.c.template == "no_address")
        ).one()
        body = message_from_bytes(message, _class=EmailMessage, policy=SMTP).get_body(("plain",))
        assert body is not None
        words = _plain(body.get_content())
        assert words.count("/people/") == words.count("« Changement : Comité directeur, mercredi 21 avril 2027") == 3
        assert "30 jours" not in words, "of the next act they are told again"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            (
                "n’a pas d’adresse courriel et n’a pas reçu cet avis : « Changement : Comité clinique, "
                "jeudi 10 décembre 2026 à 9 h 30 au lieu du 9 décembre 2026 »."
            ),
        ),
        (
            "en",
            (
                "has no e-mail address and did not receive this notice: “Changed: Clinical Committee, "
                "Thursday, December 10, 2026 at 9:30 a.m. instead of December 9, 2026”."
            ),
        ),
    ],
)
def test_the_coordinator_reads_what_who_has_no_address_missed_where_their_own_news_are_others(
    cast: Cast, session: Session, language: str, said: str
) -> None:
    held = seat(session, "clinical", "coordination")
    session.execute(update(_holder).where(_holder.c.seat_id == held).values(ends_on=date(2026, 12, 9)))
    session.execute(update(_person).where(_person.c.id == cast.people["coordinator"]).values(language=language))
    invitations.tell_all(session, at=AT + 2 * HOUR)
    before = len(letters(session))
    ACTS["a move"](session, cast, cast.actor("coordinator"), AT + 3 * HOUR)
    (ours,) = _to(cast, letters(session)[before:], "coordinator")
    assert ours.template == "meeting_no_longer"
    assert f"Gypse Ardoise {said}" in _plain(ours.text)
    closing = {"fr": "Bonne journée,", "en": "Have a good day,"}[language]
    assert f"\n\n{closing}\n\n" in ours.text.replace("\r\n", "\n"), "no line of the notice runs into it"
