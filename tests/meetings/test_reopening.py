"""A frozen agenda whose meeting is moved: opened again and frozen anew, or put right; what went out stays kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.mail import sent_before
from domain.record.apart import digest_of_key
from meetings import agenda_papers, agenda_requests, agendas, answers, assembling, freezing, posting, schedule
from meetings.agenda_items import items_of
from meetings.agenda_papers import AgendaChange
from meetings.documents.content import Both
from meetings.invitations import PersonalNews, letters_in
from meetings.locking import read_meeting
from models.base import table_of
from models.committee import SeatHolder
from models.meeting import MeetingSeries
from models.outbox import Notice
from models.program import Person
from tests.cast import AT, Cast
from tests.meetings.agenda_application import FIRST, SECOND, admission, item, meeting, session, told, versions
from tests.meetings.sitting import letters, seat

__all__ = ["session"]

_notice = table_of(Notice)
_series = table_of(MeetingSeries)
_person = table_of(Person)
_holder = table_of(SeatHolder)

HOUR = timedelta(hours=1)

#: Two days before the first meeting, when its agenda is sent as a draft by the rule.
DRAFTED = datetime(2026, 11, 30, 15, 0, tzinfo=AT.tzinfo)
#: The day before the first meeting, when its agenda is frozen by the rule.
EVE = datetime(2026, 12, 1, 15, 0, tzinfo=AT.tzinfo)
#: The Monday after it, on which it is held instead; and when its agenda is due again.
MONDAY = datetime.combine(FIRST + timedelta(days=5), time(9, 30))
SUNDAY = datetime(2026, 12, 6, 15, 0, tzinfo=AT.tzinfo)


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code


def _freeze(session: Session, cast: Cast, meeting_id: UUID, at: datetime) -> None:
    """Have a meeting's agenda assembled, frozen and sent, as the round does."""
    by = cast.actor("coordinator")
    assembling.assemble(session, meeting_id, by=by, at=at)
    posting.post(session, freezing.freeze(session, meeting_id, by=by, at=at), "frozen", at=at)


def _circulate(session: Session, cast: Cast, meeting_id: UUID, at: datetime) -> None:
    """Have a meeting's agenda sent as a draft, as the round does."""
    by = cast.actor("coordinator")
    posting.post(session, freezing.circulate(session, meeting_id, by=by, at=at), "circulated", at=at)


def _sent_to(session: Session, cast: Cast, name: str, template: str = "meeting_agenda") -> list[str]:
    """The letters of one kind, about agendas, that somebody was sent, in their order."""
    rows = session.execute(
        select(_notice.c.message)
        .where(_notice.c.person_id == cast.people[name], _notice.c.template == template)
        .order_by(_notice.c.n)
    )
    found = []
    for row in rows:
        body = message_from_bytes(row.message, _class=EmailMessage, policy=SMTP).get_body(("plain",))
        assert body is not None
        found.append(" ".join(str(body.get_content()).split()))
    return found


def _numbers(session: Session, meeting_id: UUID) -> dict[str, str | None]:
    return {row.title_en: row.number for row in items_of(session, meeting_id)}


@pytest.mark.ci
def test_an_agenda_moved_to_another_day_before_it_is_due_is_opened_again_and_frozen_anew(
    cast: Cast, session: Session
) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    kept, gone = admission(session, cast, "#2026-07"), admission(session, cast, "#2026-08")
    _freeze(session, cast, first, EVE)
    before = _numbers(session, first)

    schedule.move_meeting(session, first, MONDAY, reason="Tempête", by=by, at=EVE)

    row = read_meeting(session, first)
    assert (row.agenda_frozen_at, row.agenda_circulated_at) == (None, None)
    assert set(_numbers(session, first).values()) == {None}
    assert told(session, first)[-2:] == ["meeting.moved", "agenda.reopened"]
    assert assembling.due_to_freeze(session, EVE) == ()
    assert first in assembling.due_to_freeze(session, SUNDAY)
    agendas.take_off(session, gone, by=by, at=EVE)
    new = admission(session, cast, "#2026-09")
    _freeze(session, cast, first, SUNDAY)

    assert [one["kind"] for one in versions(session, first)] == ["agenda", "agenda"]
    (old, current) = agenda_papers.versions_of(session, first)
    assert (old.is_replaced, current.is_replaced) == (True, False)
    assert agenda_papers.content_of(session, first, 1).head.starts == datetime.combine(FIRST, time(9, 30))
    assert "Admission #2026-08" in {line.title.en for line in agenda_papers.content_of(session, first, 1).items}
    assert agenda_papers.content(session, first).head.starts == MONDAY
    found = agenda_papers.replacing(session, first, 2)
    assert found is not None
    assert found.was == datetime.combine(FIRST, time(9, 30))
    title = "Admission #2026-%s"
    assert found.changes[0] == AgendaChange(
        "added", str(item(session, new)["number"]), "", Both(fr=title % "09", en=title % "09")
    )
    assert found.changes[-1] == AgendaChange(
        "gone", "", str(before[title % "08"]), Both(fr=title % "08", en=title % "08")
    )
    assert item(session, kept)["number"] == before["Admission #2026-07"]


