"""Nobody waives what they owe: a waiver rests on a decision on that clause and partner, of the committee named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.casework import asking
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.obligations.clauses import waivers as waivers_of
from domain.people import absences, people
from domain.roles.roles import standing
from locales import say
from meetings import (
    agendas,
    attendance,
    deciding,
    decisions,
    endorsing,
    objections,
    running,
    schedule,
    settling,
    waivers,
)
from meetings.agenda_items import items_of
from meetings.asked_partners import ENDORSE
from meetings.committees import committee_of
from meetings.endorsements import endorsements_of, may_want
from models.agenda import AgendaItem
from models.agreement import AgreementTerms, AgreementVersion
from models.base import table_of
from models.meeting import Meeting
from models.minutes import Decision
from models.obligation import Waiver
from simulation.promises import broken, promises
from simulation.promises import endorsed as promised
from tests import waiving
from tests.agreeing import code_of
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.obligations.signed import agreement_of, findings, kept, period, put_in_force
from tests.meetings.endorsed import rest_waiver
from tests.meetings.sitting import seat, seat_everyone
from tests.waiving import decided, endorsed, freed, proposed, recorded, sat_on

_decision = table_of(Decision)
_item = table_of(AgendaItem)
_meeting = table_of(Meeting)
_waiver = table_of(Waiver)
_version = table_of(AgreementVersion)

DAY: Final = timedelta(days=1)
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


def _signed(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast)
        kept(made)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which every agreement is in force, every seat is held, and what is owed was judged."""
    arranged(cast, _signed)
    with cast.session() as made:
        yield made


def as_coordinator(cast: Cast, person: str, acting_for: str | None = None) -> Actor:
    """One of the cast under the coordinator's hat, whichever they hold besides."""
    away = cast.people[acting_for] if acting_for else None
    return Actor("coordinator", cast.people[person], cast.organizations["ccsmtl"], away)


def away(
    session: Session,
    cast: Cast,
    person: str,
    deputy: str,
    first: date = TODAY,
    last: date = TODAY + DAY,
    by: str = "coordinator",
) -> UUID:
    """Have somebody be away, and another act for them; it is recorded on the first day at the latest."""
    found: UUID = absences.record_absence(
        session,
        person_id=cast.people[person],
        starts_on=first,
        ends_on=last,
        deputy_id=cast.people[deputy],
        kinds=["tasks", "approvals", "seats"],
        by=cast.actor(by),
        at=AT + min(first - TODAY, timedelta()),
    )
    return found


def tenure(session: Session, cast: Cast, person: str, role: str, day: date = TODAY) -> UUID:
    return next(one.id for one in standing(session, day).roles_of(cast.people[person]) if one.role == role)


# ------------------------------------------------------------------------------------------------------- the decision


def test_a_waiver_by_a_decision_on_keeping_a_meeting_room_frees_nobody(cast: Cast, session: Session) -> None:
    """The coordinator waived the coordination's own clause so."""
    proposal = proposed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    meeting = sat_on(session, cast, proposal)
    room = deciding.decide(session, meeting, None, text_fr="La salle est gardée.", by=cast.actor("coordinator"), at=AT)
    for place, key in (("ccsmtl", "GV-6.report"), ("en-marge", "AG-P4")):
        assert code_of(partial(recorded, session, cast, place, key, FIRST, LAST, room)) == "waiver.other_decision"
    assert session.scalars(select(_waiver.c.id)).all() == []


