"""An objection that is withdrawn, settled or made again, and decisions of another committee than settles them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.people import people
from domain.roles.roles import responsibility
from meetings import (
    agendas,
    assembling,
    attendance,
    decisions,
    freezing,
    objections,
    posting,
    running,
    schedule,
    settling,
)
from meetings.agenda_items import PresentedItem
from meetings.committees import committees
from meetings.endorsements import endorsements_of
from meetings.reasons import COULD_NOT_WAIT, in_words
from models.agenda import AgendaItem, ItemReason
from models.base import table_of
from models.casework import Link, Task
from models.minutes import Decision
from models.program import Tenure
from simulation.promises import broken
from tests.agreeing import code_of
from tests.cast import Cast
from tests.meetings.agenda_application import move
from tests.meetings.endorsed import asked_of, decide, numbers, promises_broken, say, session, stands, task_of, told
from tests.meetings.meeting_room import LOCAL, MINUTE, NEXT, NEXT_LOCAL, NOW, PRESENT, items, meeting, opened
from tests.meetings.sitting import seat

__all__ = ["session"]

_item = table_of(AgendaItem)
_decision = table_of(Decision)
_task = table_of(Task)
_tenure = table_of(Tenure)
DAY = timedelta(days=1)
LATER = NOW + timedelta(days=30)
#: A meeting of the committee between its two, and five minutes into it.
SPECIAL_LOCAL: Final = datetime(2027, 2, 24, 9, 0)
SPECIAL: Final = datetime(2027, 2, 24, 14, 5, tzinfo=UTC)


def _of_another_committee(session: Session, decision: object) -> None:
    """Have a decision be one that the Extended Committee took, on which the same partners are asked."""
    (extended,) = [one.id for one in committees(session).values() if one.key == "extended"]
    session.execute(
        update(_decision).where(_decision.c.id == decision).values(committee_id=extended, number="CE-2027-001")
    )


@pytest.mark.ci
def test_what_another_committee_decided_is_taken_back_where_its_objection_is_settled(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    _of_another_committee(session, decision)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    freezing.freeze(session, here, by=by, at=LATER + DAY)
    opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    settles = settling.settle(
        session, decision, here, settling.TAKEN_BACK, text_fr="Le comité y renonce.", by=by, at=NEXT + MINUTE
    )
    row = decisions.decision_of(session, decision)
    assert (row.state, row.withdrawn_by_id) == ("withdrawn", settles)
    assert promises_broken(session, NEXT + DAY) == []


@pytest.mark.ci
def test_who_says_meanwhile_that_it_endorses_does_not_object_anew_to_what_the_committee_settled(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    by = cast.actor("coordinator")
    settles = settling.settle(
        session, decision, meeting(session), settling.KEPT, text_fr="On la garde.", by=by, at=NOW + 2 * MINUTE
    )
    say(session, cast, decision, "en-marge", "endorsed", at=NOW + 3 * MINUTE)
    again = code_of(lambda: say(session, cast, decision, "en-marge", "objected", at=NOW + 4 * MINUTE))
    assert again == "objection.settled"
    assert stands(session, decision) == ("endorsed", True)
    number = decisions.decision_of(session, settles).number
    decide(session, cast, kind="other", at=NOW + 5 * MINUTE, takes_back=[number])
    say(session, cast, decision, "en-marge", "objected", at=NOW + 7 * MINUTE)
    assert stands(session, decision) == ("objected", False), "nothing settles it any more"


@pytest.mark.ci
def test_what_is_recorded_the_day_after_is_settled_at_the_hour_that_is_given(session: Session, cast: Cast) -> None:
    """Everybody has left by the end of that day; what was objected after that hour is not settled by it."""
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    by, here, after = cast.actor("coordinator"), meeting(session), NOW + DAY
    objections.bring_all(session, at=after)
    for organization in PRESENT:
        seat_id = seat(session, "steering", organization)
        (one,) = [one for one in attendance.attendance_of(session, here) if one.seat.id == seat_id]
        left_at = NOW + 50 * MINUTE
        attendance.record(session, here, seat_id, "present", by=by, at=after, seen=one.version, left_at=left_at)

    def settled(hour: datetime | None) -> UUID:
        return settling.settle(
            session, decision, here, settling.KEPT, text_fr="Oui.", decided_at=hour, by=by, at=after + MINUTE
        )

    assert code_of(lambda: settled(None)) == "objection.no_quorum"
    assert code_of(lambda: settled(NOW - MINUTE)) == "objection.none"
    settles = settled(NOW + 5 * MINUTE)
    assert decisions.decision_of(session, settles).decided_at == NOW + 5 * MINUTE


@pytest.mark.ci
@pytest.mark.parametrize("sits", [True, False])
def test_an_objection_that_is_taken_back_and_made_again_stands_on_a_frozen_agenda_as_one_that_holds(
    session: Session, cast: Cast, *, sits: bool
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    local = None if sits else NEXT_LOCAL
    at = NOW + MINUTE if sits else LATER
    say(session, cast, decision, "en-marge", "objected", at=at)
    if not sits:
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=cast.actor("coordinator"), at=at + MINUTE)

    def item() -> PresentedItem:
        on_it = items(session) if local is None else items(session, local)
        (found,) = [row for row in on_it if row.kind == "objection"]
        return found

    say(session, cast, decision, "en-marge", "", at=at + 2 * MINUTE)
    assert item().reasons.is_over
    say(session, cast, decision, "en-marge", "objected", at=at + 3 * MINUTE)
    assert not item().reasons.is_over
    assert "En Marge" in in_words(item().reasons, "fr")


def test_partners_see_what_was_decided_without_them_by_whichever_committee_and_not_what_is_clinical(
    session: Session, cast: Cast
) -> None:
    of_steering = decide(session, cast, kind="clinical")
    elsewhere = decide(session, cast, kind="other")
    _of_another_committee(session, elsewhere)
    since = NOW.date() - DAY
    assert numbers(decisions.not_to_endorse(session, since)) == ["CE-2027-001", "CD-2027-001"]
    session.execute(update(_decision).where(_decision.c.id == elsewhere).values(kind="clinical"))
    assert numbers(decisions.not_to_endorse(session, since)) == ["CD-2027-001"]
    assert decisions.decision_of(session, of_steering).number == "CD-2027-001"


def _leave(session: Session, cast: Cast, name: str) -> None:
    person = cast.people[name]
    held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == person)).one()
    people.end_tenure(session, held, ends_on=NOW.date(), by=cast.actor("coordinator"), at=NOW)


def test_of_a_partner_without_manager_and_director_the_second_representative_hears_of_an_objection(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    for name in ("manager_em", "director_em"):
        _leave(session, cast, name)
    say(session, cast, decision, "codim", "objected", at=NOW + DAY)
    assert "deputy" in told(session, cast, "decision_objected")


@pytest.mark.ci
def test_what_a_partner_says_answers_its_task_in_whosever_hands_a_departure_left_it(
    session: Session, cast: Cast
) -> None:
    """The coordinator had it, since nobody speaks for the partner, and left: somebody else took it over by name."""
    decision = decide(session, cast)
    asked = asked_of(session, decision)[str(cast.organizations["en-marge"])]
    theirs = Link("manager", str(cast.organizations["codim"]), person=cast.people["manager_codim"])
    chain = responsibility(session, [theirs, *asked["links"]])
    passed_on = {"owed_by_id": chain, "declared_owed_by_id": chain}
    session.execute(update(_task).where(_task.c.id == asked["id"]).values(passed_on))
    assert list(broken(session, NOW)) == []
    say(session, cast, decision, "codim", "endorsed")
    assert task_of(session, asked["id"])["state"] == "open", "it is not codim's"
    say(session, cast, decision, "en-marge", "endorsed")
    assert task_of(session, asked["id"])["state"] == "done"


def _of(session: Session, decision: object, local: datetime = NEXT_LOCAL) -> list[PresentedItem]:
    """The items of an objection to a decision on the agenda of a meeting."""
    return [row for row in items(session, local) if (row.kind, row.subject) == ("objection", str(decision))]


def _close(session: Session, cast: Cast, *, at: datetime) -> None:
    """End the sitting of the tests."""
    running.close_meeting(session, meeting(session), carry_rest=True, by=cast.actor("coordinator"), at=at)


def test_an_objection_comes_back_to_an_agenda_each_time_it_is_made_again_and_is_settled_there(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    _close(session, cast, at=NOW + 2 * MINUTE)
    for turn in range(3):
        say(session, cast, decision, "en-marge", "objected", at=LATER + 2 * turn * MINUTE)
        (item,) = _of(session, decision)
        assert in_words(item.reasons, "en").count("En Marge") == 1
        found = objections.stands_on(session, decision, at=LATER + 2 * turn * MINUTE)
        assert found is not None
        assert found.id == item.id
        if turn == 0:
            agendas.edit(session, item.id, minutes=45, by=by, at=LATER)
        assert _of(session, decision)[0].minutes == 45, "as the coordinator had it"
        if turn < 2:
            say(session, cast, decision, "en-marge", "", at=LATER + (2 * turn + 1) * MINUTE)
            assert _of(session, decision) == []
            assert objections.stands_on(session, decision, at=LATER + 2 * turn * MINUTE) is None, (
                "a withdrawn item is on no agenda"
            )
    freezing.freeze(session, here, by=by, at=LATER + DAY)
    opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    settling.settle(session, decision, here, settling.KEPT, text_fr="On la garde.", by=by, at=NEXT + MINUTE)
    assert stands(session, decision) == ("endorsed", True)


def _extraordinary(session: Session, cast: Cast, local: datetime = SPECIAL_LOCAL) -> UUID:
    """A meeting of the Steering Committee that was planned between the two of the season."""
    schedule.plan_meetings(session, "steering", [local], by=cast.actor("coordinator"), at=LATER - DAY)
    return meeting(session, local)


def test_an_objection_is_added_to_a_sitting_whose_agenda_nobody_froze_and_is_settled_there(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    here = _extraordinary(session, cast)
    opened(session, cast, *PRESENT, local=SPECIAL_LOCAL, at=SPECIAL)
    say(session, cast, decision, "en-marge", "objected", at=SPECIAL + MINUTE)
    (item,) = _of(session, decision, SPECIAL_LOCAL)
    assert (item.late, item.late_reason, item.number) == (True, COULD_NOT_WAIT, None)
    assert objections.item_that_sits(session, decision) is not None
    say(session, cast, decision, "en-marge", "", at=SPECIAL + 2 * MINUTE)
    assert _of(session, decision, SPECIAL_LOCAL) == []
    say(session, cast, decision, "en-marge", "objected", at=SPECIAL + 3 * MINUTE)
    assert len(_of(session, decision, SPECIAL_LOCAL)) == 1
    by = cast.actor("coordinator")
    settling.settle(session, decision, here, settling.KEPT, text_fr="Oui.", by=by, at=SPECIAL + 4 * MINUTE)
    say(session, cast, decision, "codim", "objected", at=SPECIAL + 5 * MINUTE)
    found = objections.stands_on(session, decision, at=SPECIAL + 5 * MINUTE)
    assert found is not None
    assert found.starts == NEXT_LOCAL, "this sitting settled what it had: another partner's is the next one's"
    running.close_meeting(session, here, carry_rest=True, by=by, at=SPECIAL + 9 * MINUTE)


@pytest.mark.ci
def test_what_sits_beyond_its_hour_has_an_objection_too(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected", at=NOW + timedelta(hours=4))
    assert len(_of(session, decision, LOCAL)) == 1


@pytest.mark.ci
def test_where_the_addendum_is_refused_an_objection_goes_on_the_next_meetings_agenda_at_once(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise Refusal("names.stopped", "It names somebody.")

    decision = decide(session, cast)
    monkeypatch.setattr(posting, "refuse_names", refuse)
    say(session, cast, decision, "en-marge", "objected")
    assert _of(session, decision, LOCAL) == []
    assert len(_of(session, decision)) == 1
    found = objections.stands_on(session, decision, at=NOW + MINUTE)
    assert found is not None
    assert found.starts == NEXT_LOCAL


@pytest.mark.ci
def test_what_was_settled_is_not_taken_up_again_here_while_a_later_agenda_has_it(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    by = cast.actor("coordinator")
    say(session, cast, decision, "en-marge", "objected")
    (item,) = _of(session, decision, LOCAL)
    running.treat(session, item.id, "treated", by=by, at=NOW + 2 * MINUTE)
    assembling.assemble(session, meeting(session, NEXT_LOCAL), by=by, at=NOW + 3 * MINUTE)
    assert len(_of(session, decision)) == 1
    again = code_of(lambda: running.treat(session, item.id, "", by=by, at=NOW + 4 * MINUTE))
    assert again == "item.open_elsewhere"


@pytest.mark.parametrize("sits", [False, True])
def test_an_objection_moves_to_a_meeting_that_is_planned_before_the_one_that_has_it(
    session: Session, cast: Cast, *, sits: bool
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER - 2 * DAY)
    (item,) = _of(session, decision)
    move(session, item.id, before=None, by=by, at=LATER - 2 * DAY)
    here = _extraordinary(session, cast)
    if sits:
        opened(session, cast, *PRESENT, local=SPECIAL_LOCAL, at=SPECIAL)
        say(session, cast, decision, "codim", "objected", at=SPECIAL + MINUTE)
    else:
        assembling.assemble(session, here, by=by, at=LATER)
    assert [row.id for row in _of(session, decision, SPECIAL_LOCAL)] == [item.id]
    assert _of(session, decision) == []
    assert [row.position for row in items(session, NEXT_LOCAL)] == list(range(1, 1 + len(items(session, NEXT_LOCAL))))
    assembling.assemble(session, meeting(session, NEXT_LOCAL), by=by, at=LATER + MINUTE)
    assert _of(session, decision) == [], "it stays before the first of them"


@pytest.mark.ci
@pytest.mark.parametrize("frozen", [False, True])
def test_an_objection_stays_on_an_agenda_that_is_frozen_and_before_a_meeting_that_is_to_come(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER - 2 * DAY)
    here = _extraordinary(session, cast)
    if frozen:
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=LATER)
    assembling.assemble(session, here, by=by, at=LATER if frozen else SPECIAL + DAY)
    assert len(_of(session, decision)) == 1
    assert _of(session, decision, SPECIAL_LOCAL) == []


@pytest.mark.ci
@pytest.mark.parametrize("again", [False, True])
def test_an_objection_on_an_agenda_that_is_opened_again_is_there_as_long_as_it_holds(
    session: Session, cast: Cast, *, again: bool
) -> None:
    """It was taken back once printed, and the meeting moved to another day: what is frozen anew does not have it."""
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    freezing.freeze(session, here, by=by, at=LATER)
    say(session, cast, decision, "en-marge", "", at=LATER + MINUTE)
    assert _of(session, decision)[0].reasons.is_over
    later = NEXT_LOCAL + DAY
    schedule.move_meeting(session, here, later, by=by, at=LATER + 2 * MINUTE)
    if again:
        say(session, cast, decision, "en-marge", "objected", at=LATER + 3 * MINUTE)
    else:
        assembling.assemble(session, here, by=by, at=LATER + 3 * MINUTE)
    found = _of(session, decision, later)
    assert len(found) == again
    assert not any(row.reasons.is_over for row in found)


@pytest.mark.parametrize(
    "words",
    [
        {"title_fr": "Divers", "title_en": "Sundry"},
        {"title_en": ""},
        {"audience": "partners"},
        {"purpose": "discussion"},
    ],
)
def test_nobody_makes_an_objections_item_say_something_else_or_keeps_it_from_who_may_read_it(
    session: Session, cast: Cast, words: dict[str, Any]
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    (item,) = _of(session, decision)
    assert code_of(lambda: agendas.edit(session, item.id, **words, by=by, at=LATER)) == "objection.item_stands"
    same: dict[str, Any] = {name: getattr(item, name) for name in ("title_fr", "title_en", "audience", "purpose")}
    agendas.edit(session, item.id, **same, minutes=25, by=by, at=LATER)
    assert _of(session, decision)[0].minutes == 25


@pytest.mark.ci
def test_an_objections_item_that_was_called_something_else_says_what_it_is_again(session: Session, cast: Cast) -> None:
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    (item,) = _of(session, decision)
    reasons = item.reasons.with_edited(["title_fr", "title_en", "minutes"])
    session.execute(
        update(_item)
        .where(_item.c.id == item.id)
        .values(title_fr="Divers", title_en="Sundry", minutes=5, reasons=reasons)
    )
    assembling.assemble(session, here, by=by, at=LATER + MINUTE)
    (now,) = _of(session, decision)
    assert (now.title_fr, now.title_en, now.minutes) == (item.title_fr, item.title_en, 5)


@pytest.mark.ci
def test_an_objections_item_that_another_committee_referred_is_not_taken_back_by_hand(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    (item,) = _of(session, decision)
    referred = ItemReason("referred", facts={"committee": {"fr": "Un", "en": "One"}, "day": "2027-02-01", "item": "1"})
    session.execute(update(_item).where(_item.c.id == item.id).values(reasons=[*item.reasons, referred]))
    assert code_of(lambda: agendas.withdraw_item(session, item.id, by=by, at=LATER)) == "agenda.objection_stays"


def _objected(session: Session, cast: Cast) -> UUID:
    """A decision that is objected to after the sitting closed: the objection stands on the next agenda."""
    decision = decide(session, cast)
    _close(session, cast, at=NOW + MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER - 2 * DAY)
    assert len(_of(session, decision)) == 1
    return decision


@pytest.mark.parametrize("frozen", [False, True])
def test_an_objection_goes_on_the_next_agenda_when_the_meeting_that_has_it_is_cancelled(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    by = cast.actor("coordinator")
    decision = _objected(session, cast)
    here = _extraordinary(session, cast)
    assembling.assemble(session, here, by=by, at=LATER)
    assert len(_of(session, decision, SPECIAL_LOCAL)) == 1
    if frozen:
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=LATER)
    schedule.cancel_meeting(session, here, reason="Tempête.", by=by, at=LATER + MINUTE)
    (item,) = _of(session, decision)
    assert (item.late, item.late_reason) == ((True, COULD_NOT_WAIT) if frozen else (False, ""))
    found = objections.stands_on(session, decision, at=LATER + MINUTE)
    assert found is not None
    assert found.starts == NEXT_LOCAL
    assert list(broken(session, LATER + DAY)) == []


@pytest.mark.parametrize("frozen", [False, True])
def test_an_objection_goes_on_the_next_agenda_when_the_meeting_that_has_it_is_moved_past_it(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    by = cast.actor("coordinator")
    decision = _objected(session, cast)
    here = _extraordinary(session, cast)
    assembling.assemble(session, here, by=by, at=LATER)
    if frozen:
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=LATER)
    past = NEXT_LOCAL + 7 * DAY
    schedule.move_meeting(session, here, past, by=by, at=LATER + MINUTE)
    assert _of(session, decision, past) == []
    (item,) = _of(session, decision)
    assert item.late is frozen


def test_an_objection_moves_with_its_meeting_that_is_moved_before_the_next_one(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    decision = _objected(session, cast)
    schedule.plan_meetings(session, "steering", [NEXT_LOCAL + 7 * DAY], by=by, at=LATER - DAY)
    schedule.move_meeting(session, meeting(session, NEXT_LOCAL + 7 * DAY), SPECIAL_LOCAL, by=by, at=LATER)
    assert len(_of(session, decision, SPECIAL_LOCAL)) == 1
    assert _of(session, decision) == []


@pytest.mark.parametrize("outcome", ["treated", "withdrawn", "carried", ""])
def test_an_objection_that_a_sitting_leaves_unsettled_is_added_to_the_next_agenda_that_is_frozen(
    session: Session, cast: Cast, outcome: str
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    (item,) = _of(session, decision, LOCAL)
    freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=NOW + 2 * MINUTE)
    if outcome:
        running.treat(session, item.id, outcome, by=by, at=NOW + 3 * MINUTE)
    assert objections.bring_all(session, at=NOW + 4 * MINUTE) == ()
    assert _of(session, decision) == [], "as long as people sit, they may settle it"
    _close(session, cast, at=NOW + 5 * MINUTE)
    (after,) = _of(session, decision)
    assert (after.late, after.late_reason, after.state) == (True, COULD_NOT_WAIT, "scheduled")


def test_an_objection_that_no_agenda_has_is_on_the_one_that_is_frozen_by_hand(session: Session, cast: Cast) -> None:
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = _objected(session, cast)
    (item,) = _of(session, decision)
    for state in ({"state": "pool", "meeting_id": None, "position": 0}, {"state": "withdrawn", "position": 0}):
        session.execute(update(_item).where(_item.c.id == item.id).values(**state))
        with session.begin_nested() as point:
            assembling.take_over(session, here, by=by, at=LATER)
            freezing.freeze(session, here, by=by, at=LATER)
            assert len([row for row in _of(session, decision) if row.number]) == 1
            point.rollback()


def test_objections_that_stand_where_they_should_are_left_there(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    decision = _objected(session, cast)
    before = _of(session, decision)
    assert objections.bring_all(session, at=LATER) == ()
    freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=LATER)
    _extraordinary(session, cast)
    assert objections.bring_all(session, at=LATER) == ()
    assert [row.id for row in _of(session, decision)] == [row.id for row in before]
    assert items(session, SPECIAL_LOCAL) == [], "nobody has that agenda drawn up yet"


@pytest.mark.ci
def test_an_agenda_frozen_by_hand_stays_as_it_was_left_while_an_earlier_one_has_the_objection(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = _objected(session, cast)
    assembling.assemble(session, _extraordinary(session, cast), by=by, at=LATER)
    before = items(session, NEXT_LOCAL)
    assembling.take_over(session, here, by=by, at=LATER + MINUTE)
    assert items(session, NEXT_LOCAL) == before
    assert len(_of(session, decision, SPECIAL_LOCAL)) == 1
    later = NEXT_LOCAL + 7 * DAY
    schedule.plan_meetings(session, "steering", [later], by=by, at=LATER)
    assembling.assemble(session, meeting(session, later), by=by, at=LATER)
    assert _of(session, decision, later) == []


@pytest.mark.ci
def test_cancelling_a_meeting_of_another_committee_touches_no_agenda_of_the_one_that_settles(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    decision = _objected(session, cast)
    (item,) = _of(session, decision)
    session.execute(update(_item).where(_item.c.id == item.id).values(state="pool", meeting_id=None, position=0))
    schedule.plan_meetings(session, "clinical", [SPECIAL_LOCAL], by=by, at=LATER)
    schedule.cancel_meeting(session, meeting(session, SPECIAL_LOCAL), reason="Tempête.", by=by, at=LATER)
    assert _of(session, decision) == []


@pytest.mark.ci
@pytest.mark.parametrize("frozen", [False, True])
def test_an_objection_treated_at_a_sitting_that_nobody_closes_is_on_the_next_agenda_the_day_after_once(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    (item,) = _of(session, decision, LOCAL)
    if frozen:
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=NOW + 2 * MINUTE)
    running.treat(session, item.id, "treated", by=by, at=NOW + 3 * MINUTE)
    (brought,) = objections.bring_all(session, at=NOW + DAY)
    assert [row.id for row in _of(session, decision)] == [brought]
    assert objections.bring_all(session, at=NOW + DAY + MINUTE) == ()
    _close(session, cast, at=NOW + DAY + 2 * MINUTE)
    assert [row.id for row in _of(session, decision)] == [brought]


@pytest.mark.parametrize("opened_", [True, False])
def test_an_objection_of_which_a_meeting_that_is_over_says_nothing_is_on_the_next_agenda(
    session: Session, cast: Cast, *, opened_: bool
) -> None:
    """Nobody closed it, nor called it off, and the next agenda went out frozen."""
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    if opened_:
        decision = decide(session, cast)
        say(session, cast, decision, "en-marge", "objected")
        local, over = LOCAL, NOW + DAY
    else:
        decision = _objected(session, cast)
        assembling.assemble(session, _extraordinary(session, cast), by=by, at=LATER)
        local, over = SPECIAL_LOCAL, SPECIAL + DAY
    freezing.freeze(session, here, by=by, at=over - DAY)
    assert objections.bring_all(session, at=over - DAY) == ()
    assert _stands(session, decision, at=over - DAY) == local
    assert _stands(session, decision, at=over) is None, "what is over treats nothing more"
    (brought,) = objections.bring_all(session, at=over)
    (item,) = _of(session, decision)
    assert (item.id, item.late, item.late_reason) == (brought, True, COULD_NOT_WAIT)
    assert [row.outcome for row in _of(session, decision, local)] == ["carried"]
    assert objections.bring_all(session, at=over + DAY) == ()
    assert _stands(session, decision, at=over) == NEXT_LOCAL
    assert list(broken(session, over)) == []
    opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    settling.settle(session, decision, here, settling.KEPT, text_fr="Oui.", by=by, at=NEXT + MINUTE)
    assert _against(session, decision) == []


@pytest.mark.ci
@pytest.mark.parametrize("frozen", [False, True])
def test_a_sitting_that_is_recorded_afterwards_settles_what_the_round_carried_over(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    if frozen:
        freezing.freeze(session, here, by=by, at=NOW + 2 * MINUTE)
    objections.bring_all(session, at=NOW + DAY)
    assert len(_of(session, decision)) == 1
    found = objections.item_that_sits(session, decision)
    assert found is not None
    assert found.meeting_id == meeting(session)
    (item,) = _of(session, decision, LOCAL)
    running.treat(session, item.id, "treated", by=by, at=NOW + DAY + MINUTE)
    assert [row.reasons.is_over for row in _of(session, decision)] == [False], "it stands still"
    running.treat(session, item.id, "carried", by=by, at=NOW + DAY + MINUTE)
    at = NOW + DAY + 2 * MINUTE
    settling.settle(session, decision, meeting(session), settling.KEPT, text_fr="Oui.", by=by, at=at)
    assert _against(session, decision) == []
    assert [row.reasons.is_over for row in _of(session, decision)] == [True] * frozen
    _close(session, cast, at=at + MINUTE)


@pytest.mark.ci
@pytest.mark.parametrize("both", [False, True])
def test_a_sitting_whose_day_is_over_settles_what_was_objected_before_the_end_of_that_day_alone(
    session: Session, cast: Cast, *, both: bool
) -> None:
    """Nobody closed it; what is objected days later is the next meeting's, and stays so whatever falls."""
    by = cast.actor("coordinator")
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    objections.bring_all(session, at=NOW + DAY)
    if not both:
        say(session, cast, decision, "en-marge", "", at=NOW + 2 * DAY)
    at = NOW + 10 * DAY
    say(session, cast, decision, "codim", "objected", at=at)

    def settle(minutes: int) -> UUID:
        late = at + minutes * MINUTE
        return settling.settle(session, decision, meeting(session), settling.KEPT, text_fr="Oui.", by=by, at=late)

    assert (objections.item_that_sits(session, decision) is not None) is both
    if both:
        settles = settle(1)
        assert decisions.decision_of(session, settles).decided_at < NOW + DAY
        assert _settled_by(session, decision) == {"CODIM": None, "En Marge 12-17": settles}
        over = _over(session, cast, settles, minutes=10 * 24 * 60 + 2)
        assert _against(session, decision) == ["CODIM", "En Marge 12-17"]
        _over(session, cast, over, minutes=10 * 24 * 60 + 3)
    else:
        assert code_of(lambda: settle(1)) == "objection.none"
    assert _against(session, decision) == ["CODIM"]
    assert stands(session, decision) == ("objected", False)
    assert [row.reasons.is_over for row in _of(session, decision)] == [False]
    assert list(broken(session, at + 2 * MINUTE)) == []