@pytest.mark.ci
def test_the_new_version_is_sent_and_says_what_changed_since_the_one_before(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    gone = admission(session, cast, "#2026-08")
    _freeze(session, cast, first, EVE)
    assert "It replaces" not in _sent_to(session, cast, "worker_codim")[0]
    schedule.move_meeting(session, first, MONDAY, by=by, at=EVE)
    agendas.take_off(session, gone, by=by, at=EVE)
    admission(session, cast, "#2026-09")

    _freeze(session, cast, first, SUNDAY)

    _, anew = _sent_to(session, cast, "worker_codim")
    assert "replaces the agenda that you received before, when the meeting was to be on Wed" in anew
    assert "- New: 1. Admission #2026-09" in anew
    assert "- No longer on it: Admission #2026-08 (it was number 1)" in anew
    _, en_neuf = _sent_to(session, cast, "police")
    assert "Il remplace l’ordre du jour que vous avez reçu auparavant" in en_neuf
    assert "Nouveau : 1. Admission #2026-09" in en_neuf


@pytest.mark.ci
def test_a_draft_that_went_out_goes_out_again_for_the_day_to_which_its_meeting_is_moved_before_the_freeze(
    cast: Cast, session: Session
) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast)
    assembling.assemble(session, first, by=by, at=DRAFTED)
    assert assembling.due_to_circulate(session, DRAFTED) == (first,)
    _circulate(session, cast, first, DRAFTED)
    schedule.move_meeting(session, first, datetime.combine(FIRST, time(14, 0)), by=by, at=DRAFTED)
    assert read_meeting(session, first).agenda_circulated_at == DRAFTED, "of the same day it has gone out"

    schedule.move_meeting(session, first, MONDAY, by=by, at=DRAFTED)

    assert assembling.due_to_circulate(session, DRAFTED) == ()
    again = datetime(2026, 12, 5, 15, 0, tzinfo=AT.tzinfo)
    assert first in assembling.due_to_circulate(session, again)
    _circulate(session, cast, first, again)
    assert len(_sent_to(session, cast, "worker_codim")) == 2
    _circulate(session, cast, first, again + timedelta(hours=1))
    assert len(_sent_to(session, cast, "worker_codim")) == 2, "once for a day"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("starts", "at"),
    [
        (datetime.combine(FIRST, time(14, 0)), EVE),  # another hour of the same day
        # To the next day, ten minutes after it should have begun: by then that day's agenda is due.
        (datetime.combine(FIRST + timedelta(days=1), time(9, 30)), datetime(2026, 12, 2, 14, 40, tzinfo=AT.tzinfo)),
    ],
)
def test_an_agenda_that_is_due_already_stays_frozen_and_says_the_right_time(
    cast: Cast, session: Session, starts: datetime, at: datetime
) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast)
    _freeze(session, cast, first, EVE)
    late = admission(session, cast, "#2026-08")
    freezing.add_late(session, first, late, reason="Urgent", by=by, at=EVE)
    before = _numbers(session, first)

    schedule.move_meeting(session, first, starts, by=by, at=at)

    assert read_meeting(session, first).agenda_frozen_at is not None
    assert _numbers(session, first) == before
    rows = agenda_papers.versions_of(session, first)
    assert [(one.kind, one.addendum, one.is_replaced) for one in rows] == [
        ("agenda", 0, True),
        ("addendum", 1, True),
        ("agenda", 0, False),
    ]
    now = agenda_papers.content(session, first)
    assert now.head.starts == starts
    assert "1.1" in {line.number for line in now.items}
    assert len(_sent_to(session, cast, "worker_codim")) == 1, "the move's own letter tells the time"