@pytest.mark.ci
def test_a_decision_frees_the_partner_and_of_the_clause_that_it_was_taken_on_and_on_these_days(
    cast: Cast, session: Session
) -> None:
    decision = decided(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    other: Callable[..., Any] = partial(recorded, session, cast)
    assert code_of(lambda: other("codim", "AG-P4", FIRST, LAST, decision)) == "waiver.other_decision"
    assert code_of(lambda: other("en-marge", "AG-P6", FIRST, LAST, decision)) == "waiver.other_decision"
    assert code_of(lambda: other("en-marge", "AG-P4", FIRST - DAY, LAST, decision)) == "waiver.other_days"
    assert code_of(lambda: other("en-marge", "AG-P4", FIRST, LAST + DAY, decision)) == "waiver.other_days"
    recorded(session, cast, "en-marge", "AG-P4", FIRST, LAST, decision)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "waived"
    assert period(session, cast, "codim", "AG-P4")["state"] != "waived"
    row = session.execute(select(_decision).where(_decision.c.id == decision)).one()
    assert "En Marge 12-17 a une dispense" in row.text_fr
    assert "AG-P4" in row.text_fr
    assert (row.kind, row.needs_endorsement) == ("management", True)


@pytest.mark.ci
def test_a_committee_without_its_quorum_frees_nobody_nor_one_that_has_it_by_the_partner_that_is_freed(
    cast: Cast, session: Session
) -> None:
    for come in (("ccsmtl", "codim", "anonyme"), ("ccsmtl", "codim", "anonyme", "en-marge")):
        proposal = proposed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
        meeting = sat_on(session, cast, proposal, come)
        by = cast.actor("coordinator")
        assert code_of(partial(waivers.decide, session, proposal, by=by, at=AT)) == "waiver.no_quorum"
        for item in items_of(session, meeting):
            running.treat(session, item.id, "treated", by=by, at=AT)  # it does not want it: nothing is decided
        running.close_meeting(session, meeting, by=by, at=AT)


@pytest.mark.ci
def test_an_old_decision_without_a_quorum_frees_nobody(cast: Cast, session: Session) -> None:
    decision = decided(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    session.execute(update(_decision).where(_decision.c.id == decision).values(has_quorum=False))
    assert code_of(partial(recorded, session, cast, "en-marge", "AG-P4", FIRST, LAST, decision)) == "decision.no_quorum"


def test_what_a_committee_says_of_a_waiver_in_its_own_words_frees_nobody(cast: Cast, session: Session) -> None:
    """On the item itself a decision is taken by its act alone: whoever writes it down cannot write another."""
    proposal = proposed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    meeting = sat_on(session, cast, proposal)
    (item,) = items_of(session, meeting)
    say = partial(deciding.decide, session, meeting, item.id, text_fr="Refusé.", by=cast.actor("coordinator"), at=AT)
    assert code_of(say) == "decision.frees"
    running.treat(session, item.id, "treated", by=cast.actor("coordinator"), at=AT)
    assert (
        code_of(partial(waivers.decide, session, proposal, by=cast.actor("coordinator"), at=AT)) == "waiver.not_sitting"
    )


@pytest.mark.ci
def test_another_committee_than_the_one_that_the_agreement_names_frees_nobody(cast: Cast, session: Session) -> None:
    proposal = proposed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    sat_on(session, cast, proposal)
    decision = waivers.decide(session, proposal, by=cast.actor("coordinator"), at=AT)
    endorsed(session, decision)
    other = committee_of(session, "clinical").id
    session.execute(update(_decision).where(_decision.c.id == decision).values(committee_id=other))
    assert (
        code_of(partial(recorded, session, cast, "en-marge", "AG-P4", FIRST, LAST, decision))
        == "waiver.other_committee"
    )


@pytest.mark.ci
def test_a_waiver_whose_decision_counts_no_more_waives_no_more(cast: Cast, session: Session) -> None:
    decision = freed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    proposal = proposed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = sat_on(session, cast, proposal)
    later = deciding.decide(
        session,
        meeting,
        None,
        text_fr="Elle ne tient plus.",
        kind="management",
        takes_back=[decisions.decision_of(session, decision).number],
        by=cast.actor("coordinator"),
        at=AT,
    )
    endorsed(session, later)
    kept(session)
    one = period(session, cast, "en-marge", "AG-P4")
    assert one["state"] != "waived"
    assert findings(session, one["id"])[-2] == "waived"
    left = waivers_of(session, agreement_of(session, cast, "en-marge"), "AG-P4")
    assert [(row.starts_on, row.ends_on) for row in left] == [(FIRST, TODAY - DAY)]


def test_one_proposal_of_a_clause_waits_at_a_time_and_stands_on_the_agenda_without_what_somebody_typed(
    cast: Cast, session: Session
) -> None:
    proposed(session, cast, "en-marge", "AG-P4", FIRST, LAST)
    again = partial(proposed, session, cast, "en-marge", "AG-P4", LAST, LAST + DAY)
    assert code_of(again) == "waiver.proposed_already"
    row = session.execute(select(_item).where(_item.c.kind == "waiver")).one()
    assert row.title_en == "Grant En Marge 12-17 a waiver of clause AG-P4, from November 1, 2026 to December 31, 2026"
    assert waiving.WHY not in str(row.reasons) + row.title_fr
    edit = partial(agendas.edit, session, row.id, title_fr="La salle", by=cast.actor("coordinator"), at=AT)
    assert code_of(edit) == "waiver.title_stands"


# ------------------------------------------------------------------------------------------------------ whoever owes it


def refused_everywhere(session: Session, cast: Cast, place: str, key: str, by: Actor) -> set[str]:
    """The codes by which proposing, recording the decision, and recording the waiver are refused to somebody."""
    proposal = proposed(session, cast, place, key, FIRST, LAST, by=clean(cast, place))
    meeting = sat_on(session, cast, proposal, (*(one for one in waiving.COME if one != place), "marie-vincent"))
    codes = {code_of(partial(waivers.decide, session, proposal, by=by, at=AT))}
    decision = waivers.decide(session, proposal, by=clean(cast, place), at=AT)
    endorsed(session, decision)
    codes.add(code_of(partial(recorded, session, cast, place, key, FIRST, LAST, decision, by=by)))
    codes.add(code_of(partial(proposed, session, cast, place, key, FIRST, LAST, by=by)))
    running.close_meeting(session, meeting, carry_rest=True, by=cast.actor("coordinator"), at=AT)
    return codes


def clean(cast: Cast, place: str) -> Actor:
    """Somebody who owes nothing of a place: the coordinator, or for the coordination's own the manager named."""
    return cast.actor("manager_em") if place == "ccsmtl" else cast.actor("coordinator")


HATS: Final[dict[str, tuple[str, str, Callable[[Session, Cast], Actor]]]] = {}


def hat(place: str, key: str) -> Callable[[Callable[[Session, Cast], Actor]], Callable[[Session, Cast], Actor]]:
    """Register a hat under which somebody who owes a clause, or acts for one who does, would have a part in it."""

    def register(wears: Callable[[Session, Cast], Actor]) -> Callable[[Session, Cast], Actor]:
        HATS[wears.__name__] = (place, key, wears)
        return wears

    return register


@hat("ccsmtl", "GV-6.report")
def the_coordinator_themselves(_: Session, cast: Cast) -> Actor:
    return cast.actor("coordinator")


@hat("ccsmtl", "GV-6.report")
def the_deputy_of_the_coordinator(session: Session, cast: Cast) -> Actor:
    away(session, cast, "coordinator", "manager_codim")
    return as_coordinator(cast, "manager_codim", acting_for="coordinator")


@hat("ccsmtl", "GV-6.report")
def the_deputy_of_the_coordinator_under_a_hat_of_their_own(session: Session, cast: Cast) -> Actor:
    away(session, cast, "coordinator", "manager_codim")
    return cast.actor("manager_codim")


@hat("ccsmtl", "GV-6.report")
def the_deputy_of_the_deputy(session: Session, cast: Cast) -> Actor:
    away(session, cast, "coordinator", "manager_codim")
    away(session, cast, "manager_codim", "manager_la")
    return cast.actor("manager_la")


@hat("ccsmtl", "GV-6.report")
def a_deputy_whose_turn_was_called_off_once_it_had_begun(session: Session, cast: Cast) -> Actor:
    absence = away(session, cast, "coordinator", "manager_codim", TODAY - 3 * DAY)
    absences.cancel_absence(session, absence, by=cast.actor("coordinator"), at=AT)
    return cast.actor("manager_codim")


@hat("ccsmtl", "GV-6.report")
def one_who_was_the_deputy_on_one_of_the_days(session: Session, cast: Cast) -> Actor:
    away(session, cast, "coordinator", "manager_codim", FIRST, FIRST)
    return cast.actor("manager_codim")


@hat("ccsmtl", "GV-6.report")
def one_who_coordinated_until_one_of_the_days(session: Session, cast: Cast) -> Actor:
    people.end_tenure(
        session, tenure(session, cast, "coordinator", "coordinator"), ends_on=FIRST, by=cast.actor("coordinator"), at=AT
    )
    return Actor("manager", cast.people["coordinator"], cast.organizations["codim"])


@hat("en-marge", "AG-M1")
def the_manager_under_the_coordinators_hat(_: Session, cast: Cast) -> Actor:
    return as_coordinator(cast, "manager_em")


@hat("en-marge", "AG-M1")
def the_deputy_of_the_manager_under_the_coordinators_hat(session: Session, cast: Cast) -> Actor:
    away(session, cast, "manager_em", "second_deputy")
    return as_coordinator(cast, "second_deputy")


@hat("en-marge", "AG-M1")
def whoever_acts_for_the_manager_by_what_they_say(_: Session, cast: Cast) -> Actor:
    return as_coordinator(cast, "researcher", acting_for="manager_em")


@hat("en-marge", "AG-P4")
def a_worker_of_the_partner_that_owes_it(_: Session, cast: Cast) -> Actor:
    return as_coordinator(cast, "worker_em")  # whose role begins on one of the days


@hat("en-marge", "AG-P4")
def the_director_of_the_partner_that_owes_it(_: Session, cast: Cast) -> Actor:
    return as_coordinator(cast, "director_em")


@hat("en-marge", "AG-P4")
def one_from_elsewhere_who_acts_for_somebody_of_the_partner(session: Session, cast: Cast) -> Actor:
    away(session, cast, "director_em", "manager_codim")
    return as_coordinator(cast, "manager_codim")


@hat("ccsmtl", "GV-10")
def the_coordinator_of_what_their_own_organization_owes(_: Session, cast: Cast) -> Actor:
    return cast.actor("coordinator")


@hat("en-marge", "AG-M1")
def the_machine(_: Session, cast: Cast) -> Actor:
    del cast
    return Actor.system("rounds")


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("name", sorted(HATS))
def test_whoever_owes_a_clause_or_acts_for_them_has_no_part_in_its_waiver(
    cast: Cast, session: Session, name: str
) -> None:
    """Neither proposes it, nor records the decision, nor records the waiver, whichever hat they wear."""
    place, key, wears = HATS[name]
    by = wears(session, cast)
    assert refused_everywhere(session, cast, place, key, by) == {"waiver.own"}


@pytest.mark.ci
def test_who_owes_it_by_now_had_no_part_in_what_was_proposed(cast: Cast, session: Session) -> None:
    """Who proposed the waiver is appointed to the role for days that it would free, before it is recorded."""
    decision = decided(session, cast, "en-marge", "AG-M1", FIRST, LAST)
    people.end_tenure(
        session, tenure(session, cast, "manager_em", "manager"), ends_on=TODAY, by=cast.actor("director_em"), at=AT
    )
    people.appoint(
        session,
        person_id=cast.people["coordinator"],
        role="manager",
        organization_id=cast.organizations["en-marge"],
        starts_on=TODAY + DAY,
        by=cast.actor("director_em"),
        at=AT,
    )
    by = cast.actor("manager_codim")
    assert (
        code_of(partial(recorded, session, cast, "en-marge", "AG-M1", FIRST, LAST, decision, by=by))
        == "waiver.own_proposal"
    )


@pytest.mark.ci
def test_the_manager_of_another_partner_frees_the_coordination_of_its_own_clause(cast: Cast, session: Session) -> None:
    by = cast.actor("manager_em")
    decision = decided(session, cast, "ccsmtl", "GV-6.report", FIRST, LAST, by=by)
    recorded(session, cast, "ccsmtl", "GV-6.report", FIRST, LAST, decision, by=by)
    assert period(session, cast, "ccsmtl", "GV-6.report")["state"] == "waived"


def before_the_committee_again(
    session: Session, cast: Cast, decision: UUID, *come: str, place: str = "anonyme", who: str = "director_la"
) -> partial[UUID]:
    """Have a partner object, and the Steering Committee sit on that with these seats filled; how it is settled."""
    then, by = datetime(2026, 12, 14, 9, 0), cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [then], by=by, at=AT)
    against, speaker = cast.organizations[place], cast.actor(who)
    endorsing.endorse(session, decision, against, "objected", reason="Non.", by=speaker, at=AT)
    here: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.starts == then, _meeting.c.state == "planned")
    ).one()
    at = AT + 21 * DAY
    running.open_meeting(session, here, by=by, at=at)
    for key in come:
        attendance.record(session, here, seat(session, "steering", key), "present", by=by, at=at)
    said = "Le comité maintient sa décision."
    return partial(settling.settle, session, decision, here, settled_as=settling.KEPT, at=at, text_fr=said)