@pytest.mark.ci
def test_what_another_partner_objects_takes_along_what_a_meeting_that_is_over_has(session: Session, cast: Cast) -> None:
    """At once, and not with the next round; a meeting that is never held then has the rest of its agenda."""
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = _objected(session, cast)
    assembling.assemble(session, _extraordinary(session, cast), by=by, at=LATER)
    freezing.freeze(session, here, by=by, at=LATER)
    say(session, cast, decision, "codim", "objected", at=SPECIAL + 5 * DAY)
    (item,) = _of(session, decision)
    assert {reason.code for reason in item.reasons} >= {"objected"}
    others = [row.outcome for row in items(session, SPECIAL_LOCAL) if row.kind != "objection"]
    assert set(others) <= {""}, "it is not closed by that"


@pytest.mark.ci
@pytest.mark.parametrize("frozen", [False, True])
def test_what_was_carried_over_from_a_meeting_that_is_moved_ahead_again_stands_on_one_agenda(
    session: Session, cast: Cast, *, frozen: bool
) -> None:
    """It was not held, the round had its objection elsewhere, and then it was moved to a day to come."""
    by, here = cast.actor("coordinator"), meeting(session, NEXT_LOCAL)
    decision = _objected(session, cast)
    special = _extraordinary(session, cast)
    assembling.assemble(session, special, by=by, at=LATER)
    if frozen:
        freezing.freeze(session, here, by=by, at=LATER)
    at = SPECIAL + 2 * DAY
    objections.bring_all(session, at=at)
    moved = SPECIAL_LOCAL + 7 * DAY
    schedule.move_meeting(session, special, moved, by=by, at=at + MINUTE)
    agendas_ = {moved: _of(session, decision, moved), NEXT_LOCAL: _of(session, decision)}
    has_it = [local for local, rows in agendas_.items() for _ in rows]
    assert has_it == [NEXT_LOCAL if frozen else moved]
    assert _stands(session, decision, at=at + MINUTE) == has_it[0]
    assembling.assemble(session, special, by=by, at=at + 2 * MINUTE)
    assert len(_of(session, decision, moved)) + len(_of(session, decision)) == 1
    assert list(broken(session, at + 3 * MINUTE)) == []


