"""The cases before the Clinical Committee: what a worker raises, what is said, and how many minutes they are given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.accompaniment import states
from domain.casework import asking
from domain.follow_ups import COME_BACK, Issue, assigning, issues, processes
from domain.kernel import Refusal
from meetings import assembling, caseloads, discussing, running, schedule
from meetings.agenda_drawing import draw
from meetings.agenda_items import items_of
from meetings.agenda_rules import TURN
from meetings.committees import committees
from meetings.discussing import Said
from meetings.locking import read_meeting
from models.base import table_of
from models.casework import Task
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, followed, row_of
from tests.meetings.clinic import NEXT_LOCAL, NOW, clinic_of, prepare_clinic
from tests.refusing import refused

_task = table_of(Task)
WORDS = "Her rent is due and she speaks of going back."


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which agreements are in force and two clinics are planned."""
    arranged(cast, prepare_clinic)
    with cast.session() as made:
        yield made


def _raise(session: Session, cast: Cast, follow_up_id: UUID, words: str = WORDS, *, urgent: bool = False) -> int:
    said = Issue(words, urgent=urgent)
    return issues.raise_issue(session, follow_up_id, said, by=cast.actor(WORKER), at=AT)


def _sits(session: Session, cast: Cast) -> UUID:
    here = clinic_of(session)
    running.open_meeting(session, here, by=cast.actor("coordinator"), at=NOW)
    return here


def _discuss(session: Session, cast: Cast, here: UUID, case: UUID, outcome: str, said: Said | None = None) -> int:
    return discussing.discuss(session, here, case, outcome, said or Said(), by=cast.actor("coordinator"), at=NOW)


def _line(session: Session, case: UUID, here: UUID | None = None) -> caseloads.CaseLine:
    return next(one for one in caseloads.case_lines(session, TODAY, here) if one.row.id == case)


def _words_of(session: Session, cast: Cast, row: object, case: UUID) -> str:
    who = row_of(session, case)["participant_id"]
    assert row is not None
    return issues.read_issue(session, row, who, ground="part", by=cast.actor(WORKER), at=NOW)  # type: ignore[arg-type]


def test_what_a_worker_raises_waits_until_a_sitting_has_spoken_of_it(session: Session, cast: Cast) -> None:
    case = followed(session, cast)
    other = followed(session, cast, "#2026-02", worker=SECOND)
    assert _line(session, case).brought is None
    _raise(session, cast, case, urgent=True)
    line = _line(session, case)
    assert (line.is_urgent, _words_of(session, cast, line.brought, case)) == (True, WORDS)
    here = _sits(session, cast)
    _discuss(session, cast, here, case, "goes_on")
    assert issues.waiting(session, [case, other]) == {}
    assert _words_of(session, cast, _line(session, case, here).brought, case) == WORDS, "who sits reads it still"
    assert _line(session, case).brought is None, "and the next sitting has it no more"


def test_a_case_that_comes_back_keeps_what_was_raised_also_where_that_is_corrected(
    session: Session, cast: Cast
) -> None:
    case = followed(session, cast)
    _raise(session, cast, case)
    here = _sits(session, cast)
    _discuss(session, cast, here, case, "comes_back")
    assert _words_of(session, cast, issues.waiting(session, [case])[case], case) == WORDS
    _discuss(session, cast, here, case, "changes")
    assert issues.waiting(session, [case]) == {}
    _discuss(session, cast, here, case, "comes_back")
    assert _words_of(session, cast, issues.waiting(session, [case])[case], case) == WORDS
    assert _line(session, case, here).said is not None


def test_a_newer_issue_is_not_written_over_by_one_that_comes_back(session: Session, cast: Cast) -> None:
    case = followed(session, cast)
    _raise(session, cast, case)
    here = _sits(session, cast)
    _discuss(session, cast, here, case, "goes_on")
    _raise(session, cast, case, "Something else since.")
    _discuss(session, cast, here, case, "comes_back")
    assert _words_of(session, cast, issues.waiting(session, [case])[case], case) == "Something else since."