@pytest.mark.ci
def test_who_owes_a_clause_does_not_keep_its_waiver_against_an_objection(cast: Cast, session: Session) -> None:
    decision = decided(session, cast, "ccsmtl", "GV-6.report", FIRST, LAST, by=cast.actor("manager_em"))
    come = (*(one for one in waiving.COME if one != "ccsmtl"), "marie-vincent")
    settle = before_the_committee_again(session, cast, decision, *come)
    assert code_of(partial(settle, by=cast.actor("coordinator"))) == "waiver.own"
    settle(by=cast.actor("manager_em"))
    assert decisions.decision_of(session, decision).endorsement == "endorsed"


@pytest.mark.ci
def test_a_waiver_is_kept_against_an_objection_by_a_quorum_without_the_partner_that_it_frees(
    cast: Cast, session: Session
) -> None:
    decision = decided(session, cast, "codim", "AG-P4", FIRST, LAST)
    settle = before_the_committee_again(session, cast, decision, "ccsmtl", "codim", "spvm", "en-marge")
    assert code_of(partial(settle, by=cast.actor("coordinator"))) == "objection.no_quorum"


@pytest.mark.ci
def test_the_manager_who_frees_the_coordination_settles_what_is_objected_to_it_by_page_and_program(
    cast: Cast, session: Session
) -> None:
    decision = decided(session, cast, "ccsmtl", "GV-6.report", FIRST, LAST, by=cast.actor("manager_em"))
    come = (*(one for one in waiving.COME if one != "ccsmtl"), "marie-vincent")
    settle = before_the_committee_again(session, cast, decision, *come)
    session.commit()
    here, at = str(settle.args[2]), settle.keywords["at"]
    given_ = {"meeting": here, "settled_as": "kept", "text_fr": "Le comité maintient sa décision."}
    answers = {
        who: client_for(cast.database, cast.people[who], at=at).post(f"/decisions/{decision}/settlement", data=given_)
        for who in ("manager_codim", "coordinator", "manager_em")
    }
    assert {who: answer.status_code for who, answer in answers.items()} == {
        "manager_codim": 404,
        "coordinator": 409,
        "manager_em": 303,
    }


