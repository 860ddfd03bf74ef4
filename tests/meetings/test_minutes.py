"""Minutes are drafted from what was recorded, circulated, and approved by a later meeting; then they never change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from meetings import assembling, attendance, deciding, minutes, running, translating
from meetings.documents.docx import as_docx
from meetings.documents.pdf import as_pdf
from meetings.schedule import plan_meetings
from tests.cast import AT, Cast
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

__all__ = ["session"]

END = NOW + 90 * MINUTE


@pytest.fixture
def held(session: Session, cast: Cast) -> UUID:
    """The meeting, held: one item treated with a note, one decided, one carried."""
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    sit(session, cast, "codim", "remote", arrived_at=NOW + 10 * MINUTE)
    first, second, _ = items(session)
    running.treat(session, first.id, "treated", note_fr="Entendu.", note_en="Heard.", by=by, at=NOW)
    deciding.decide(session, here, second.id, text_fr="Oui.", text_en="Yes.", by=by, at=NOW + 20 * MINUTE)
    deciding.decide(
        session,
        here,
        None,
        text_fr="Écrire.",
        text_en="Write.",
        owner_role="coordinator",
        due_on=date(2027, 2, 1),
        by=by,
        at=NOW + 20 * MINUTE,
    )
    running.close_meeting(session, here, carry_rest=True, by=by, at=END)
    return here


def test_the_draft_says_who_sat_what_was_said_and_what_was_decided(session: Session, cast: Cast, held: UUID) -> None:
    content = minutes.content_of(minutes.minutes_of(session, held))
    assert [(one.line.number, one.outcome, one.said.fr) for one in content.items] == [
        ("1", "treated", "Entendu."),
        ("2", "decided", ""),
        ("3", "carried", ""),
    ]
    assert [one.number for one in content.items[1].decisions] == ["CD-2027-001"]
    assert [(one.number, bool(one.owner)) for one in content.decisions] == [("CD-2027-002", True)]
    assert content.has_quorum
    by_seat = {one.seat.fr: one for one in content.attendance}
    codim = next(one for one in by_seat.values() if one.state == "remote")
    assert (codim.person, str(codim.arrived)) == (cast.members["manager_codim"].name, "13:15:00")
    assert "unrecorded" in {one.state for one in by_seat.values()}


def test_the_draft_says_to_which_committee_an_item_was_referred(session: Session, cast: Cast) -> None:
    here, by = opened(session, cast, *PRESENT), cast.actor("coordinator")
    running.treat(session, items(session)[0].id, "referred", refer_to="clinical", by=by, at=NOW)
    running.close_meeting(session, here, carry_rest=True, by=by, at=END)
    content = minutes.content_of(minutes.minutes_of(session, here))
    assert [one.referred_to.en for one in content.items] == ["Clinical Committee", "", ""]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_minutes_are_printed_in_both_languages(session: Session, held: UUID, language: str) -> None:
    content = minutes.content_of(minutes.minutes_of(session, held))
    assert as_docx(content, language).startswith(b"PK")
    assert as_pdf(content, language).startswith(b"%PDF")


@pytest.mark.ci
def test_the_draft_is_edited_circulated_taken_back_and_approved_in_the_next_meeting(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    version = minutes.edit_note(session, held, "3", said_fr="Remis.", said_en="Put off.", by=by, at=END)
    with pytest.raises(Refusal) as refused:
        minutes.edit_note(session, held, "3", said_fr="Autre.", by=by, at=END, seen=version - 1)
    assert refused.value.code == "minutes.changed"
    minutes.circulate(session, held, by=by, at=END)
    with pytest.raises(Refusal) as refused:
        minutes.edit_note(session, held, "3", said_fr="Autre.", by=by, at=END)
    assert refused.value.code == "minutes.not_draft"
    minutes.amend(session, held, by=by, at=END)
    minutes.edit_note(session, held, "3", said_fr="Remis à avril.", by=by, at=END)
    minutes.circulate(session, held, by=by, at=END)
    later = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    row = minutes.minutes_of(session, held)
    content = minutes.content_of(row)
    assert (row.state, row.approved_in_id, minutes.is_intact(row)) == ("approved", later, True)
    assert (content.state, content.approved_on) == ("approved", NEXT_LOCAL.date())
    assert content.items[2].said.fr == "Remis à avril."
    assert content.items[2].said.en == "Put off."
    row.content["items"][2]["said"]["fr"] = "Autre."
    assert not minutes.is_intact(row)


def test_approved_minutes_are_corrected_by_nobody_but_the_attendance_is(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    minutes.circulate(session, held, by=by, at=END)
    later = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    before = minutes.minutes_of(session, held)
    changes: list[Callable[[], object]] = [
        lambda: minutes.edit_note(session, held, "1", said_fr="Autre.", by=by, at=NEXT),
        lambda: minutes.refresh(session, held, by=by, at=NEXT),
        lambda: minutes.amend(session, held, by=by, at=NEXT),
        lambda: minutes.circulate(session, held, by=by, at=NEXT),
        lambda: minutes.approve(session, held, in_meeting=later, by=by, at=NEXT),
    ]
    for change in changes:
        with pytest.raises(Refusal) as refused:
            change()
        assert refused.value.code == "minutes.approved"
    sit(session, cast, "codim", "absent", at=NEXT)
    assert events_of(session, held)[-1][0] == "attendance.corrected"
    assert "absent" in {one.state for one in attendance.attendance_of(session, held)}
    assert minutes.minutes_of(session, held) == before


def test_a_corrected_attendance_comes_into_the_draft_and_leaves_what_was_written(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    minutes.edit_note(session, held, "1", said_fr="Mieux dit.", by=by, at=END)
    sit(session, cast, "marie-vincent", "excused", at=END)
    minutes.refresh(session, held, by=by, at=END)
    content = minutes.content_of(minutes.minutes_of(session, held))
    assert "excused" in {one.state for one in content.attendance}
    assert content.items[0].said.fr == "Mieux dit."


def test_a_meeting_in_which_minutes_were_approved_took_place(session: Session, cast: Cast, held: UUID) -> None:
    by = cast.actor("coordinator")
    minutes.circulate(session, held, by=by, at=END)
    later = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    with pytest.raises(Refusal) as refused:
        running.put_back(session, later, by=by, at=NEXT)
    assert refused.value.code == "meeting.recorded"


@pytest.mark.parametrize("sent", [False, True])
def test_a_decision_that_is_written_in_the_other_language_too_comes_into_a_draft_and_into_nothing_that_was_sent(
    session: Session, cast: Cast, sent: bool
) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    decision = deciding.decide(session, here, None, text_fr="On écrit.", by=by, at=NOW + 20 * MINUTE)
    running.close_meeting(session, here, carry_rest=True, by=by, at=END)
    if sent:
        minutes.circulate(session, here, by=by, at=END)
    before = minutes.minutes_of(session, here)
    translating.add_text(session, decision, "en", "Letters are written.", by=by, at=END, seen=1)
    after = minutes.minutes_of(session, here)
    (line,) = minutes.content_of(after).decisions
    assert line.text.en == ("" if sent else "Letters are written.")
    assert (after == before) is sent


def test_minutes_neither_go_out_nor_are_approved_with_another_attendance_than_the_one_that_stands(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    minutes.circulate(session, held, by=by, at=END)
    later = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    for key in PRESENT:
        sit(session, cast, key, "excused", at=END)
    with pytest.raises(Refusal) as refused:
        minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    assert refused.value.code == "minutes.attendance_corrected"
    told = refused.value.facts["corrected"]
    assert isinstance(told, dict)
    assert told["en"].count("excused instead of") == len(PRESENT)
    assert told["en"].endswith("Quorum: not met")
    assert not any(member.name in told["fr"] for member in cast.members.values()), "seats, and no person"
    minutes.amend(session, held, by=by, at=NEXT)
    with pytest.raises(Refusal) as refused:
        minutes.circulate(session, held, by=by, at=NEXT)
    assert refused.value.code == "minutes.attendance_corrected"
    minutes.refresh(session, held, by=by, at=NEXT)
    minutes.circulate(session, held, by=by, at=NEXT)
    minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    content = minutes.content_of(minutes.minutes_of(session, held))
    assert not content.has_quorum
    assert not {one.state for one in content.attendance} & {"present", "remote"}


def test_that_another_person_sat_or_left_earlier_is_a_correction_too(session: Session, cast: Cast, held: UUID) -> None:
    by = cast.actor("coordinator")

    def corrected() -> list[str]:
        return [one.en for one in minutes.corrected_attendance(session, minutes.minutes_of(session, held))]

    assert corrected() == []
    sit(session, cast, "codim", "remote", arrived_at=NOW + 10 * MINUTE, left_at=NOW + 20 * MINUTE, at=END)
    (told,) = corrected()
    words = "arrived at 1:15 p.m., left at 1:25 p.m. instead of remotely, arrived at 1:15 p.m."
    assert told.replace("\N{NO-BREAK SPACE}", " ").endswith(words)
    minutes.refresh(session, held, by=by, at=END)
    sit(session, cast, "en-marge", "alternate", person_id=cast.people["deputy"], at=END)
    minutes.refresh(session, held, by=by, at=END)
    assert corrected() == []
    sit(session, cast, "en-marge", "alternate", person_id=cast.people["deputy"], is_remote=True, at=END)
    (told,) = corrected()
    assert told.endswith("alternate, remotely instead of alternate, on site")


@pytest.mark.ci
def test_minutes_are_not_approved_by_their_own_an_earlier_a_planned_or_anothers_meeting(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    with pytest.raises(Refusal) as refused:
        minutes.approve(session, held, in_meeting=meeting(session, NEXT_LOCAL), by=by, at=END)
    assert refused.value.code == "minutes.state"
    minutes.circulate(session, held, by=by, at=END)
    clinical = LOCAL + timedelta(days=70)
    plan_meetings(session, "clinical", [clinical], by=by, at=AT)
    opened(session, cast, local=clinical, at=NEXT)
    for other in (held, meeting(session, NEXT_LOCAL), meeting(session, clinical)):
        with pytest.raises(Refusal) as refused:
            minutes.approve(session, held, in_meeting=other, by=by, at=NEXT)
        assert refused.value.code == "minutes.not_later"


def test_the_item_that_asks_to_approve_the_minutes_is_treated_by_approving_them(
    session: Session, cast: Cast, held: UUID
) -> None:
    by = cast.actor("coordinator")
    minutes.circulate(session, held, by=by, at=END)
    assembling.assemble(session, meeting(session, NEXT_LOCAL), by=by, at=END)
    later = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    minutes.approve(session, held, in_meeting=later, by=by, at=NEXT)
    (asked,) = [one for one in items(session, NEXT_LOCAL) if one.kind == "minutes"]
    assert asked.outcome == "treated"


def test_a_meeting_that_is_not_held_has_no_minutes(session: Session, cast: Cast) -> None:
    here = opened(session, cast)
    with pytest.raises(Refusal) as refused:
        minutes.minutes_of(session, here)
    assert refused.value.code == "minutes.none"
    with pytest.raises(Refusal) as refused:
        minutes.draft(session, here, by=cast.actor("coordinator"), at=NOW)
    assert refused.value.code == "minutes.not_held"