def test_two_who_write_one_issue_are_told_apart(session: Session, cast: Cast) -> None:
    case = followed(session, cast)
    by = cast.actor(WORKER)
    first = issues.raise_issue(session, case, Issue("One."), by=by, at=AT, seen=0)
    with refused("issue.changed"):
        issues.raise_issue(session, case, Issue("Other."), by=by, at=AT, seen=0)
    with refused("issue.missing"):
        issues.raise_issue(session, case, Issue(" \u200b"), by=by, at=AT, seen=first)
    issues.take_issue_back(session, case, by=by, at=AT, seen=first)
    with refused("issue.none"):
        issues.take_issue_back(session, case, by=by, at=AT)


def test_a_case_is_recorded_in_a_sitting_of_the_clinical_committee_alone(session: Session, cast: Cast) -> None:
    case = followed(session, cast)
    here = clinic_of(session)
    with refused("case.not_under_way"):
        _discuss(session, cast, here, case, "goes_on")
    _sits(session, cast)
    with refused("case.outcome"):
        _discuss(session, cast, here, case, "")
    seen = _discuss(session, cast, here, case, "goes_on")
    with refused("discussion.changed"):
        discussing.discuss(session, here, case, "changes", Said(), by=cast.actor("coordinator"), at=NOW, seen=0)
    assert _line(session, case, here).said.version == seen  # type: ignore[union-attr]
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
    with refused("case.not_under_way"):
        _discuss(session, cast, here, case, "changes")


def test_what_follows_is_a_task_of_the_worker_by_a_day_and_another_day_another_task(
    session: Session, cast: Cast
) -> None:
    case = followed(session, cast)
    here = _sits(session, cast)
    week = TODAY + timedelta(days=9)
    with refused("case.due.missing"):
        _discuss(session, cast, here, case, "changes", Said(follows="Call the landlord."))
    _discuss(session, cast, here, case, "changes", Said("Heard.", "Call the landlord.", week))
    _discuss(session, cast, here, case, "changes", Said("Heard.", "Call them.", week + timedelta(days=1)))
    rows = session.execute(
        select(_task.c.state, _task.c.title_en).where(_task.c.step == COME_BACK).order_by(_task.c.due_on)
    ).all()
    assert [row.state for row in rows] == ["cancelled", "open"]
    assert {row.title_en for row in rows} == {"Come back on #2026-01, as the Clinical Committee asked"}
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
    later, wednesday = NOW + timedelta(days=7), clinic_of(session, NEXT_LOCAL)
    running.open_meeting(session, wednesday, by=cast.actor("coordinator"), at=later)
    discussing.discuss(
        session,
        wednesday,
        case,
        "goes_on",
        Said(due_on=week + timedelta(days=7)),
        by=cast.actor("coordinator"),
        at=later,
    )
    states = session.execute(select(_task.c.state).where(_task.c.step == COME_BACK)).scalars()
    assert sorted(states) == ["cancelled", "cancelled", "open"], "one task a case, by the last day that was said"
    row = discussing.discussions_of(session, case)[-1]
    who = row_of(session, case)["participant_id"]
    told = discussing.read_said(session, row, who, ground="part", by=cast.actor(WORKER), at=NOW)
    assert told == Said("Heard.", "Call them.", week + timedelta(days=1))


def test_what_follows_is_owed_by_whoever_takes_over_the_follow_up_and_else_by_the_coordination(
    session: Session, cast: Cast
) -> None:
    case = followed(session, cast)
    week = TODAY + timedelta(days=9)
    _discuss(session, cast, _sits(session, cast), case, "changes", Said(due_on=week))
    by = cast.actor("coordinator")

    def owed_by() -> tuple[object, object, object]:
        (one,) = asking.open_ones(session, COME_BACK, case)
        return one.links[0].role, one.links[0].person, one.due_on

    assert owed_by() == ("youth_worker", cast.people[WORKER], week)
    assigning.assign_worker(session, case, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=NOW)
    assert owed_by() == ("youth_worker", cast.people[SECOND], week)
    assigning.end_part(session, case, cast.people[SECOND], by=by, at=NOW)
    assert owed_by() == ("coordinator", None, week), "and not by a worker who no longer accompanies the participant"