def test_a_refusal_says_why_in_both_languages(cast: Cast, session: Session) -> None:
    with pytest.raises(Refusal) as refused:
        proposed(session, cast, "ccsmtl", "GV-6.report", FIRST, LAST)
    assert "You take no part in the waiver of a clause that you owe" in say("en", refused.value.sentence)
    assert "Vous ne participez pas à la dispense" in say("fr", refused.value.sentence)


# ------------------------------------------------------------------------------------------------- what stands again


#: Who sits so that the quorum is there without the coordination's own organization, and does not without it.
APART: Final = (*(one for one in waiving.COME if one != "ccsmtl"), "marie-vincent")
TOO_FEW: Final = ("ccsmtl", "spvm", "en-marge", "anonyme")


def taking_back(session: Session, meeting: UUID, named: UUID, by: Actor, minutes: int, **more: Any) -> UUID:
    """A decision on management, where nothing else is said, that takes one back, some minutes from now."""
    number = decisions.decision_of(session, named).number
    facts: dict[str, Any] = {"text_fr": "Horaire.", "kind": "management", "takes_back": [number], **more}
    return deciding.decide(session, meeting, None, by=by, at=AT + timedelta(minutes=minutes), **facts)


def freed_coordination(session: Session, cast: Cast) -> UUID:
    """The coordination is freed of a clause of its own by the manager who looks at its proofs; the decision's id."""
    by, facts = cast.actor("manager_em"), ("ccsmtl", "GV-6.report", FIRST, LAST)
    decision = decided(session, cast, *facts, by=by)
    recorded(session, cast, *facts, decision, by=by)
    return decision