@pytest.mark.ci
def test_a_new_place_or_hour_of_the_season_is_put_right_on_what_is_frozen(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast)
    _freeze(session, cast, first, EVE)

    schedule.change_place(session, first, place="Salle 9", following=True, by=by, at=EVE)
    assert agenda_papers.content(session, first).head.place == "Salle 9"
    series = session.scalars(select(_series.c.id).where(_series.c.program_id == cast.program_id)).one()
    schedule.change_hour(session, series, since=FIRST, hour=time(10, 0), by=by, at=EVE)

    assert agenda_papers.content(session, first).head.starts == datetime.combine(FIRST, time(10, 0))
    assert len(agenda_papers.versions_of(session, first)) == 3
    assert agenda_papers.versions_of(session, meeting(session, FIRST + timedelta(days=7))) == ()


@pytest.mark.ci
def test_what_was_late_for_the_old_day_is_late_no_more(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    taken = admission(session, cast)
    _freeze(session, cast, first, EVE)
    freezing.add_late(session, first, admission(session, cast, "#2026-08"), reason="Urgent", by=by, at=EVE)
    waits = agenda_requests.request(
        session, "clinical", title_fr="Horaire", title_en="Schedule", meeting_id=first, late_reason="Urgent",
        by=cast.actor("worker_codim"), at=EVE,
    )  # fmt: skip

    schedule.move_meeting(session, first, MONDAY, by=by, at=EVE)

    assert agenda_requests.late_requests(session, first) == []
    assert not any(row.late for row in items_of(session, first))
    _freeze(session, cast, first, SUNDAY)
    assert item(session, waits)["meeting_id"] == first
    assert item(session, taken)["number"] == "1"
    assert all("." not in str(number) for number in _numbers(session, first).values())


@pytest.mark.ci
def test_an_agenda_that_was_sent_and_lost_with_a_restore_is_not_sent_again_and_one_that_says_another_thing_is(
    cast: Cast, session: Session
) -> None:
    first = meeting(session, FIRST)

    def sent(at: datetime) -> set[str]:
        point = session.begin_nested()
        _freeze(session, cast, first, at)
        keys = set(session.scalars(select(_notice.c.key).where(_notice.c.template == "meeting_agenda")))
        point.rollback()
        return keys

    before = sent(EVE)
    assert before
    sent_before.keep_keys(session, [digest_of_key(key) for key in before])
    assert sent(EVE + HOUR) == set()
    admission(session, cast)
    assert len(sent(EVE + HOUR)) == len(before)


@pytest.mark.ci
def test_addenda_are_counted_anew_for_an_agenda_that_was_frozen_anew(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    _freeze(session, cast, first, EVE)
    one = freezing.add_late(session, first, admission(session, cast), reason="Urgent", by=by, at=EVE)
    posting.post(session, one, "addendum", at=EVE)
    schedule.move_meeting(session, first, MONDAY, by=by, at=EVE)
    assert _refused(lambda: agenda_papers.content(session, first, addendum=1)) == "agenda.no_addendum"
    _freeze(session, cast, first, SUNDAY)
    assert _refused(lambda: agenda_papers.content(session, first, addendum=1)) == "agenda.no_addendum"

    late = admission(session, cast, "#2026-09")
    two = freezing.add_late(session, first, late, reason="Urgent", by=by, at=SUNDAY)
    posting.post(session, two, "addendum", at=SUNDAY)

    assert [line.title.en for line in agenda_papers.content(session, first, addendum=1).items] == ["Admission #2026-09"]
    assert [(one.n, one.addendum) for one in agenda_papers.versions_of(session, first)] == [
        (1, 0),
        (2, 1),
        (3, 0),
        (4, 1),
    ]
    assert "Admission #2026-09" in {line.title.en for line in agenda_papers.whole(session, first).items}
    assert len(_sent_to(session, cast, "worker_codim")) == 4, "each was sent, the second addendum too"


@pytest.mark.ci
def test_whoever_hosts_for_the_coordinator_says_no_yes_to_what_they_asked_for_late_themselves(
    cast: Cast, session: Session
) -> None:
    first = meeting(session, FIRST)
    _freeze(session, cast, first, EVE)
    stand_in = replace(
        cast.actor("coordinator"), person_id=cast.people["worker_codim"], acting_for=cast.people["coordinator"]
    )
    late = agenda_requests.request(
        session, "clinical", title_fr="Horaire", title_en="Schedule", meeting_id=first, late_reason="Urgent",
        by=cast.actor("worker_codim"), at=EVE,
    )  # fmt: skip

    assert _refused(lambda: freezing.add_late(session, first, late, by=stand_in, at=EVE)) == "agenda.own_late_request"
    assert item(session, late)["state"] == "pool"
    freezing.add_late(session, first, late, by=cast.actor("coordinator"), at=EVE)
    assert item(session, late)["late_reason"] == "Urgent"


def test_an_item_is_moved_by_its_place_or_one_up_and_one_down(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    made = admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)

    def place() -> int:
        return [row.id for row in items_of(session, first)].index(made) + 1

    last = len(items_of(session, first))
    assert place() == 1
    acts: list[tuple[Callable[[], object], int]] = [
        (lambda: agendas.shift(session, made, -1, by=by, at=AT), 1),
        (lambda: agendas.shift(session, made, 1, by=by, at=AT), 2),
        (lambda: agendas.move_to(session, made, 4, by=by, at=AT), 4),
        (lambda: agendas.shift(session, made, -1, by=by, at=AT), 3),
        (lambda: agendas.move_to(session, made, 99, by=by, at=AT), last),
        (lambda: agendas.shift(session, made, 1, by=by, at=AT), last),
        (lambda: agendas.move_to(session, made, 1, by=by, at=AT), 1),
    ]
    for act, expected in acts:
        act()
        assert place() == expected
    assert _refused(lambda: agendas.move_to(session, made, 0, by=by, at=AT)) == "agenda.place.missing"
    seen = item(session, made)["version"]
    assert _refused(lambda: agendas.shift(session, made, 1, by=by, at=AT, seen=seen - 1)) == "agenda_item.changed"


def test_what_a_rule_drew_and_was_taken_off_is_put_on_again_by_hand(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    research = next(row.id for row in items_of(session, first) if row.title_en == "Research")
    assert agendas.off_of(session, first) == []
    assert _refused(lambda: agendas.restore(session, research, by=by, at=AT)) == "agenda.not_taken_off"
    agendas.take_off(session, research, by=by, at=AT)
    (off,) = agendas.off_of(session, first)
    assert off.id == research

    again = agendas.restore(session, research, by=by, at=AT, seen=off.version)

    assert items_of(session, first)[-1].id == again
    assert agendas.off_of(session, first) == []
    assert not assembling.assemble(session, first, by=by, at=AT)
    assert _refused(lambda: agendas.restore(session, research, by=by, at=AT)) == "agenda.not_taken_off"
    agendas.take_off(session, again, by=by, at=AT)
    assert len(agendas.off_of(session, first)) == 1


def test_nothing_is_asked_for_late_of_a_meeting_that_is_over(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    _freeze(session, cast, first, EVE)
    schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=EVE)

    def ask() -> object:
        return agenda_requests.request(
            session, "clinical", title_fr="Horaire", title_en="", meeting_id=first, late_reason="Urgent", by=by, at=EVE
        )

    assert _refused(ask) == "agenda.meeting_over"


@pytest.mark.ci
def test_a_second_representative_who_has_the_agenda_hears_once_that_its_meeting_is_moved_or_is_off(
    cast: Cast, session: Session
) -> None:
    first, by, who = meeting(session, FIRST), cast.actor("coordinator"), cast.people["deputy"]

    def heard(written: tuple[PersonalNews, ...]) -> list[str]:
        assert len({one.person_id for one in written}) == len(written), "one letter each"
        return [one.kind for one in written if one.person_id == who]

    assert heard(schedule.move_meeting(session, first, MONDAY, by=by, at=DRAFTED)) == [], "who has no papers of it"
    _circulate(session, cast, first, EVE)
    assert len(_sent_to(session, cast, "deputy")) == 1
    assert heard(schedule.change_place(session, first, place="Salle B", by=by, at=EVE)) == []
    assert heard(schedule.move_meeting(session, first, MONDAY + timedelta(hours=4), by=by, at=EVE)) == ["moved"]
    assert heard(schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=EVE + timedelta(hours=1))) == [
        "cancelled"
    ]
    rows = select(_notice.c.subject).where(_notice.c.person_id == who, _notice.c.template == "meeting_papers")
    moved, off = (" ".join(one.split()) for one in session.scalars(rows.order_by(_notice.c.n)))
    assert (moved, off) == (
        "Changement : Comité clinique, lundi 7 décembre 2026 à 13 h 30",
        "Annulation : Comité clinique, lundi 7 décembre 2026 à 13 h 30",
    )


def _papers_to(session: Session, cast: Cast, name: str) -> list[str]:
    """The subjects of the letters about meetings to somebody, in their order."""
    rows = select(_notice.c.subject).where(_notice.c.person_id == cast.people[name], _notice.c.thread != "")
    return [" ".join(one.split()) for one in session.scalars(rows.order_by(_notice.c.n))]


@pytest.mark.ci
def test_what_was_off_or_over_is_no_news_to_who_has_the_agenda(cast: Cast, session: Session) -> None:
    first, by = meeting(session, FIRST), cast.actor("coordinator")
    second = meeting(session, FIRST + timedelta(weeks=1))
    _freeze(session, cast, first, EVE)
    _freeze(session, cast, second, datetime(2026, 12, 8, 15, 0, tzinfo=AT.tzinfo))
    schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=EVE)
    off = _papers_to(session, cast, "second_deputy")[-1]
    told = schedule.change_hour(
        session, surely(read_meeting(session, second).series_id), since=FIRST, hour=time(14), by=by, at=EVE + HOUR
    )
    assert [one.starts.date() for one in told if one.person_id == cast.people["second_deputy"]] == [SECOND]
    assert _papers_to(session, cast, "second_deputy") == [
        off,
        "Changement : Comité clinique, mercredi 9 décembre 2026 à 14 h",
    ]
    after = datetime(2026, 12, 12, 15, 0, tzinfo=AT.tzinfo)
    assert schedule.cancel_meeting(session, second, reason="Tempête", by=by, at=after) == ()


@pytest.mark.ci
def test_who_has_other_news_of_an_act_reads_in_the_same_letter_of_the_meeting_whose_agenda_they_have(
    cast: Cast, session: Session
) -> None:
    first, second, by = meeting(session, FIRST), meeting(session, SECOND), cast.actor("coordinator")
    who = cast.people["deputy"]
    _freeze(session, cast, first, EVE)
    answers.answer(
        session, second, cast.people["worker_em"], "declined", means="page", alternate_id=who,
        by=cast.actor("worker_em"), at=EVE,
    )  # fmt: skip
    before = len(letters(session))
    series = read_meeting(session, first).series_id
    told = schedule.change_hour(session, surely(series), since=FIRST, hour=time(14), by=by, at=EVE + HOUR)
    (ours,) = (one for one in letters(session)[before:] if one.person_id == who)
    assert "Au lieu du mercredi 2 décembre 2026 à 9 h 30 : mercredi 2 décembre 2026 à 14 h" in " ".join(
        ours.text.split()
    )
    assert letters_in(told) == len(letters(session)) - before
    # Who was expected on the day to which it was moved, and is not on the day to which it comes back, has its papers.
    session.execute(
        update(_holder)
        .where(
            _holder.c.person_id == cast.people["worker_em"], _holder.c.seat_id == seat(session, "clinical", "en-marge")
        )
        .values(ends_on=FIRST)
    )
    schedule.move_meeting(session, first, MONDAY, by=by, at=EVE + 2 * HOUR)
    before = len(letters(session))
    schedule.move_meeting(session, first, datetime.combine(FIRST, time(10)), by=by, at=EVE + 3 * HOUR)
    (ours,) = (one for one in letters(session)[before:] if one.person_id == who)
    words = " ".join(ours.text.split())
    assert "Au lieu du lundi 7 décembre 2026 à 9 h 30 : mercredi 2 décembre 2026 à 10 h" in words
    assert "vous n’êtes plus attendu·e" in words
    assert "Vous avez aussi reçu l’ordre du jour d’une rencontre. Voici ce qui a changé." in words
    subject = " ".join(ours.subject.split())
    assert subject == "Vous n’êtes plus attendu·e : Comité clinique, lundi 7 décembre 2026 à 9 h 30", (
        "and that day once"
    )


@pytest.mark.ci
@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        (
            "fr",
            (
                "Nouvel horaire : Comité clinique, mercredi 9 décembre 2026 à 14 h; "
                "ordre du jour du mercredi 2 décembre 2026 à 9 h 30"
            ),
            "Vous avez aussi reçu l’ordre du jour d’une rencontre. Voici ce qui a changé.",
        ),
        (
            "en",
            (
                "Another hour: Clinical Committee, Wednesday, December 9, 2026 at 2:00 p.m.; "
                "agenda of Wednesday, December 2, 2026 at 9:30 a.m."
            ),
            "You also received the agenda of a meeting. This has changed.",
        ),
    ],
)
def test_the_subject_names_the_day_of_the_agenda_too_of_which_the_letter_tells(
    cast: Cast, session: Session, language: str, subject: str, said: str
) -> None:
    first, second, by = meeting(session, FIRST), meeting(session, SECOND), cast.actor("coordinator")
    who, other = cast.people["deputy"], cast.people["worker_em"]
    session.execute(update(_person).where(_person.c.id == who).values(language=language))
    _freeze(session, cast, first, EVE)
    answers.answer(
        session, second, other, "declined", means="page", alternate_id=who, by=cast.actor("worker_em"), at=EVE
    )
    series = read_meeting(session, first).series_id
    schedule.change_hour(session, surely(series), since=FIRST, hour=time(14), by=by, at=EVE + HOUR)
    ours = [one for one in letters(session) if one.person_id == who][-1]
    assert " ".join(ours.subject.split()) == subject
    assert said in " ".join(ours.text.split())


