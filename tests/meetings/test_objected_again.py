"""An objection that is withdrawn, settled or made again, and decisions of another committee than settles them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from duties import people
from duties.roles import responsibility
from meetings import decisions, freezing, settling
from meetings.committees import committees
from meetings.reasons import in_words, is_over
from models.base import table_of
from models.casework import Task
from models.minutes import Decision
from models.program import Tenure
from simulation.promises import broken
from tests.agreeing import code_of
from tests.cast import Cast
from tests.meetings.endorsed import asked_of, decide, numbers, say, session, stands, task_of, told
from tests.meetings.meeting_room import MINUTE, NEXT, NEXT_LOCAL, NOW, PRESENT, items, meeting, opened

__all__ = ["session"]

_decision = table_of(Decision)
_task = table_of(Task)
_tenure = table_of(Tenure)
DAY = timedelta(days=1)
LATER = NOW + timedelta(days=30)


def _of_another_committee(session: Session, decision: object) -> None:
    """Have a decision be one that the Extended Committee took, on which the same partners are asked."""
    (extended,) = [one["id"] for one in committees(session).values() if one["key"] == "extended"]
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
    assert (row["state"], row["withdrawn_by_id"]) == ("withdrawn", settles)
    assert list(broken(session, NEXT + DAY)) == []


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
    number = decisions.decision_of(session, settles)["number"]
    decide(session, cast, kind="other", at=NOW + 5 * MINUTE, takes_back=[number])
    say(session, cast, decision, "en-marge", "objected", at=NOW + 7 * MINUTE)
    assert stands(session, decision) == ("objected", False), "nothing settles it any more"


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

    def item() -> dict[str, object]:
        on_it = items(session) if local is None else items(session, local)
        (found,) = [row for row in on_it if row["kind"] == "objection"]
        return found

    say(session, cast, decision, "en-marge", "", at=at + 2 * MINUTE)
    assert is_over(item()["reasons"])  # type: ignore[arg-type]
    say(session, cast, decision, "en-marge", "objected", at=at + 3 * MINUTE)
    assert not is_over(item()["reasons"])  # type: ignore[arg-type]
    assert "En Marge" in in_words(item()["reasons"], "fr")  # type: ignore[arg-type]


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
    assert decisions.decision_of(session, of_steering)["number"] == "CD-2027-001"


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
    theirs = {"role": "manager", "at": str(cast.organizations["codim"]), "person": str(cast.people["manager_codim"])}
    chain = responsibility(session, [theirs, *asked["links"]])
    passed_on = {"owed_by_id": chain, "declared_owed_by_id": chain}
    session.execute(update(_task).where(_task.c.id == asked["id"]).values(passed_on))
    assert list(broken(session, NOW)) == []
    say(session, cast, decision, "codim", "endorsed")
    assert task_of(session, asked["id"])["state"] == "open", "it is not codim's"
    say(session, cast, decision, "en-marge", "endorsed")
    assert task_of(session, asked["id"])["state"] == "done"