def is_whole(session: Session, cast: Cast) -> bool:
    """Whether the coordination is freed on each of the days that were decided."""
    found = waivers_of(session, agreement_of(session, cast, "ccsmtl"), "GV-6.report")
    return [(row.starts_on, row.ends_on) for row in found] == [(FIRST, LAST)]


@pytest.mark.ci
@pytest.mark.parametrize("is_endorsed", [True, False])
def test_who_owes_a_clause_does_not_take_back_what_took_back_its_waiver(
    cast: Cast, session: Session, *, is_endorsed: bool
) -> None:
    """Nor while that is pending still, so that it would never come to take it back."""
    decision = freed_coordination(session, cast)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    if is_endorsed:
        endorsed(session, ends)
    assert is_whole(session, cast) is not is_endorsed
    by = cast.actor("coordinator")
    assert code_of(lambda: taking_back(session, meeting, ends, by, 2)) == "waiver.own"
    again = taking_back(session, meeting, ends, cast.actor("manager_em"), 2)
    endorsed(session, again)
    assert is_whole(session, cast)


@pytest.mark.ci
def test_a_waiver_stands_again_by_a_quorum_without_the_partner_that_it_frees(cast: Cast, session: Session) -> None:
    decision = freed_coordination(session, cast)
    meeting = waiving.sitting(session, cast, None, TOO_FEW)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    endorsed(session, ends)
    by = cast.actor("manager_em")
    assert code_of(lambda: taking_back(session, meeting, ends, by, 2)) == "waiver.no_quorum"
    assert not is_whole(session, cast)


@pytest.mark.ci
def test_who_owes_a_clause_takes_back_what_ends_its_waiver_by_turns_and_nothing_by_which_it_stands(
    cast: Cast, session: Session
) -> None:
    """Each takes back the one before: every second one has the waiver stand, and only those are not theirs."""
    last = freed_coordination(session, cast)
    meeting = waiving.sitting(session, cast, None, APART)
    for n in range(1, 5):
        if n % 2 == 0:
            own = partial(taking_back, session, meeting, last, cast.actor("coordinator"), n)
            assert code_of(own) == "waiver.own"
        last = taking_back(session, meeting, last, cast.actor("manager_em" if n % 2 == 0 else "coordinator"), n)
        endorsed(session, last)
        assert is_whole(session, cast) is (n % 2 == 0)


