"""What a departure does to meetings: whose invitations end, who is invited, and the summaries on an agenda."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from domain.casework import cases, tasks
from domain.follow_ups import summaries
from domain.follow_ups.summaries import Summary
from domain.kernel.rows import every, of
from domain.people import absences
from flows.departing import close_doors, look_at_hands
from flows.engine import Means
from meetings import agendas, answers, freezing, invitations, running, schedule
from meetings.agenda_items import item_of
from meetings.invitees import invited_to
from models.agenda import AgendaItem
from models.base import table_of
from models.meeting import Meeting, MeetingGuest
from tests.cast import AT, LOADING, TODAY, Arranged, Cast
from tests.departing import asked, leave, lend, record_protocols, roles, settle
from tests.flows.support import Clock, carry_all, means_of
from tests.following import SECOND, WORKER, agreed, followed
from tests.meetings.clinic import NOW, clinic_of, prepare_clinic
from tests.meetings.sitting import give, letters

ITEM, MEETING, GUEST = table_of(AgendaItem), table_of(Meeting), table_of(MeetingGuest)
BEFORE = datetime(2026, 12, 2, 9, 0)  # noqa: DTZ001 - a wall time of the program
AFTER = datetime(2026, 12, 16, 9, 0)  # noqa: DTZ001 - a wall time of the program
LEAVER = "manager_em"


@pytest.fixture
def program(cast: Cast) -> Cast:
    """Two meetings of the Steering Committee, one on each side of the leaver's last day; everybody was invited."""
    record_protocols(cast)
    with cast.session() as session:
        give(session, cast, "steering", "en-marge", LEAVER, "principal")
        give(session, cast, "steering", "codim", "manager_codim", "principal")
        schedule.plan_meetings(session, "steering", [BEFORE, AFTER], by=cast.actor("coordinator"), at=AT)
        invitations.tell_all(session, at=AT)
    return cast