def _stands(session: Session, decision: UUID, *, at: datetime) -> datetime | None:
    """When the meeting is that a page names as the one that has the objection."""
    found = objections.stands_on(session, decision, at=at)
    return None if found is None else found.starts


def _against(session: Session, decision: UUID) -> list[str]:
    """Which partners object."""
    return [one.organization for one in endorsements_of(session, decision) if one.word.objects]


def _settle(session: Session, cast: Cast, decision: UUID, settled_as: str, *, minutes: int) -> UUID:
    by, at = cast.actor("coordinator"), NOW + minutes * MINUTE
    found: UUID = settling.settle(session, decision, meeting(session), settled_as, text_fr="Réglé.", by=by, at=at)
    return found


def _over(session: Session, cast: Cast, named: UUID, *, minutes: int) -> UUID:
    """A decision of another kind that takes one back."""
    number = decisions.decision_of(session, named).number
    return decide(session, cast, kind="other", at=NOW + minutes * MINUTE, takes_back=[number])


def _settled_by(session: Session, decision: UUID) -> dict[str, UUID | None]:
    """By what each objection that is said now is settled, by the partner."""
    return {one.organization: one.settled_by_id for one in endorsements_of(session, decision) if one.said == "objected"}


@pytest.mark.ci
@pytest.mark.parametrize("settled_as", settling.SETTLED_AS)
def test_what_settled_an_objection_settles_it_again_as_it_stands_again(
    session: Session, cast: Cast, settled_as: str
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    settles = _settle(session, cast, decision, settled_as, minutes=2)
    before, state = stands(session, decision), decisions.decision_of(session, decision).state
    last = settles
    for n in range(3, 9, 2):
        over = _over(session, cast, last, minutes=n)
        assert stands(session, decision) == ("objected", False)
        assert objections.stands_on(session, decision, at=NOW + 9 * MINUTE) is not None
        last = _over(session, cast, over, minutes=n + 1)
        assert (stands(session, decision), decisions.decision_of(session, decision).state) == (before, state)
        assert set(_settled_by(session, decision).values()) == {settles}
        assert objections.stands_on(session, decision, at=NOW + 9 * MINUTE) is None
        assert list(broken(session, NOW + (n + 1) * MINUTE)) == []


@pytest.mark.ci
def test_what_was_objected_anew_meanwhile_stays_objected_as_what_settled_the_first_stands_again(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "objected")
    say(session, cast, decision, "en-marge", "objected")
    settles = _settle(session, cast, decision, settling.KEPT, minutes=2)
    over = _over(session, cast, settles, minutes=3)
    say(session, cast, decision, "en-marge", "", at=NOW + 4 * MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=NOW + 5 * MINUTE)
    _over(session, cast, over, minutes=6)
    assert sorted(_settled_by(session, decision).values(), key=str) == sorted([None, settles], key=str)
    assert stands(session, decision) == ("objected", False)
    assert objections.stands_on(session, decision, at=NOW + 9 * MINUTE) is not None
    assert list(broken(session, NOW + 7 * MINUTE)) == []


@pytest.mark.ci
def test_each_of_two_settlements_settles_again_what_it_had_settled_itself(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "objected")
    one = _settle(session, cast, decision, settling.KEPT, minutes=2)
    say(session, cast, decision, "en-marge", "objected", at=NOW + 3 * MINUTE)
    other = _settle(session, cast, decision, settling.KEPT, minutes=4)
    first = _over(session, cast, one, minutes=5)
    second = _over(session, cast, other, minutes=6)
    _over(session, cast, second, minutes=7)
    assert sorted(_settled_by(session, decision).values(), key=str) == sorted([None, other], key=str)
    assert stands(session, decision) == ("objected", False), "what the first had settled, the second did not"
    _over(session, cast, first, minutes=8)
    assert sorted(_settled_by(session, decision).values(), key=str) == sorted([one, other], key=str)
    assert stands(session, decision)[0] != "objected"
    assert list(broken(session, NOW + 9 * MINUTE)) == []


@pytest.mark.ci
def test_what_is_settled_anew_is_settled_still_as_that_falls_where_the_first_stands_again(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    one = _settle(session, cast, decision, settling.KEPT, minutes=2)
    over = _over(session, cast, one, minutes=3)
    other = _settle(session, cast, decision, settling.KEPT, minutes=4)
    _over(session, cast, over, minutes=5)
    _over(session, cast, other, minutes=6)
    assert set(_settled_by(session, decision).values()) == {one}
    assert stands(session, decision) == ("endorsed", True)
    assert list(broken(session, NOW + 7 * MINUTE)) == []