@pytest.mark.ci
def test_who_owes_a_clause_settles_no_objection_by_which_its_waiver_stands(cast: Cast, session: Session) -> None:
    """Neither by taking back what ended it, nor by taking back what keeps that, which a partner objected to."""
    decision = freed_coordination(session, cast)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    endorsed(session, ends)
    running.close_meeting(session, meeting, by=cast.actor("coordinator"), at=AT + timedelta(minutes=5))
    settle = before_the_committee_again(session, cast, ends, *APART)
    back = partial(
        settling.settle, session, ends, settle.args[2], settling.TAKEN_BACK, at=settle.keywords["at"], text_fr="Non."
    )
    assert code_of(partial(back, by=cast.actor("coordinator"))) == "waiver.own"
    with session.begin_nested() as apart:
        back(by=cast.actor("manager_em"))
        assert is_whole(session, cast)
        apart.rollback()
    kept_by = settle(by=cast.actor("coordinator"))  # it ends the waiver, and is theirs to record
    assert not is_whole(session, cast)
    over: Callable[..., Any] = partial(taking_back, session, settle.args[2], kind="other")
    later = 21 * 24 * 60
    assert code_of(lambda: over(kept_by, cast.actor("coordinator"), later + 1)) == "waiver.own"
    again = over(kept_by, cast.actor("manager_em"), later + 1)
    assert is_whole(session, cast), "what ended it is objected to"
    over(again, cast.actor("coordinator"), later + 2)  # that it is settled is theirs again: it ends the waiver


# ------------------------------------------------------------------------------------------------ who endorses its end


#: What the program promises of decisions that the partners endorse.
ENDORSED: Final = {one.sentence for one in promises() if one.look.__module__ == promised.__name__}


def is_freed(session: Session, cast: Cast, place: str = "codim", key: str = "AG-P4") -> bool:
    """Whether a partner is freed of a clause on each of the days that were decided."""
    found = waivers_of(session, agreement_of(session, cast, place), key)
    return [(row.starts_on, row.ends_on) for row in found] == [(FIRST, LAST)]


def say_of(session: Session, cast: Cast, decision: UUID, place: str, who: str, said: str, minutes: int) -> None:
    """What a partner says of a decision by one of the cast, some minutes from now."""
    at, reason = AT + timedelta(minutes=minutes), "Non." if said == "objected" else ""
    endorsing.endorse(session, decision, cast.organizations[place], said, reason=reason, by=cast.actor(who), at=at)


@pytest.mark.ci
def test_a_partner_neither_stops_nor_delays_by_its_word_what_takes_its_waiver_back(
    cast: Cast, session: Session
) -> None:
    decision = freed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    assert is_freed(session, cast)
    asked = {task.links[0].at for task in asking.open_ones(session, ENDORSE, ends)}
    assert str(cast.organizations["codim"]) not in asked
    say_of(session, cast, ends, "codim", "manager_codim", "objected", 2)
    endorsed(session, ends)
    assert not is_freed(session, cast), "by the others' words alone"
    say_of(session, cast, ends, "codim", "manager_codim", "endorsed", 3)
    settle = before_the_committee_again(session, cast, ends, *APART, place="codim", who="manager_codim")
    assert not is_freed(session, cast)
    found = objections.item_that_sits(session, ends)
    assert found is not None, "the committee hears it"
    (item,) = [row for row in items_of(session, surely(found.meeting_id)) if row.id == found.id]
    assert {reason.code for reason in item.reasons} == {"objected_own_waiver"}
    text = decisions.endorsements_in_words(session, [decisions.decision_of(session, ends)])[ends]
    assert text.en == "Endorsed by 5 of 5 partners."
    assert [one for one in broken(session, AT + 21 * DAY) if one.sentence in ENDORSED] == []
    session.commit()
    pages = {
        who: client_for(cast.database, cast.people[who], at=AT + 21 * DAY) for who in ("manager_codim", "manager_em")
    }
    shown = {who: one.get(f"/decisions/{ends}?language=en").text for who, one in pages.items()}
    assert "nothing is suspended: this decision revokes a waiver of your organization" in shown["manager_codim"]
    assert "nothing is suspended" not in shown["manager_em"]
    assert all("not asked: this decision revokes its waiver of a clause" in one for one in shown.values())
    assert all("The meeting that has it on its agenda" in one for one in shown.values())
    settle(settled_as=settling.TAKEN_BACK, by=cast.actor("manager_em"))
    assert is_freed(session, cast), "once the committee settles it so"