@pytest.mark.ci
def test_who_has_the_agenda_and_no_address_any_more_stands_in_the_coordinators_own_letter(
    cast: Cast, session: Session
) -> None:
    first, by, who = meeting(session, FIRST), cast.actor("coordinator"), cast.people["deputy"]
    _freeze(session, cast, first, EVE)
    session.execute(update(_person).where(_person.c.id == who).values(email=None))
    before = session.scalars(select(func.count()).select_from(_notice)).one()
    told = schedule.move_meeting(session, first, MONDAY, by=by, at=EVE + HOUR)
    assert session.scalars(select(func.count()).select_from(_notice)).one() - before == letters_in(told)
    (ours,) = (one for one in letters(session)[-letters_in(told) :] if one.person_id == cast.people["coordinator"])
    assert f"/people/{who}" in ours.text


@pytest.mark.ci
def test_who_was_named_in_the_letter_of_an_act_is_named_of_the_agenda_too_and_then_not_for_thirty_days(
    cast: Cast, session: Session
) -> None:
    first, by, page = meeting(session, FIRST), cast.actor("coordinator"), f"/people/{cast.people['police']}"
    session.execute(update(_person).where(_person.c.id == cast.people["police"]).values(email=None))

    def named() -> list[str]:
        return [one for one in _sent_to(session, cast, "coordinator", "no_address") if page in one]

    for hours in (1, 2):
        schedule.move_meeting(session, first, MONDAY + hours * HOUR, by=by, at=AT + hours * HOUR)
        assert page in _sent_to(session, cast, "coordinator", "meeting_changed")[-1]
    assert named() == []
    _circulate(session, cast, first, SUNDAY - 24 * HOUR)
    (ours,) = named()
    assert "pas reçu cet avis : « Projet d’ordre du jour" in ours
    assert "Nous ne vous en reparlerons pas avant 30 jours" in ours
    _freeze(session, cast, first, SUNDAY)
    schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=SUNDAY)
    assert page in _sent_to(session, cast, "coordinator", "meeting_cancelled")[-1], "of each act anew"
    assert len(named()) == 1, "and of other notices as that letter said"


@pytest.mark.ci
def test_who_has_the_agenda_reads_that_it_no_longer_counts_where_another_one_comes(
    cast: Cast, session: Session
) -> None:
    first, by = meeting(session, FIRST), cast.actor("coordinator")
    _freeze(session, cast, first, EVE)
    said = []
    for hours, starts in ((1, datetime.combine(FIRST, time(14))), (2, MONDAY)):
        told = schedule.move_meeting(session, first, starts, by=by, at=EVE + hours * HOUR)
        assert {one.starts for one in told if one.person_id == cast.people["deputy"]} == {starts}
        last = [one for one in letters(session) if one.person_id == cast.people["deputy"]][-1]
        said.append("n’est plus valide" in last.text)
    assert said == [False, True]