def told(cast: Cast, since: int) -> Counter[tuple[str, str, date]]:
    """What calendars were told after so many letters: to whom, the method, and of which day."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        sent = letters(session)[since:]
        return Counter(
            (names[one.person_id], str(file["method"]), event["dtstart"].dt.date())  # type: ignore[union-attr]
            for one in sent
            for file in one.calendars
            for event in file.walk("VEVENT")
        )


def count(cast: Cast) -> int:
    with cast.session() as session:
        return len(letters(session))


@pytest.mark.ci
def test_the_old_holder_is_called_off_what_comes_after_and_the_new_one_invited_to_it_alone(program: Cast) -> None:
    means, before = means_of(program, Clock()), count(program)
    case_id = leave(program, LEAVER, "en-marge")
    carry_all(means)
    (seat,) = asked(program, case_id, "pass_on_seats")
    settle(program, seat.id, to="deputy")
    carry_all(means)
    assert told(program, before) == Counter(
        {(LEAVER, "CANCEL", AFTER.date()): 1, ("deputy", "REQUEST", AFTER.date()): 1}
    )
    done = count(program)
    carry_all(means)
    look_at_hands(means)
    assert count(program) == done, "nobody is told twice"


@pytest.mark.ci
def test_after_the_last_day_the_second_representative_is_invited_where_nobody_took_the_seat(program: Cast) -> None:
    clock = Clock()
    means = means_of(program, clock)
    leave(program, LEAVER, "en-marge")
    carry_all(means)
    since = count(program)
    clock.now = AT + timedelta(days=15)
    close_doors(means)
    carry_all(means)
    found = told(program, since)
    assert found[("deputy", "REQUEST", AFTER.date())] == 1
    assert not [one for one in found if one[2] == BEFORE.date()], "what is over is told of to nobody"
    assert not [one for one in found if one[0] == "manager_codim"]
    everything = told(program, 0)
    assert everything[(LEAVER, "CANCEL", AFTER.date())] == 1
    assert everything[(LEAVER, "CANCEL", BEFORE.date())] == 0


@pytest.mark.ci
def test_of_who_has_gone_already_every_meeting_to_come_is_called_off_at_once(program: Cast) -> None:
    means, before = means_of(program, Clock()), count(program)
    leave(program, LEAVER, "en-marge", last_day=TODAY, planned=False)
    carry_all(means)
    found = told(program, before)
    assert found[(LEAVER, "CANCEL", BEFORE.date())] == found[(LEAVER, "CANCEL", AFTER.date())] == 1
    assert found[("deputy", "REQUEST", BEFORE.date())] == found[("deputy", "REQUEST", AFTER.date())] == 1
    assert (LEAVER, "REQUEST") not in {one[:2] for one in found}


# Whoever comes without a seat of their own.


def as_a_guest(session: Session, cast: Cast, meeting_id: UUID) -> tuple[str, str]:
    schedule.invite_guest(session, meeting_id, cast.people["worker_codim"], by=cast.actor("coordinator"), at=AT)
    return "worker_codim", "codim"


def as_a_named_alternate(session: Session, cast: Cast, meeting_id: UUID) -> tuple[str, str]:
    give(session, cast, "steering", "en-marge", "deputy", "alternate")
    who, by = cast.people["deputy"], cast.actor(LEAVER)
    answers.answer(session, meeting_id, cast.people[LEAVER], "declined", means="page", alternate_id=who, by=by, at=AT)
    return "deputy", "en-marge"


def as_a_deputy(session: Session, cast: Cast, _: UUID) -> tuple[str, str]:
    day, who = AFTER.date(), cast.people["manager_la"]
    absences.record_absence(
        session,
        person_id=cast.people[LEAVER],
        starts_on=day,
        ends_on=day,
        deputy_id=who,
        by=cast.actor("coordinator"),
        at=AT,
    )
    invitations.tell_all(session, at=AT)
    return "manager_la", "anonyme"


def meeting_after(session: Session) -> UUID:
    found: UUID = session.scalars(select(MEETING.c.id).where(MEETING.c.starts == AFTER)).one()
    return found


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("called", [as_a_guest, as_a_named_alternate, as_a_deputy])
def test_whom_no_seat_of_their_own_calls_is_called_off_on_the_last_day_too_and_called_no_more(
    program: Cast, called: Callable[[Session, Cast, UUID], tuple[str, str]]
) -> None:
    clock = Clock()
    means = means_of(program, clock)
    with program.session() as session:
        who, place = called(session, program, meeting_after(session))
    leave(program, who, place)
    assert told(program, 0)[(who, "REQUEST", AFTER.date())] == 1
    since = count(program)
    clock.now = AT + timedelta(days=15)
    close_doors(means)
    assert Counter(one for one in told(program, since).elements() if one[0] == who) == Counter(
        {(who, "CANCEL", AFTER.date()): 1}
    )
    with program.session() as session:
        (row,) = every(session, of(Meeting).where(Meeting.starts == AFTER))
        assert program.people[who] not in invited_to(session, row)


def test_an_invitation_that_somebody_takes_back_says_under_which_hat(program: Cast) -> None:
    with program.session() as session:
        who, place = as_a_guest(session, program, meeting_after(session))
    (guest,) = asked(program, leave(program, who, place), "take_back_invitations")
    settle(program, guest.id, ended="not_invited")
    with program.session() as session:
        assert session.scalars(select(GUEST.c.withdrawn_by)).all() == ["coordinator"]


# Summaries.


def items(cast: Cast) -> list[tuple[str, str]]:
    with cast.session() as session:
        rows = session.execute(
            select(ITEM.c.subject, ITEM.c.state).where(ITEM.c.kind == "follow_up_summary").order_by(ITEM.c.subject)
        )
        return [(row.subject, row.state) for row in rows]


def write(cast: Cast, case_id: UUID, at: datetime = AT, *, who: str = WORKER) -> None:
    """The leaver writes every summary that is asked for."""
    for row in asked(cast, case_id, "write_summary"):
        if row.state == "open":
            with cast.session() as session:
                said = Summary("Elle habite chez sa tante.", "Elle a appelé l’école.")
                summaries.complete_summary(session, row.id, said, by=cast.actor(who), at=at)


@pytest.mark.ci
def test_a_summary_is_on_the_clinical_committees_agenda_by_number_once_it_is_written(cast: Cast) -> None:
    """DP-06."""
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
        followed(session, cast, "#2026-01")
        followed(session, cast, "#2026-02")
        followed(session, cast, "#2026-03", worker=SECOND)
    clock = Clock()
    means = means_of(cast, clock)
    case_id = leave(cast, WORKER, "ccsmtl")
    carry_all(means)
    assert items(cast) == []
    clock.pass_by(minutes=1)
    write(cast, case_id, clock.now)
    carry_all(means)
    assert items(cast) == [("#2026-01", "pool"), ("#2026-02", "pool")]
    assert [row.state for row in asked(cast, case_id, "put_summaries_on_agenda")] == ["done"]
    with cast.session() as session:
        titles = session.scalars(select(ITEM.c.title_fr).where(ITEM.c.kind == "follow_up_summary")).all()
    assert all(title.startswith("#2026-0") for title in titles)


@pytest.mark.ci
def test_a_summary_of_a_follow_up_that_arrives_late_is_on_the_agenda_too_and_none_comes_back(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
    clock = Clock()
    means = means_of(cast, clock)
    case_id = leave(cast, WORKER, "ccsmtl", last_day=TODAY + timedelta(days=60))
    carry_all(means)
    assert [row.state for row in asked(cast, case_id, "put_summaries_on_agenda")] == ["done"]
    with cast.session() as session:
        follow_up = followed(session, cast, "#2026-09", worker=SECOND)
        # As a program that is taken over brings it: no verb gives a follow-up to somebody who leaves.
        session.execute(
            text("update assignment set person_id = :who, organization_id = :place where follow_up_id = :id"),
            {"who": cast.people[WORKER], "place": cast.organizations["ccsmtl"], "id": follow_up},
        )
    clock.pass_by(minutes=1)
    look_at_hands(means)
    write(cast, case_id, clock.now)
    carry_all(means)
    assert [(row.state, row.done_at) for row in asked(cast, case_id, "write_summary")] == [("done", clock.now)]
    assert items(cast) == [("#2026-09", "pool")]
    with cast.session() as session:
        agendas.withdraw(session, "clinical", "follow_up_summary", "#2026-09", by=LOADING, at=clock.now)
    clock.pass_by(hours=1)
    look_at_hands(means)
    carry_all(means)
    assert len(items(cast)) == 1, "what the committee has dealt with is not put before it again"


def before_the_clinic(cast: Cast, means: Means) -> UUID:
    """A departure whose one summary is written, and waits for the Clinical Committee."""
    with cast.session() as session:
        followed(session, cast, "#2026-01", second=SECOND)
    case_id = leave(cast, WORKER, "ccsmtl")
    carry_all(means)
    write(cast, case_id, means.clock())
    carry_all(means)
    assert items(cast) == [("#2026-01", "pool")]
    return case_id


def correct(cast: Cast, case_id: UUID, clock: Clock, *, who: str = WORKER) -> None:
    """The leaver takes the summary back and writes it anew."""
    clock.pass_by(minutes=10)
    (row,) = asked(cast, case_id, "write_summary")
    with cast.session() as session:
        summaries.take_back(session, row.id, reason="Une erreur", by=cast.actor(who), at=clock.now)
    clock.pass_by(minutes=10)
    write(cast, case_id, clock.now, who=who)


def asking(cast: Cast, case_id: UUID) -> list[str]:
    return [row.state for row in asked(cast, case_id, "put_summaries_on_agenda")]


def on_the_clinic(cast: Cast) -> UUID:
    """Have the clinic of Wednesday have the summary on its agenda, frozen; the item."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        found: UUID = session.scalars(select(ITEM.c.id).where(ITEM.c.kind == "follow_up_summary")).one()
        agendas.put_on(session, found, clinic_of(session), by=by, at=AT)
        freezing.freeze(session, clinic_of(session), by=by, at=AT)
    return found