@pytest.mark.ci
def test_a_partner_whose_waiver_is_over_is_asked_and_heard_as_any_other(cast: Cast, session: Session) -> None:
    """What names it among what it takes back decides something else, and is written down as of a day of the waiver."""
    over = TODAY - DAY
    decision = freed(session, cast, "codim", "AG-P4", FIRST, over)
    meeting = waiving.sitting(session, cast, None, APART)
    then = session.scalars(select(_meeting.c.starts_at).where(_meeting.c.id == meeting)).one()
    assert then.date() == over
    session.execute(update(_decision).where(_decision.c.id == decision).values(decided_at=then))
    by = cast.actor("coordinator")
    other = taking_back(session, meeting, decision, by, 1, decided_at=then + timedelta(hours=1))
    asked = {task.links[0].at for task in asking.open_ones(session, ENDORSE, other)}
    assert str(cast.organizations["codim"]) in asked
    say_of(session, cast, other, "codim", "manager_codim", "objected", 2)
    endorsed(session, other)
    assert decisions.decision_of(session, other).endorsement == "objected"
    assert [one for one in broken(session, AT + timedelta(minutes=5)) if one.sentence in ENDORSED] == []
    say_of(session, cast, other, "codim", "manager_codim", "endorsed", 6)
    assert decisions.decision_of(session, other).endorsement == "endorsed"
    assert [one for one in broken(session, AT + timedelta(minutes=7)) if one.sentence in ENDORSED] == []


@pytest.mark.ci
def test_each_partner_is_asked_where_what_is_taken_back_frees_nobody_yet_or_several_of_them(
    cast: Cast, session: Session
) -> None:
    by, at = cast.actor("coordinator"), AT + timedelta(minutes=2)
    proposal = proposed(session, cast, "anonyme", "AG-P4", FIRST, LAST)
    meeting = sat_on(session, cast, proposal, APART)
    waiver = waivers.decide(session, proposal, by=by, at=AT)
    other = taking_back(session, meeting, waiver, by, 1)

    def awaited() -> set[str]:
        asked = {one.organization_id for one in endorsements_of(session, other, at=at) if one.word.is_awaited}
        return {place for place, organization in cast.organizations.items() if organization in asked}

    everyone = awaited()
    assert {"anonyme", "codim", "en-marge"} < everyone, "what is only pending frees nobody"
    for n, place in enumerate(sorted(everyone), start=1):
        facts: dict[str, Any] = {
            "key": "AG-P4",
            "starts_on": FIRST,
            "ends_on": LAST,
            "decision_id": waiver,
            "recorded_at": AT,
        }
        agreement = agreement_of(session, cast, place)
        row = Waiver(program_id=cast.program_id, agreement_id=agreement, from_before=True, reason="Oui.", **facts)
        session.add(row)
        session.flush()
        assert awaited() == (everyone - {place} if n == 1 else everyone)


@pytest.mark.ci
def test_an_objection_of_another_partner_has_a_waiver_stand_again_until_it_is_settled(
    cast: Cast, session: Session
) -> None:
    decision = freed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    endorsed(session, ends)
    settle = before_the_committee_again(session, cast, ends, *APART)
    assert is_freed(session, cast)
    settle(by=cast.actor("coordinator"))
    assert not is_freed(session, cast)


@pytest.mark.ci
def test_who_owes_a_clause_speaks_for_no_other_partner_on_its_waiver_nor_on_its_end(
    cast: Cast, session: Session
) -> None:
    """The second representative of the partner that is freed acts for the manager of another."""
    decision = freed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    endorsed(session, ends)
    away(session, cast, "manager_em", "manager_codim", FIRST, FIRST + 40 * DAY)
    by = Actor("manager", cast.people["manager_codim"], cast.organizations["en-marge"], cast.people["manager_em"])
    objects = partial(endorsing.endorse, session, ends, cast.organizations["en-marge"], "objected", reason="Non.")
    assert code_of(partial(objects, by=by, at=AT + timedelta(minutes=2))) == "waiver.own"
    assert not is_freed(session, cast)
    say_of(session, cast, ends, "en-marge", "director_em", "objected", 3)
    assert is_freed(session, cast)


@pytest.mark.ci
def test_who_owes_a_clause_takes_the_word_from_nobody_by_naming_them_for_a_day_to_come(
    cast: Cast, session: Session
) -> None:
    decision = freed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    away(session, cast, "manager_codim", "manager_em", LAST - DAY, LAST - DAY)
    away(session, cast, "manager_codim", "coordinator", LAST, LAST, by="manager_codim")
    away(session, cast, "manager_codim", "director_em", FIRST, FIRST)
    say_of(session, cast, decision, "en-marge", "manager_em", "objected", 1)
    say_of(session, cast, decision, "en-marge", "director_em", "endorsed", 1)
    endorsed(session, ends)
    assert not is_freed(session, cast)


