"""What the declared rules draw from what is on record, in which order, and for which reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.casework import cases, tasks
from domain.declarations.program_committees import AgendaRule
from domain.kernel.refusals import Refusal
from domain.loading.loading import load
from locales import LANGUAGES
from meetings import agenda_drawing, assembling, schedule
from meetings.agenda_drawing import draw
from meetings.agenda_items import item_of, items_of
from meetings.agenda_rules import NewItem, points_of, rules_of
from meetings.committees import committee_of, committees
from meetings.locking import read_meeting
from meetings.reasons import in_words
from models.base import table_of
from models.committee import Committee
from models.meeting import Meeting
from models.minutes import Decision, Minutes
from tests.casework import open_onboarding
from tests.cast import AT, LOADING, Cast, edited, onboarding, program_file
from tests.meetings.agenda_application import (
    FIRST,
    FOURTH,
    SECOND,
    THIRD,
    admission,
    circulate_minutes,
    decided,
    hold,
    meeting,
    session,
    titles,
)
from tests.meetings.sitting import give, seat

__all__ = ["session"]

_committee = table_of(Committee)
_meeting = table_of(Meeting)
_decision = table_of(Decision)
_minutes = table_of(Minutes)


def _drawn(session: Session, meeting_id: UUID) -> tuple[NewItem, ...]:
    row = read_meeting(session, meeting_id)
    return draw(session, committees(session)[row.committee_id], row, at=AT)


def _of(session: Session, meeting_id: UUID, kind: str) -> list[NewItem]:
    return [one for one in _drawn(session, meeting_id) if one.kind == kind]


def _says(one: NewItem, language: str = "en") -> str:
    return in_words(one.reasons, language)


def _a_meeting(session: Session, cast: Cast, committee: str = "clinical") -> UUID:
    """A meeting that stands alone."""
    local = datetime(2026, 12, 9, 9, 30)
    schedule.plan_meetings(session, committee, [local], by=cast.actor("coordinator"), at=AT)
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.committee_id == committee_of(session, committee).id)
    ).one()
    return found


def test_an_agenda_has_the_committees_standing_items_and_case_discussions_in_the_declared_order(
    session: Session,
) -> None:
    drawn = _drawn(session, meeting(session, FIRST))
    assert [(one.section_en, one.title_en) for one in drawn if one.kind != "vacancy"] == [
        ("Case discussions", "The youth worker’s follow-ups – L’Anonyme"),
        ("Case discussions", "The youth worker’s follow-ups – CCSMTL"),
        ("Case discussions", "The youth worker’s follow-ups – CODIM"),
        ("Case discussions", "The youth worker’s follow-ups – En Marge 12-17"),
        ("News", "News of inactive participants"),
        ("News", "Research"),
    ]
    research = next(one for one in drawn if one.title_en == "Research")
    assert (research.minutes, research.purpose, research.audience) == (5, "information", "invited")
    assert research.presenter_seat_id == seat(session, "clinical", "research")
    assert _says(research) == "It is on every agenda of the committee."


def test_the_order_of_the_rules_is_the_files_and_survives_the_database(cast: Cast) -> None:
    with cast.session() as session:
        for key, row in {row.key: row for row in committees(session).values()}.items():
            declared = program_file().value.committees[key].agenda
            assert declared is not None
            assert [rule.key for rule in rules_of(row)] == list(declared.rules)
            assert [rule.declared for rule in rules_of(row)] == list(declared.rules.values())


def test_rules_in_another_order_are_a_change_of_the_committee(cast: Cast) -> None:
    text = program_file().text
    begins = text.index("        inactive:\n")
    block = text[begins : text.index("        lost-contact:\n")]
    here = "        discussions:\n"
    file = edited((block, ""), (here, block + here))
    with cast.session() as session:
        before = [rule.key for rule in rules_of(committee_of(session, "clinical"))]
        load(session, file, [onboarding()], by=LOADING, at=AT)
        after = [rule.key for rule in rules_of(committee_of(session, "clinical"))]
    assert sorted(after) == sorted(before)
    assert before.index("inactive") > before.index("discussions")
    assert after.index("inactive") == after.index("discussions") - 1


def test_the_four_processes_are_gone_through_under_each_case_discussion(session: Session) -> None:
    row = committee_of(session, "clinical")
    points = points_of(row.agenda, "discussions")
    assert [point["en"].split(":")[0] for point in points] == ["Relationship", "Focus", "Evocation", "Planning"]
    assert points_of(row.agenda, "research") == points_of(row.agenda, "no rule") == ()


def test_a_rule_whose_source_nobody_knows_is_no_rule() -> None:
    with pytest.raises(ValueError, match="source"):
        AgendaRule.model_validate({"source": "dreams", "section": {"fr": "Rêves", "en": "Dreams"}, "minutes": 5})
    assert set(agenda_drawing._SOURCES) == set(AgendaRule.model_fields["source"].annotation.__args__)  # type: ignore[union-attr]


@pytest.mark.ci
def test_the_one_who_came_last_comes_first_the_next_week(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    orders = []
    for day in (FIRST, SECOND, THIRD, FOURTH, FOURTH + timedelta(days=7)):
        held = meeting(session, day)
        assembling.assemble(session, held, by=by, at=AT)
        orders.append([title.rpartition("– ")[2] for title in titles(session, held, "turn")])
        hold(session, held)

    assert orders == [
        ["L’Anonyme", "CCSMTL", "CODIM", "En Marge 12-17"],
        ["En Marge 12-17", "L’Anonyme", "CCSMTL", "CODIM"],
        ["CODIM", "En Marge 12-17", "L’Anonyme", "CCSMTL"],
        ["CCSMTL", "CODIM", "En Marge 12-17", "L’Anonyme"],
        ["L’Anonyme", "CCSMTL", "CODIM", "En Marge 12-17"],
    ]


def test_a_cancelled_week_costs_nobody_their_turn(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    first, second, third = (meeting(session, day) for day in (FIRST, SECOND, THIRD))
    assembling.assemble(session, first, by=by, at=AT)
    order = titles(session, first, "turn")
    hold(session, first)
    assembling.assemble(session, second, by=by, at=AT)
    schedule.cancel_meeting(session, second, reason="Tempête", by=by, at=AT)

    assembling.assemble(session, third, by=by, at=AT)

    assert titles(session, third, "turn") == [order[-1], *order[:-1]]


def test_minutes_that_wait_for_approval_come_on_the_agenda_until_they_have_it(cast: Cast, session: Session) -> None:
    first, second = meeting(session, FIRST), meeting(session, SECOND)
    assert _of(session, second, "minutes") == []
    hold(session, first)
    assert _of(session, second, "minutes") == [], "nobody has them yet"
    circulate_minutes(session, cast, first)

    (one,) = _of(session, second, "minutes")

    assert (one.subject, one.title_fr, one.purpose) == (str(first), "Procès-verbal du 2 décembre 2026", "decision")
    assert _says(one) == "The minutes of December 2, 2026 were circulated and are not approved yet."
    assert _of(session, first, "minutes") == [], "a meeting does not approve its own"

    session.execute(update(_minutes).values(state="approved", approved_at=AT))
    assert _of(session, second, "minutes") == []


def test_an_open_onboarding_is_news_by_role_and_organization_and_never_by_name(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        first = _a_meeting(session, cast)
        (one,) = _of(session, first, "onboarding")
        assert one.subject == str(case_id)
        assert one.title_en == "Onboarding: Youth worker, En Marge 12-17"
        assert _says(one) == "An onboarding has been open since November 23, 2026."
        written = str(one)
        assert not any(part in written for part in cast.members["worker_em"].name.split())

        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Erreur")
        assert _of(session, first, "onboarding") == []


def test_a_committee_hears_of_its_own_vacant_seats_on_the_day_of_the_meeting(cast: Cast, session: Session) -> None:
    first = meeting(session, FIRST)
    assert {one.title_en for one in _of(session, first, "vacancy")} == {
        "Vacant seat: Marie-Vincent",
        "Vacant seat: Evaluative research",
    }

    give(session, cast, "clinical", "marie-vincent", "specialist", since=FIRST)
    (left,) = _of(session, first, "vacancy")
    assert (left.title_fr, left.subject) == (
        "Siège vacant\N{NO-BREAK SPACE}: Recherche évaluative",
        f"seat/{seat(session, 'clinical', 'research')}",
    )
    both = {one.title_en for one in _of(session, _a_meeting(session, cast, "joint"), "vacancy")}
    assert "Vacant seat: Evaluative research, Researcher" in both, "it says whose, as it takes seats of two committees"


def test_the_steering_committee_hears_of_every_vacant_role_and_of_what_falls_to_it(
    cast: Cast, session: Session
) -> None:
    there = _a_meeting(session, cast, "steering")
    found = _of(session, there, "vacancy")
    roles = [one for one in found if one.subject.startswith("role/")]
    assert roles, "the cast leaves roles without anyone"
    assert all("role" in _says(one) for one in roles)
    assert not [one for one in _of(session, meeting(session, FIRST), "vacancy") if one.subject.startswith("role/")]


def test_open_decisions_come_back_the_late_ones_first_until_they_are_done(cast: Cast, session: Session) -> None:
    first, third = meeting(session, FIRST), meeting(session, THIRD)
    hold(session, first)
    decided(session, cast, first, "CC-2026-003", due_on=THIRD)
    late = decided(session, cast, first, "CC-2026-002", due_on=SECOND, text_en="")
    decided(session, cast, first, "CC-2026-001", due_on=THIRD + timedelta(days=30), text_fr="mot " * 60)
    decided(session, cast, first, "CC-2026-004", state="standing")

    one, other, long = _of(session, third, "decision")

    assert (one.title_fr, one.title_en) == (
        "Décision CC-2026-002\N{NO-BREAK SPACE}: Écrire au partenaire",
        "Decision CC-2026-002",
    )
    assert _says(one) == "Decided on December 2, 2026, to be done by December 9, 2026, and not done."
    assert _says(other) == "Decided on December 2, 2026, to be done by December 16, 2026."
    assert long.title_fr.endswith("mot…")
    assert len(long.title_fr) < 160

    session.execute(update(_decision).where(_decision.c.id == late).values(state="done", closed_at=AT, closed_as="x"))
    assert [found.subject for found in _of(session, third, "decision")] == [other.subject, long.subject]


def test_a_decision_whose_task_is_done_is_not_asked_about_again(cast: Cast, session: Session) -> None:
    first, second = meeting(session, FIRST), meeting(session, SECOND)
    hold(session, first)
    made = decided(session, cast, first, "CC-2026-001", due_on=SECOND)
    task_id = session.scalar(select(_decision.c.task_id).where(_decision.c.id == made))
    assert task_id is not None
    assert len(_of(session, second, "decision")) == 1

    tasks.complete_task(session, task_id, by=cast.actor("coordinator"), at=AT, note="")

    assert _of(session, second, "decision") == []


def test_what_two_rules_draw_stands_where_the_first_puts_it_with_the_reasons_of_both(
    cast: Cast, session: Session
) -> None:
    """The same vacancy by two rules, and the same admission under two rules that take its kind."""
    row = committee_of(session, "clinical")
    declared = row.agenda
    twice = {
        **declared["rules"],
        "again": {**declared["rules"]["vacancies"], "section": {"fr": "Encore", "en": "Again"}},
        "once-more": {**declared["rules"]["admissions"], "section": {"fr": "Encore", "en": "Again"}},
    }
    order = [*declared["order"], "again", "once-more"]
    session.execute(
        update(_committee).where(_committee.c.id == row.id).values(agenda={**declared, "rules": twice, "order": order})
    )
    made = admission(session, cast)

    found = _drawn(session, meeting(session, FIRST))

    seats = [one for one in found if one.kind == "vacancy"]
    assert len(seats) == 2
    assert all([reason.rule for reason in one.reasons] == ["vacancies", "again"] for one in seats)
    assert _says(seats[0]) == "This seat is vacant on the day of the meeting.", "told once"
    (asked,) = [one for one in found if one.kind == "admission"]
    assert (asked.rule, asked.key, asked.reasons) == ("admissions", item_of(session, made).key, ()), "in its own row"


def test_the_same_records_draw_the_same_agenda_at_any_hour(cast: Cast, session: Session) -> None:
    first = meeting(session, FIRST)
    admission(session, cast)
    row = read_meeting(session, first)
    committee = committees(session)[row.committee_id]
    assert draw(session, committee, row, at=AT) == draw(session, committee, row, at=AT + timedelta(days=3))


def test_every_reason_is_told_in_both_languages(cast: Cast, session: Session) -> None:
    first, second = meeting(session, FIRST), meeting(session, SECOND)
    hold(session, first)
    circulate_minutes(session, cast, first)
    decided(session, cast, first, "CC-2026-001", due_on=SECOND)
    for one in _drawn(session, second):
        said = {language: in_words(one.reasons, language) for language in LANGUAGES}
        assert all(said.values())
        assert said["fr"] != said["en"]


def test_a_committee_without_rules_takes_nothing(cast: Cast, session: Session) -> None:
    first = meeting(session, FIRST)
    session.execute(update(_committee).where(_committee.c.key == "clinical").values(agenda={}))
    assert _drawn(session, first) == ()
    with pytest.raises(Refusal, match="kind_not_taken"):
        admission(session, cast)
    assert not assembling.assemble(session, first, by=cast.actor("coordinator"), at=AT)
    assert items_of(session, first) == []


def test_days_are_those_of_the_meeting_and_not_of_whoever_asks(cast: Cast, session: Session) -> None:
    first = meeting(session, FIRST)
    hold(session, first)
    decided(session, cast, first, "CC-2026-001", due_on=SECOND)
    assert "and not done" not in _says(_of(session, meeting(session, SECOND), "decision")[0])
    assert "and not done" in _says(_of(session, meeting(session, THIRD), "decision")[0])