def they_talk_of_it(cast: Cast, item_id: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
        running.treat(session, item_id, "treated", by=by, at=NOW)


def it_is_withdrawn(cast: Cast, item_id: UUID) -> None:
    with cast.session() as session:
        agendas.withdraw_item(session, item_id, by=cast.actor("coordinator"), at=NOW)


@pytest.mark.parametrize("dealt_with", [they_talk_of_it, it_is_withdrawn])
@pytest.mark.ci
def test_a_summary_that_is_corrected_before_the_committee_deals_with_it_is_before_it_once_and_stays_asked_for(
    cast: Cast, arranged: Arranged[None], dealt_with: Callable[[Cast, UUID], None]
) -> None:
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    clock = Clock()
    means = means_of(cast, clock)
    case_id = before_the_clinic(cast, means)
    correct(cast, case_id, clock)
    carry_all(means)
    assert (asking(cast, case_id), items(cast)) == (["done"], [("#2026-01", "pool")])
    if dealt_with is they_talk_of_it:
        item_id = on_the_clinic(cast)
    else:
        with cast.session() as session:
            item_id = session.scalars(select(ITEM.c.id).where(ITEM.c.kind == "follow_up_summary")).one()
    dealt_with(cast, item_id)
    clock.now = NOW + timedelta(hours=1)
    look_at_hands(means)
    carry_all(means)
    assert (asking(cast, case_id), len(items(cast))) == (["done"], 1), "it is not put before them a second time"


@pytest.mark.ci
def test_a_summary_that_is_corrected_after_the_committee_talked_of_it_is_before_it_again(
    cast: Cast, arranged: Arranged[None]
) -> None:
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    clock = Clock()
    means = means_of(cast, clock)
    case_id = before_the_clinic(cast, means)
    they_talk_of_it(cast, on_the_clinic(cast))
    clock.now = NOW
    correct(cast, case_id, clock)
    carry_all(means)
    assert asking(cast, case_id) == ["done"]
    assert sorted(state for _, state in items(cast)) == ["pool", "settled"]


@pytest.mark.ci
def test_the_second_of_a_pair_who_leaves_while_the_first_ones_summary_waits_is_asked_for_by_the_same_item(
    cast: Cast, arranged: Arranged[None]
) -> None:
    """Also where it is on an agenda that is frozen, and its fact was said to hold no longer: it holds again."""
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    clock = Clock()
    means = means_of(cast, clock)
    before_the_clinic(cast, means)
    item_id = on_the_clinic(cast)
    with cast.session() as session:
        agendas.withdraw(session, "clinical", "follow_up_summary", "#2026-01", by=LOADING, at=clock.now)
        assert item_of(session, item_id).reasons.is_over
    clock.pass_by(hours=1)
    other = leave(cast, SECOND, "codim", at=clock.now)
    carry_all(means)
    write(cast, other, clock.now, who=SECOND)
    correct(cast, other, clock, who=SECOND)
    carry_all(means)
    assert (asking(cast, other), items(cast)) == (["done"], [("#2026-01", "scheduled")])
    with cast.session() as session:
        assert not item_of(session, item_id).reasons.is_over


# Endings, and beginnings again.


@pytest.mark.ci
def test_a_departure_that_is_reopened_after_its_close_asks_for_what_came_meanwhile(cast: Cast) -> None:
    record_protocols(cast)
    clock = Clock()
    means = means_of(cast, clock)
    case_id = leave(cast, "police", "spvm", last_day=TODAY, planned=False)
    carry_all(means)
    settle(cast, asked(cast, case_id, "find_successor")[0].id, ended="not_replaced", note="The post ends")
    for name in ("return_material", "replace_shared_credentials", "confirm_nothing_left"):
        for row in asked(cast, case_id, name):
            with cast.session() as session:
                tasks.complete_task(session, row.id, by=cast.actor("coordinator"), at=AT)
    carry_all(means)
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="A phone came to light")
    with cast.session() as session:
        lend(session, cast.people["police"], "SN-44")
    carry_all(means)
    look_at_hands(means)
    assert [row.state for row in asked(cast, case_id, "return_equipment")] == ["open"]
    assert roles(cast, "police") == [("police_representative", TODAY - timedelta(days=1))]
    with cast.session() as session, pytest.raises(Exception, match=r"departure\.in_hand"):
        cases.close_case(session, case_id, by=cast.actor("coordinator"), at=AT)