def test_a_turn_in_which_a_case_was_recorded_is_treated_and_the_others_are_carried_over(
    session: Session, cast: Cast
) -> None:
    here = clinic_of(session)
    by = cast.actor("coordinator")
    assembling.assemble(session, here, by=by, at=AT)
    _discuss(session, cast, _sits(session, cast), followed(session, cast), "goes_on")
    with refused("meeting.untreated"):
        running.close_meeting(session, here, by=by, at=NOW)
    turns = [one for one in items_of(session, here) if one.kind == TURN]
    (heard,) = discussing.turns_heard(session, read_meeting(session, here))
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW)
    became = {one.id: one.outcome for one in items_of(session, here) if one.kind == TURN}
    assert became == {one.id: "treated" if one.id == heard else "carried" for one in turns}


def test_a_turn_takes_its_minutes_by_how_many_cases_and_how_urgent(session: Session, cast: Cast) -> None:
    here = clinic_of(session)

    def planned() -> dict[str, int]:
        meeting = read_meeting(session, here)
        committee = committees(session)[meeting.committee_id]
        return {one.title_en.rpartition("– ")[2]: one.minutes for one in draw(session, committee, meeting, at=AT)
                if one.kind == "turn"}  # fmt: skip

    assert set(planned().values()) == {5}
    case = followed(session, cast)
    followed(session, cast, "#2026-02")
    followed(session, cast, "#2026-03", worker=SECOND)
    assert sorted(planned().values()) == [5, 5, 7, 9]
    _raise(session, cast, case, urgent=True)
    assert sorted(planned().values()) == [5, 5, 7, 13]


def test_the_processes_of_a_week_are_marked_and_marked_anew(session: Session, cast: Cast) -> None:
    case, by = followed(session, cast), cast.actor(WORKER)
    week = TODAY - timedelta(days=TODAY.weekday())
    seen = processes.mark_processes(session, case, week, ["focus", "planning"], by=by, at=AT, seen=0)
    with refused("process.changed"):
        processes.mark_processes(session, case, week, [], by=by, at=AT, seen=0)
    for wrong in (week + timedelta(days=1), week + timedelta(days=7), week - timedelta(days=70)):
        with pytest.raises(Refusal, match=r"week\.malformed"):
            processes.mark_processes(session, case, wrong, [], by=by, at=AT)
    with refused("process.malformed"):
        processes.mark_processes(session, case, week, ["closing"], by=by, at=AT)
    processes.mark_processes(session, case, week, ["evocation"], by=by, at=AT, seen=seen)
    (mark,) = processes.marks_of(session, [case], since=week)
    assert (mark.relationship, mark.focus, mark.evocation, mark.planning) == (False, False, True, False)


def test_news_of_the_inactive_says_what_changed_since_the_committee_last_met(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    case, other = followed(session, cast), followed(session, cast, "#2026-02")
    here = clinic_of(session)
    meeting = read_meeting(session, here)
    assert caseloads.inactive_lines(session, meeting.committee_id, meeting) == []
    states.deactivate(session, case, "withdrew", by=by, at=AT)
    lines = caseloads.inactive_lines(session, meeting.committee_id, meeting)
    assert [(one.row.number, one.changed) for one in lines] == [("#2026-01", True)]
    _sits(session, cast)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW)
    following = read_meeting(session, clinic_of(session, meeting.starts + timedelta(days=7)))
    states.deactivate(session, other, "needs_beyond_program", by=by, at=NOW + timedelta(hours=1))
    lines = caseloads.inactive_lines(session, meeting.committee_id, following)
    assert [(one.row.number, one.changed) for one in lines] == [("#2026-02", True), ("#2026-01", False)]


def test_a_sitting_that_spoke_of_a_case_is_not_taken_back_so_that_no_words_are_left_of_a_meeting_that_was_none(
    session: Session, cast: Cast
) -> None:
    case, here, by = followed(session, cast), _sits(session, cast), cast.actor("coordinator")
    _discuss(session, cast, here, case, "goes_on")
    with refused("meeting.recorded"):
        running.put_back(session, here, by=by, at=NOW)
    with refused("meeting.state"):
        schedule.cancel_meeting(session, here, reason="Tempête", by=by, at=NOW)
