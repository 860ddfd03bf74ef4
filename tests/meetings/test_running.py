"""A meeting is opened, treated item by item and closed; nothing of it is left without a word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from meetings import agendas, assembling, attendance, deciding, minutes, running, schedule
from meetings.agenda_items import PresentedItem, pool_of
from meetings.committees import committee_of
from meetings.locking import read_meeting
from models.agenda import ItemReason
from models.base import table_of
from models.committee import SeatHolder
from tests.cast import AT, Cast
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.meeting_room import (
    LOCAL,
    MINUTE,
    NEXT,
    NEXT_LOCAL,
    NOW,
    PRESENT,
    events_of,
    items,
    meeting,
    opened,
    session,
    sit,
)
from tests.meetings.sitting import seat

__all__ = ["session"]

_holder = table_of(SeatHolder)


def test_opening_has_every_seat_of_the_day_wait_to_be_recorded(session: Session, cast: Cast) -> None:
    here = opened(session, cast)
    assert read_meeting(session, here).state == "under_way"
    attended = attendance.attendance_of(session, here)
    assert {one.state for one in attended} == {"unrecorded"}
    assert all(one.version == 1 for one in attended)


def test_a_meeting_is_opened_at_earliest_two_hours_before_its_hour_and_not_closed_before(
    session: Session, cast: Cast
) -> None:
    here, by, hour = meeting(session, NEXT_LOCAL), cast.actor("coordinator"), NEXT - 5 * MINUTE
    assert read_meeting(session, here).starts_at == hour
    first = hour - timedelta(hours=2)
    midnight = hour - timedelta(hours=12, minutes=45)
    for early in (NOW + timedelta(days=30), midnight, first - timedelta(seconds=1)):
        for act in (running.open_meeting, running.close_meeting):
            with pytest.raises(Refusal) as refused:
                act(session, here, by=by, at=early)
            assert refused.value.code == ("meeting.too_early" if act is running.open_meeting else "meeting.state")
    running.open_meeting(session, here, by=by, at=first)
    assert read_meeting(session, here).state == "under_way"


def test_an_opening_is_taken_back_while_nothing_was_recorded(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast)
    running.put_back(session, here, by=by, at=NOW)
    assert read_meeting(session, here).state == "planned"
    running.open_meeting(session, here, by=by, at=NOW + MINUTE)
    sit(session, cast, "codim")
    with pytest.raises(Refusal) as refused:
        running.put_back(session, here, by=by, at=NOW + MINUTE)
    assert refused.value.code == "meeting.recorded"
    sit(session, cast, "codim", "unrecorded")
    running.put_back(session, here, by=by, at=NOW + MINUTE)


def test_a_meeting_with_an_untreated_item_does_not_close_and_names_it(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    running.treat(session, items(session)[0].id, "treated", note_fr="Entendu.", by=by, at=NOW)
    with pytest.raises(Refusal) as refused:
        running.close_meeting(session, here, by=by, at=NOW)
    assert (refused.value.code, dict(refused.value.facts)) == ("meeting.untreated", {"n": 2, "numbers": "2, 3"})
    assert read_meeting(session, here).state == "under_way"


def _quorate(session: Session, meeting_id: UUID) -> bool | None:
    found: bool | None = read_meeting(session, meeting_id).quorate
    return found


@pytest.mark.ci
def test_a_meeting_adjourned_without_quorum_is_told_from_one_that_had_it_by_who_came(
    session: Session, cast: Cast
) -> None:
    """Nobody is absent from what could decide nothing; a correction makes it a meeting as any other."""
    by = cast.actor("coordinator")
    put_in_force(session, cast)
    here = opened(session, cast, "ccsmtl", "codim")
    sit(session, cast, "en-marge", "absent")
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW)
    assert _quorate(session, here) is None, "of the others nothing is recorded: they may have come"
    for key in ("coordination", "spvm", "marie-vincent", "anonyme"):
        sit(session, cast, key, "absent")
    assert _quorate(session, here) is False
    kept(session, NOW + timedelta(hours=3))
    found = period(session, cast, "en-marge", "AG-M1")
    assert (found["state"], found["found"]["facts"][0]["why"]) == ("nothing_recorded", "without_quorum")
    for key in ("spvm", "marie-vincent", "anonyme"):
        sit(session, cast, key)
    assert _quorate(session, here) is True
    kept(session, NOW + timedelta(hours=4))
    found = period(session, cast, "en-marge", "AG-M1")
    assert (found["state"], found["found"]["facts"][0]["why"]) == ("at_risk", "absent")


def test_a_meeting_without_its_quorum_is_judged_again_once_a_seat_that_nobody_had_is_found_to_have_had_somebody(
    session: Session, cast: Cast
) -> None:
    vacant = _holder.c.seat_id == seat(session, "steering", "anonyme")
    session.execute(update(_holder).where(vacant).values(withdrawn_at=NOW))
    here = opened(session, cast, "ccsmtl", "codim", "spvm")
    for key in ("coordination", "marie-vincent", "en-marge"):
        sit(session, cast, key, "absent")
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW + MINUTE)
    attendance.tell_quorums(session)
    assert _quorate(session, here) is False
    later = NOW + timedelta(hours=2)
    session.execute(update(_holder).where(vacant).values(withdrawn_at=None, recorded_at=later))
    attendance.tell_quorums(session)
    assert _quorate(session, here) is None, "they may have come: it is awaited from the secretary"
    sit(session, cast, "anonyme", at=later)
    assert _quorate(session, here) is True


@pytest.mark.parametrize(("came", "is_quorate"), [(PRESENT, True), (PRESENT[:2], False)])
def test_a_meeting_that_is_closed_says_whether_it_had_its_quorum(
    session: Session, cast: Cast, came: tuple[str, ...], *, is_quorate: bool
) -> None:
    here = opened(session, cast, *came)
    for key in {"coordination", "marie-vincent", *PRESENT} - set(came):
        sit(session, cast, key, "absent")
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
    assert _quorate(session, here) is is_quorate


def test_what_was_not_reached_is_carried_and_the_minutes_are_drafted(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    running.treat(session, items(session)[0].id, "treated", by=by, at=NOW)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW + timedelta(hours=2))
    row = read_meeting(session, here)
    assert (row.state, row.settled_by) == ("held", by.person_id)
    pool = pool_of(session, row.committee_id)
    assert {(one.title_fr, one.times_seen) for one in pool} == {("Formation", 1), ("Local", 1)}
    assert minutes.minutes_of(session, here).state == "draft"
    assert "meeting.closed" in [verb for verb, _ in events_of(session, here)]
    with pytest.raises(Refusal):
        running.treat(session, items(session)[1].id, "treated", by=by, at=NOW)


def test_an_item_is_referred_to_another_committee_and_taken_back(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    item = items(session)[1]
    clinical = committee_of(session, "clinical").id
    with pytest.raises(Refusal) as refused:
        running.treat(session, item.id, "referred", by=by, at=NOW)
    assert refused.value.code == "item.refer_to"
    with pytest.raises(Refusal) as refused:
        running.treat(session, item.id, "referred", refer_to="steering", by=by, at=NOW)
    assert refused.value.code == "agenda.own_committee"
    running.treat(session, item.id, "referred", refer_to="clinical", by=by, at=NOW)
    (waiting,) = pool_of(session, clinical)
    assert (waiting.title_fr, waiting.carried_from_id) == ("Formation", item.id)
    assert [reason.code for reason in waiting.reasons] == ["referred"]
    running.treat(session, item.id, "treated", by=by, at=NOW + MINUTE)
    assert pool_of(session, clinical) == []
    assert items(session)[1].referred_to_id is None


def _clinical(session: Session, cast: Cast, *, weeks: int = 0) -> tuple[UUID, list[PresentedItem]]:
    """A meeting of the Clinical Committee that was opened so many weeks later, and what its rules put on its agenda."""
    by, local, at = cast.actor("coordinator"), LOCAL + timedelta(weeks=weeks, hours=1), NOW + timedelta(weeks=weeks)
    schedule.plan_meetings(session, "clinical", [local], by=by, at=AT)
    here = meeting(session, local)
    assembling.assemble(session, here, by=by, at=AT)
    running.open_meeting(session, here, by=by, at=at + timedelta(hours=1))
    return here, items(session, local)


@pytest.mark.ci
@pytest.mark.parametrize("kind", ["standing", "turn"])
def test_what_each_meeting_has_anew_comes_on_the_agenda_of_the_committee_to_which_it_is_referred(
    session: Session, cast: Cast, kind: str
) -> None:
    by = cast.actor("coordinator")
    _, rows = _clinical(session, cast)
    item = next(row for row in rows if row.kind == kind)
    running.treat(session, item.id, "referred", refer_to="steering", by=by, at=NOW)
    there = meeting(session, NEXT_LOCAL)

    assembling.assemble(session, there, by=by, at=NOW)

    (found,) = [row for row in items(session, NEXT_LOCAL) if row.carried_from_id == item.id]
    assert (found.title_fr, found.reasons[0].code) == (item.title_fr, "referred")
    assert not assembling.assemble(session, there, by=by, at=NOW), "it stays, as what is asked for does"
    running.open_meeting(session, there, by=by, at=NEXT)
    running.treat(session, found.id, "carried", by=by, at=NEXT)
    running.close_meeting(session, there, carry_rest=True, by=by, at=NEXT + MINUTE)
    (waiting,) = [
        row for row in pool_of(session, committee_of(session, "steering").id) if row.carried_from_id == found.id
    ]
    assert waiting.times_seen == 1
    agendas.withdraw_item(session, waiting.id, by=by, at=NEXT + MINUTE)


def test_of_two_referrals_of_a_standing_item_each_waits_and_is_taken_back_by_itself(
    session: Session, cast: Cast
) -> None:
    by, steering = cast.actor("coordinator"), committee_of(session, "steering").id
    referred = []
    for weeks in (0, 1):
        _, rows = _clinical(session, cast, weeks=weeks)
        item = next(row for row in rows if row.kind == "standing")
        running.treat(session, item.id, "referred", refer_to="steering", by=by, at=NOW + timedelta(weeks=weeks))
        referred.append(item.id)
    assert [row.carried_from_id for row in pool_of(session, steering)] == referred
    running.treat(session, referred[1], "treated", by=by, at=NOW + timedelta(weeks=1))
    assert [row.carried_from_id for row in pool_of(session, steering)] == referred[:1]


def test_what_was_referred_twice_stays_with_the_other_committee_while_one_of_the_two_referrals_stands(
    session: Session, cast: Cast
) -> None:
    by, steering, found = cast.actor("coordinator"), committee_of(session, "steering").id, []
    words: dict[str, Any] = {"title_fr": "Local", "title_en": "Premises"}
    words["reasons"] = [ItemReason("asked", facts={"day": "2027-01-04"})]
    for weeks in (0, 1):
        agendas.ask(session, "clinical", "request", "premises", **words, by=by, at=AT)
        _, rows = _clinical(session, cast, weeks=weeks)
        item = next(row.id for row in rows if row.subject == "premises")
        running.treat(session, item, "referred", refer_to="steering", by=by, at=NOW + timedelta(weeks=weeks))
        found.append(item)
    assert len(pool_of(session, steering)) == 1

    running.treat(session, found[1], "treated", by=by, at=NOW + timedelta(weeks=1))
    (waiting,) = pool_of(session, steering)
    assert [reason.facts["day"] for reason in waiting.reasons] == ["2027-01-20"]

    running.treat(session, found[0], "treated", by=by, at=NOW + timedelta(weeks=1))
    assert pool_of(session, steering) == []


def test_an_item_that_was_referred_by_mistake_and_then_carried_waits_for_the_next_meeting(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    item = items(session)[1]
    running.treat(session, item.id, "referred", refer_to="clinical", by=by, at=NOW)
    running.treat(session, item.id, "carried", by=by, at=NOW + MINUTE)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW + 2 * MINUTE)
    waiting = pool_of(session, committee_of(session, "steering").id)
    assert [one.carried_from_id for one in waiting if one.title_fr == "Formation"] == [item.id]
    assert pool_of(session, committee_of(session, "clinical").id) == []


def test_an_item_whose_fact_is_over_is_not_carried_and_comes_on_no_other_agenda(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    item = items(session)[2]
    agendas.withdraw(session, "steering", item.kind, item.subject, by=by, at=NOW)
    here = opened(session, cast, *PRESENT)
    with pytest.raises(Refusal) as refused:
        running.treat(session, item.id, "carried", by=by, at=NOW)
    assert refused.value.code == "item.over"
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW + MINUTE)
    assert {one.title_fr: one.outcome for one in items(session)} == {
        "Budget": "carried",
        "Formation": "carried",
        "Local": "withdrawn",
    }
    waiting = pool_of(session, committee_of(session, "steering").id)
    assert {one.title_fr for one in waiting} == {"Budget", "Formation"}


def test_of_two_secretaries_the_second_is_told_that_the_item_changed(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    item = items(session)[0]
    running.treat(session, item.id, "treated", by=by, at=NOW, seen=item.version)
    with pytest.raises(Refusal) as refused:
        running.treat(session, item.id, "carried", by=by, at=NOW, seen=item.version)
    assert refused.value.code == "agenda_item.changed"
    assert items(session)[0].outcome == "treated"


def test_an_outcome_is_corrected_and_taken_back_while_the_meeting_is_under_way(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    item = items(session)[0].id
    running.treat(session, item, "withdrawn", note_fr="Retiré.", by=by, at=NOW)
    running.treat(session, item, "treated", by=by, at=NOW + MINUTE)
    assert (items(session)[0].outcome, items(session)[0].note_fr) == ("treated", "Retiré.")
    running.treat(session, item, "", by=by, at=NOW + MINUTE)
    assert (items(session)[0].state, items(session)[0].settled_at) == ("scheduled", None)
    facts = [(one["before"], one["outcome"]) for verb, one in events_of(session, item) if verb.endswith(".treated")]
    assert facts == [("", "withdrawn"), ("withdrawn", "treated"), ("treated", "")]


def test_an_item_is_decided_by_recording_the_decision_and_by_nothing_else(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    item = items(session)[0].id
    with pytest.raises(Refusal) as refused:
        running.treat(session, item, "decided", by=by, at=NOW)
    assert refused.value.code == "item.no_decision"
    deciding.decide(session, here, item, text_fr="Adopté.", by=by, at=NOW)
    assert items(session)[0].outcome == "decided"
    running.treat(session, item, "decided", note_fr="Après discussion.", by=by, at=NOW)
    assert items(session)[0].note_fr == "Après discussion."
    with pytest.raises(Refusal) as refused:
        running.treat(session, item, "carried", by=by, at=NOW)
    assert refused.value.code == "item.decided"


def test_a_note_with_a_control_character_is_refused(session: Session, cast: Cast) -> None:
    opened(session, cast, *PRESENT)
    for note, code in (("un\x00deux", "text.not_text"), ("a" * 4_001, "text.too_long")):
        with pytest.raises(Refusal) as refused:
            running.treat(session, items(session)[0].id, "treated", note_fr=note, by=cast.actor("coordinator"), at=NOW)
        assert refused.value.code == code


def test_of_two_who_close_a_meeting_at_once_the_second_is_told(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    seen = read_meeting(session, here).version
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW, seen=seen)
    with pytest.raises(Refusal) as refused:
        running.close_meeting(session, here, carry_rest=True, by=by, at=NOW, seen=seen)
    assert refused.value.code == "meeting.changed"
    with pytest.raises(Refusal) as refused:
        running.close_meeting(session, here, carry_rest=True, by=by, at=NOW)
    assert refused.value.code == "meeting.state"


def test_no_letter_nor_event_holds_what_people_typed(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    item = items(session)[0].id
    running.treat(session, item, "treated", note_fr="Parole-rapportée", by=by, at=NOW)
    decision = deciding.decide(session, here, None, text_fr="Parole-rapportée", by=by, at=NOW)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW)
    minutes.edit_note(session, here, "1", said_fr="Parole-rapportée", by=by, at=NOW)
    drafted = minutes.minutes_of(session, here).id
    told = [line for subject in (here, item, decision, drafted) for line in events_of(session, subject)]
    assert {"meeting.opened", "agenda_item.treated", "decision.made", "minutes.edited"} <= {verb for verb, _ in told}
    assert "Parole" not in str(told)


def test_what_was_only_noted_took_place_too(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast)
    running.treat(session, items(session)[0].id, "", note_en="Well received.", by=by, at=NOW)
    with pytest.raises(Refusal) as refused:
        running.put_back(session, here, by=by, at=NOW)
    assert refused.value.code == "meeting.recorded"


def test_a_corrected_outcome_keeps_the_moment_at_which_the_item_was_settled_first(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    item = items(session)[0].id
    running.treat(session, item, "withdrawn", by=by, at=NOW)
    running.treat(session, item, "treated", by=by, at=NOW + 9 * MINUTE)
    assert items(session)[0].settled_at == NOW
    running.treat(session, item, "", by=by, at=NOW + 9 * MINUTE)
    running.treat(session, item, "treated", by=by, at=NOW + 10 * MINUTE)
    assert items(session)[0].settled_at == NOW + 10 * MINUTE


def test_what_comes_up_in_a_meeting_is_an_item_with_its_number_and_its_reason(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    made = running.add_item(session, here, title_fr="Dégât d’eau", reason="Cette nuit", minutes=10, by=by, at=NOW)
    row = next(one for one in items(session) if one.id == made)
    assert (row.number, row.late, row.late_reason, row.minutes) == ("3.1", True, "Cette nuit", 10)
    assert (row.title_fr, row.title_en) == ("Dégât d’eau", "Dégât d’eau")
    with pytest.raises(Refusal) as refused:
        running.close_meeting(session, here, by=by, at=NOW)
    assert refused.value.facts["numbers"] == "1, 2, 3, 3.1"
    running.treat(session, made, "treated", by=by, at=NOW)


def test_what_comes_up_stands_last_where_the_agenda_was_never_frozen(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    made = running.add_item(session, here, title_en="Flood", reason="Last night", by=by, at=NEXT)
    assert [(one.id, one.number, one.state) for one in items(session, NEXT_LOCAL)] == [(made, None, "scheduled")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"title_fr": "Dégât", "reason": " "}, "agenda.late_without_reason"),
        ({"title_fr": "Dégât", "reason": "."}, "agenda.late_without_reason"),
        ({"title_fr": " ", "reason": "Cette nuit"}, "agenda.no_title"),
        ({"title_fr": "a" * 201, "reason": "Cette nuit"}, "text.too_long"),
    ],
)
def test_what_comes_up_without_a_title_or_a_reason_is_refused(
    session: Session, cast: Cast, given: dict[str, Any], code: str
) -> None:
    here = opened(session, cast)
    with pytest.raises(Refusal) as refused:
        running.add_item(session, here, **given, by=cast.actor("coordinator"), at=NOW)
    assert refused.value.code == code


def test_nothing_is_added_to_a_meeting_that_nobody_opened_or_that_is_closed(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    for here in (meeting(session), _closed(session, cast)):
        with pytest.raises(Refusal) as refused:
            running.add_item(session, here, title_fr="Dégât", reason="Cette nuit", by=by, at=NOW)
        assert refused.value.code == "item.not_under_way"


def _closed(session: Session, cast: Cast) -> UUID:
    here = opened(session, cast)
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
    return here
