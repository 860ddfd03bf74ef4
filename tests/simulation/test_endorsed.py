"""What endorsement promises, broken in the rows on purpose: each check finds it, and where."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.casework import tasks
from domain.casework.assigning import assign
from domain.mail.notices import COORDINATION
from domain.obligations.projection import keep
from meetings import agendas, decisions, freezing, settling
from models.agenda import ItemReason
from simulation.promises import Broken, broken
from tests.cast import Cast
from tests.meetings.endorsed import all_endorse, decide, rest_waiver, say, session
from tests.meetings.meeting_room import MINUTE, NEXT_LOCAL, NOW, meeting

__all__ = ["session"]

DAY = timedelta(days=1)


def _found(session: Session, kind: str, row: UUID, sentence: str, **later: timedelta) -> bool:
    """Whether exactly this promise is told to be broken by that row."""
    at = NOW + later.get("later", 5 * MINUTE)
    return [one for one in broken(session, at) if one.sentence == sentence] == [Broken(sentence, f"{kind} {row}")]


def _break(session: Session, change: str, **values: object) -> None:
    session.execute(text(change), values)


@pytest.mark.ci
def test_a_decision_that_counts_though_a_partner_is_silent_or_objects_is_found(session: Session, cast: Cast) -> None:
    silent, against = decide(session, cast), decide(session, cast, text_fr="Encore.")
    say(session, cast, against, "codim", "objected")
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    for decision in (silent, against):
        _break(
            session,
            "update decision set endorsement = 'endorsed', counts_since = :at, suspended_at = null where id = :one",
            at=NOW,
            one=decision,
        )
    sentences = {(one.sentence, one.where) for one in broken(session, NOW + 5 * MINUTE)}
    assert {where for sentence, where in sentences if "is silent" in sentence} == {
        f"decision {silent}",
        f"decision {against}",
    }
    assert {where for sentence, where in sentences if "objects to it" in sentence} == {f"decision {against}"}


@pytest.mark.ci
def test_what_is_owed_by_a_pending_decision_is_found(session: Session, cast: Cast) -> None:
    owner = {"owner_role": "coordinator", "due_on": date(2027, 3, 1)}
    decision = decide(session, cast, **owner)
    _break(
        session,
        "update task set state = 'open' where id = (select task_id from decision where id = :one)",
        one=decision,
    )
    assert _found(session, "decision", decision, "Nobody owes anything by a decision that does not count.")


@pytest.mark.ci
def test_a_partner_that_nobody_asks_and_one_that_nobody_asks_again_are_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    _break(session, "update task set state = 'cancelled' where item = :one", one=str(decision))
    (word,) = session.scalars(text("select id from endorsement where superseded_at is null and said = ''"))
    assert _found(
        session, "endorsement", word, "Each partner that is awaited has a task to say whether it endorses a decision."
    )
    sentence = "Silence is asked again once the last day for it is past."
    assert _found(session, "decision", decision, sentence, later=60 * DAY)


@pytest.mark.ci
def test_a_word_of_who_recorded_the_decision_is_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    _break(session, "update endorsement set said_by = :who where said <> ''", who=cast.people["coordinator"])
    (word,) = session.scalars(text("select id from endorsement where said <> ''"))
    assert _found(session, "endorsement", word, "Who recorded a decision speaks for no partner on it.")


@pytest.mark.ci
def test_a_majority_that_is_none_is_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    _break(session, "update endorsement set majority = 'two_thirds'")
    counts = "update decision set endorsement = 'endorsed', counts_since = :at where id = :one"
    _break(session, counts, at=NOW, one=decision)
    sentence = "A majority endorses a decision only where the agreements of that day let it, and it is one."
    assert _found(session, "decision", decision, sentence)


@pytest.mark.ci
def test_an_objection_that_something_else_settled_is_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    settling.settle(
        session,
        decision,
        meeting(session),
        settling.KEPT,
        text_fr="On la garde.",
        by=cast.actor("coordinator"),
        at=NOW + 2 * MINUTE,
    )
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    _break(session, "update decision set has_quorum = false where settles_id is not null")
    (word,) = session.scalars(text("select id from endorsement where settled_by_id is not null"))
    sentence = "An objection is settled by a decision of its own, taken with a quorum and not taken back."
    assert _found(session, "endorsement", word, sentence)


@pytest.mark.ci
def test_an_objection_that_stands_though_what_settled_it_stands_is_found(session: Session, cast: Cast) -> None:
    decision, by = decide(session, cast), cast.actor("coordinator")
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    at, here = NOW + 2 * MINUTE, meeting(session)
    settling.settle(session, decision, here, settling.KEPT, text_fr="On la garde.", by=by, at=at)
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    (word,) = session.scalars(text("select id from endorsement where settled_by_id is not null"))
    sentence = "What settled an objection settles it as long as it stands."
    for anew in (False, True):
        _break(
            session,
            "update endorsement set settled_by_id = null, said_at = :said where id = :one",
            said=NOW + (3 if anew else 1) * MINUTE,
            one=word,
        )
        told = {one.where for one in broken(session, NOW + 5 * MINUTE) if one.sentence == sentence}
        assert told == (set() if anew else {f"endorsement {word}"})


@pytest.mark.ci
def test_an_agenda_made_after_an_objection_without_it_is_found(session: Session, cast: Cast) -> None:
    decision, by = decide(session, cast), cast.actor("coordinator")
    say(session, cast, decision, "en-marge", "objected")
    freezing.freeze(session, meeting(session, NEXT_LOCAL), by=by, at=NOW + 3 * MINUTE)
    (word,) = session.scalars(text("select id from endorsement where said = 'objected'"))
    assert list(broken(session, NOW + 5 * MINUTE)) == [], "as long as people sit who have it"
    _break(session, "update agenda_item set state = 'withdrawn' where kind = 'objection'")
    sentence = "An agenda of the committee that settles objections, made after one, has it."
    assert _found(session, "endorsement", word, sentence)


@pytest.mark.ci
def test_a_partner_freed_of_a_clause_by_what_never_counted_is_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    all_endorse(session, cast, decision)
    rest_waiver(session, cast, decision, date(2027, 1, 1), date(2027, 12, 31))
    keep(session, at=NOW + 2 * MINUTE)
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    _break(session, "update decision set endorsement = 'pending', counts_since = null where id = :one", one=decision)
    rows = session.scalars(text("select id from obligation_period where state = 'waived'")).all()
    assert rows
    sentence = "No partner is freed of a clause by a decision that never counted."
    assert {one.where for one in broken(session, NOW + 5 * MINUTE) if one.sentence == sentence} == {
        f"obligation_period {row}" for row in rows
    }


def test_a_decision_that_was_taken_back_by_one_that_says_nothing_of_it_is_found(session: Session, cast: Cast) -> None:
    decision, other = decide(session, cast), decide(session, cast, kind="other")
    _break(
        session,
        "update decision set state = 'withdrawn', closed_at = :at, closed_as = 'coordinator', withdrawn_by_id = :other"
        " where id = :one",
        at=NOW,
        one=decision,
        other=other,
    )
    sentence = "A decision is taken back by a later one alone that says so, had its quorum and counts."
    assert _found(session, "decision", decision, sentence)


def test_a_decision_that_has_not_taken_back_what_it_says_is_found(session: Session, cast: Cast) -> None:
    first = decide(session, cast)
    number = decisions.decision_of(session, first).number
    later = decide(session, cast, takes_back=[number])
    assert list(broken(session, NOW + 5 * MINUTE)) == [], "it is pending"
    all_endorse(session, cast, later)
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    stands = "update decision set state = 'standing', closed_at = null, closed_as = null, withdrawn_by_id = null"
    _break(session, stands + " where id = :one", one=first)
    sentence = "A decision that counts has taken back what it says that it takes back."
    assert {one for one in broken(session, NOW + 5 * MINUTE) if one.sentence == sentence} == {
        Broken(sentence, f"decision {later}")
    }
    _break(session, "update decision set has_quorum = false where id = :one", one=later)
    assert not [one for one in broken(session, NOW + 5 * MINUTE) if one.sentence == sentence]


def test_a_step_that_another_decision_did_than_the_one_that_is_asked_for_is_found(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    owed: dict[str, Any] = {"title_fr": "Plan", "title_en": "Plan", "chain": COORDINATION, "due_on": date(2027, 3, 1)}
    task = assign(session, "ask", "", **owed, sources=["GV-4"], by=by, at=NOW)
    why = [ItemReason("asked", facts={"day": "2026-11-23"})]
    asked: dict[str, Any] = {"title_fr": "Plan", "title_en": "Plan", "reasons": why, "task_id": task}
    item = agendas.ask(session, "steering", "report", "x", **asked, by=by, at=NOW)
    freezing.add_late(session, meeting(session), item, reason="Urgent", by=by, at=NOW)
    decide(session, cast, item=item, kind="other")
    tasks.complete_task(session, task, by=by, at=NOW)
    sentence = "What a committee decides and the partners endorse is done by a decision that says so and counts."
    assert _found(session, "task", task, sentence)


@pytest.mark.ci
def test_a_partner_that_stops_what_takes_its_waiver_back_is_found(session: Session, cast: Cast) -> None:
    freeing = decide(session, cast, kind="other")
    rest_waiver(session, cast, freeing, date(2027, 1, 1), date(2027, 12, 31))
    number = decisions.decision_of(session, freeing).number
    ends = decide(session, cast, takes_back=[number], at=NOW + MINUTE)
    say(session, cast, ends, "codim", "objected", at=NOW + 2 * MINUTE)
    say(session, cast, ends, "en-marge", "endorsed", at=NOW + 2 * MINUTE)
    assert list(broken(session, NOW + 5 * MINUTE)) == [], "by the other's word alone"
    sentence = "No partner stops or delays by its own word what takes its waiver back."
    change = "update decision set endorsement = 'objected', suspended_at = :at where id = :one"
    _break(session, change, at=NOW + 3 * MINUTE, one=ends)
    told = {one.where for one in broken(session, NOW + 5 * MINUTE) if one.sentence == sentence}
    assert told == {f"decision {ends}"}


@pytest.mark.ci
def test_a_majority_by_the_word_of_who_is_freed_is_found(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    for place in ("codim", "en-marge"):
        say(session, cast, decision, place, "endorsed")
    rest_waiver(session, cast, decision, date(2027, 1, 1), date(2027, 12, 31))
    _break(session, "update endorsement set majority = 'more_than_half'")
    assert list(broken(session, NOW + 5 * MINUTE)) == []
    en_marge = cast.organizations["en-marge"]
    _break(session, "update endorsement set said = '' where organization_id = :place", place=en_marge)
    sentence = "A majority endorses a decision only where the agreements of that day let it, and it is one."
    assert _found(session, "decision", decision, sentence)