@pytest.mark.ci
def test_who_owes_a_clause_takes_the_word_from_nobody_by_naming_all_who_speak_their_deputies_today(
    cast: Cast, session: Session
) -> None:
    decision = freed(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    away(session, cast, "manager_codim", "manager_em", TODAY, LAST)
    away(session, cast, "director_codim", "director_em", TODAY, LAST)
    say_of(session, cast, decision, "en-marge", "manager_em", "objected", 1)
    say_of(session, cast, decision, "en-marge", "director_em", "endorsed", 1)
    endorsed(session, ends)
    assert not is_freed(session, cast)


@pytest.mark.ci
def test_who_is_to_act_for_the_one_who_owes_on_days_to_come_has_no_hand_in_waiving_those(
    cast: Cast, session: Session
) -> None:
    first, last = TODAY + 8 * DAY, TODAY + 38 * DAY
    away(session, cast, "coordinator", "manager_em", first, last)
    deputy = cast.actor("manager_em")
    assert code_of(partial(decided, session, cast, "ccsmtl", "GV-6.report", first, last, by=deputy)) == "waiver.own"


@pytest.mark.ci
def test_a_waiver_is_not_recorded_while_its_decision_is_being_taken_back(cast: Cast, session: Session) -> None:
    """Else the partner that objects to that one, as it was asked to, would have objected to nothing."""
    decision = decided(session, cast, "codim", "AG-P4", FIRST, LAST)
    meeting = waiving.sitting(session, cast, None, APART)
    ends = taking_back(session, meeting, decision, cast.actor("coordinator"), 1)
    say_of(session, cast, ends, "codim", "manager_codim", "objected", 2)
    record = partial(recorded, session, cast, "codim", "AG-P4", FIRST, LAST, decision)
    assert code_of(record) == "waiver.being_taken_back"
    endorsing.follow_agreements(session, at=AT + DAY)
    assert decisions.decision_of(session, ends).endorsement == "objected"


@pytest.mark.ci
def test_who_owes_a_clause_asks_of_no_partner_to_endorse_the_end_of_its_waiver(cast: Cast, session: Session) -> None:
    """Both were decided as something else than on management, as could be before waivers were proposed."""
    by, meeting = cast.actor("coordinator"), waiving.sitting(session, cast, None, APART)
    decision = deciding.decide(session, meeting, None, text_fr="CODIM est libéré.", kind="other", by=by, at=AT)
    rest_waiver(session, cast, decision, FIRST, LAST)
    ends = taking_back(session, meeting, decision, by, 1, kind="other")
    assert not is_freed(session, cast, key="AG-P2")
    want = partial(endorsing.want_endorsement, session, ends, reason="C’est de la gestion.", at=AT + DAY)
    codim, em = cast.organizations["codim"], cast.organizations["en-marge"]
    for who in ("manager_codim", "director_codim"):
        assert code_of(partial(want, codim, by=cast.actor(who))) == "endorsement.own_waiver"
    assert may_want(session, [decisions.decision_of(session, ends)], [codim, em]) == {ends: [em]}
    assert not is_freed(session, cast, key="AG-P2")
    want(em, by=cast.actor("manager_em"))
    assert is_freed(session, cast, key="AG-P2"), "another partner may, and it waits for them"
    endorsed(session, ends)
    assert not is_freed(session, cast, key="AG-P2")


@pytest.mark.ci
def test_a_majority_frees_a_partner_without_its_own_word(cast: Cast, session: Session) -> None:
    for row in session.execute(select(_version.c.id, _version.c.terms)).all():
        terms = AgreementTerms.read({**row.terms.as_stored(), "decisions": {"majority": "two_thirds"}})
        session.execute(update(_version).where(_version.c.id == row.id).values(terms=terms))
    proposal = proposed(session, cast, "codim", "AG-P4", FIRST, LAST)
    sat_on(session, cast, proposal)
    decision = waivers.decide(session, proposal, by=cast.actor("coordinator"), at=AT)
    for place, who in (("en-marge", "manager_em"), ("anonyme", "manager_la"), ("spvm", "director_spvm")):
        say_of(session, cast, decision, place, who, "endorsed", 1)
    for place, who in (("marie-vincent", "director_mv"), ("ccsmtl", "manager_ccsmtl")):
        say_of(session, cast, decision, place, who, "objected", 2)
    say_of(session, cast, decision, "codim", "manager_codim", "endorsed", 3)
    assert decisions.decision_of(session, decision).endorsement == "objected", "three of five are no two thirds"
    say_of(session, cast, decision, "ccsmtl", "manager_ccsmtl", "endorsed", 4)
    assert decisions.decision_of(session, decision).endorsement == "endorsed"
    assert [one for one in broken(session, AT + timedelta(minutes=5)) if one.sentence in ENDORSED] == []
