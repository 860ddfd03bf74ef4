"""A decision on management counts once the partners endorsed it: silence, objections, hats, and who leaves (GV-4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from email import message_from_bytes
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.agreements import agreements, terminations, version_text
from domain.casework import tasks
from domain.casework.assigning import assign
from domain.kernel.actors import Actor
from domain.kernel.rows import surely
from domain.kernel.scope import local_day
from domain.mail.notices import COORDINATION
from domain.obligations.clauses import waivers
from domain.people import absences, people
from domain.roles.roles import standing
from meetings import (
    agendas,
    assembling,
    deciding,
    decisions,
    endorsements,
    endorsing,
    freezing,
    minutes,
    settling,
    taking_back,
)
from meetings.agenda_items import PresentedItem
from meetings.decision_rows import lock_decision
from meetings.decision_words import endorsement_in_words
from meetings.reasons import in_words
from models.agenda import ItemReason
from models.agreement import AgreementVersion
from models.base import table_of
from models.minutes import Decision
from models.outbox import Notice
from simulation.promises import broken
from tests.agreeing import agreement_of, code_of, in_force, last_version
from tests.cast import AT, Cast
from tests.meetings.endorsed import (
    ASKED,
    DUE,
    all_endorse,
    asked_of,
    decide,
    promises_broken,
    rest_waiver,
    say,
    session,
    stands,
    task_of,
    told,
)
from tests.meetings.meeting_room import MINUTE, NEXT, NEXT_LOCAL, NOW, PRESENT, events_of, items, meeting, opened, sit

__all__ = ["session"]

_version = table_of(AgreementVersion)
_decision = table_of(Decision)
_notice = table_of(Notice)
DAY = timedelta(days=1)
#: After the ten working days that partners have from 20 January 2027, and after the five of being asked again.
ASKED_AGAIN_ON = date(2027, 2, 4)
LATER = NOW + timedelta(days=15)
MUCH_LATER = NOW + timedelta(days=30)


def _waived(session: Session, cast: Cast) -> list[tuple[date, date]]:
    return [(row.starts_on, row.ends_on) for row in waivers(session, agreement_of(session, cast, "codim"))]


def _objections(session: Session) -> list[PresentedItem]:
    """What is objected, on the agenda of the committee's next meeting."""
    return [row for row in items(session, NEXT_LOCAL) if row.kind == "objection"]


@pytest.mark.ci
def test_a_decision_on_management_is_pending_until_every_partner_endorsed_it_and_nothing_rests_on_it_before(
    session: Session, cast: Cast
) -> None:
    owner = {"owner_role": "manager", "owner_organization_id": cast.organizations["codim"], "due_on": DUE}
    decision = decide(session, cast, **owner)
    row = decisions.decision_of(session, decision)
    assert stands(session, decision) == ("pending", False)
    assert set(asked_of(session, decision)) == {str(cast.organizations[place]) for place in ASKED}
    assert task_of(session, surely(row.task_id))["state"] == "planned"
    manager = cast.actor("manager_codim")
    assert (
        code_of(lambda: tasks.complete_task(session, surely(row.task_id), by=manager, at=NOW))
        == "task.rests_on_decision"
    )
    assert code_of(lambda: rest_waiver(session, cast, decision, DUE, DUE + DAY)) == "decision.pending"
    say(session, cast, decision, "codim", "endorsed")
    assert stands(session, decision) == ("pending", False)
    say(session, cast, decision, "en-marge", "endorsed")
    assert stands(session, decision) == ("endorsed", True)
    opened_task = task_of(session, surely(row.task_id))
    assert (opened_task["state"], opened_task["due_on"]) == ("open", DUE)
    assert asked_of(session, decision) == {}
    rest_waiver(session, cast, decision, DUE, DUE + DAY)
    assert [verb for verb, _ in events_of(session, decision)][-1] == "decision.counts"
    assert list(broken(session, NOW + MINUTE)) == []


@pytest.mark.ci
def test_an_objection_suspends_what_rests_on_a_decision_that_counted_and_leaves_what_was_before(
    session: Session, cast: Cast
) -> None:
    owner = {"owner_role": "manager", "owner_organization_id": cast.organizations["codim"], "due_on": DUE}
    decision = decide(session, cast, **owner)
    all_endorse(session, cast, decision)
    first, last = LATER.date(), LATER.date() + 60 * DAY
    rest_waiver(session, cast, decision, first, last)
    assert _waived(session, cast) == [(first, last)]
    say(session, cast, decision, "en-marge", "objected", at=MUCH_LATER)
    assert stands(session, decision) == ("objected", False)
    assert _waived(session, cast) == [(first, local_day(session, MUCH_LATER) - DAY)], "what was before stays"
    task_id = decisions.decision_of(session, decision).task_id
    assert task_of(session, surely(task_id))["state"] == "planned"
    assert code_of(lambda: rest_waiver(session, cast, decision, last + DAY, last + 2 * DAY)) == "decision.objected"
    assert told(session, cast, "decision_objected") == {
        *("coordinator", "manager_codim", "director_codim", "director_em")
    }, "everyone concerned but who objected"
    (item,) = _objections(session)
    assert "En Marge" in in_words(item.reasons, "fr")
    assert code_of(lambda: agendas.take_off(session, item.id, by=cast.actor("coordinator"), at=NOW)) == (
        "agenda.objection_stays"
    )
    number = decisions.decision_of(session, decision).number
    assert code_of(lambda: decide(session, cast, at=MUCH_LATER, takes_back=[number])) == "decision.objected", (
        "it is settled by the committee, and not put aside by whichever decision comes after"
    )
    say(session, cast, decision, "en-marge", "", at=MUCH_LATER + MINUTE)
    assert stands(session, decision) == ("pending", False), "silence is no endorsement"
    assert _objections(session) == []
    say(session, cast, decision, "en-marge", "endorsed", at=MUCH_LATER + 2 * MINUTE)
    assert stands(session, decision) == ("endorsed", True)
    assert _waived(session, cast) == [(first, last)]
    assert task_of(session, surely(task_id))["state"] == "open"
    assert list(broken(session, MUCH_LATER + DAY)) == []


@pytest.mark.ci
def test_what_was_done_by_a_decision_that_is_objected_to_is_not_to_be_done_again_before_it_counts(
    session: Session, cast: Cast
) -> None:
    decision = decide(
        session, cast, owner_role="manager", owner_organization_id=cast.organizations["codim"], due_on=DUE
    )
    all_endorse(session, cast, decision)
    task_id, manager = decisions.decision_of(session, decision).task_id, cast.actor("manager_codim")
    tasks.complete_task(session, surely(task_id), by=manager, at=NOW + 2 * MINUTE)
    say(session, cast, decision, "en-marge", "objected", at=LATER)
    assert task_of(session, surely(task_id))["state"] == "done", "what is done stays done"
    tasks.undo_task(session, surely(task_id), by=manager, at=LATER + MINUTE)
    assert task_of(session, surely(task_id))["state"] == "planned"
    say(session, cast, decision, "en-marge", "endorsed", at=LATER + 2 * MINUTE)
    assert task_of(session, surely(task_id))["state"] == "open"
    assert list(broken(session, LATER + DAY)) == []


@pytest.mark.ci
def test_what_a_step_asks_of_the_committee_is_done_once_the_decision_counts_and_undone_by_an_objection(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    task = assign(session, "ask", "", title_fr="Plan", title_en="Plan", chain=COORDINATION, due_on=DUE, by=by, at=AT)
    item = agendas.ask(
        session,
        *("steering", "report", "x"),
        title_fr="Plan",
        title_en="Plan",
        reasons=[ItemReason("asked", facts={"day": "2026-11-23"})],
        task_id=task,
        by=by,
        at=AT,
    )
    freezing.add_late(session, meeting(session), item, reason="Urgent", by=by, at=NOW)
    all_endorse(session, cast, decide(session, cast, item=item, text_fr="Garder le local."))
    assert task_of(session, task)["state"] == "open", "what is decided beside it is not what is asked"
    decision = decide(session, cast, item=item, grants=True)
    assert task_of(session, task)["state"] == "open"
    all_endorse(session, cast, decision)
    assert (task_of(session, task)["state"], task_of(session, task)["note"]) == ("done", "CD-2027-002")
    say(session, cast, decision, "codim", "objected", at=LATER)
    assert task_of(session, task)["state"] == "open"


@pytest.mark.ci
def test_silence_is_asked_again_once_a_day_at_most_and_then_shown_to_the_committee(
    session: Session, cast: Cast
) -> None:
    first, second = decide(session, cast), decide(session, cast, text_fr="Changer d’horaire.")
    say(session, cast, first, "codim", "endorsed")
    assert endorsing.ask_again(session, ASKED_AGAIN_ON - DAY, at=LATER - DAY) == 0, "the last day is not over"
    assert endorsing.ask_again(session, ASKED_AGAIN_ON, at=LATER) == 2
    assert endorsing.ask_again(session, ASKED_AGAIN_ON, at=LATER) == 0
    (of_first,) = asked_of(session, first).values()
    assert of_first["title_en"] == "Asked again: say whether your organization endorses decision CD-2027-001"
    assert of_first["due_on"] == date(2027, 2, 11)
    assert len(asked_of(session, second)) == 2
    then = meeting(session, NEXT_LOCAL)
    assembling.assemble(session, then, by=cast.actor("coordinator"), at=LATER)
    (one, two) = [row for row in items(session, NEXT_LOCAL) if row.kind == "silence"]
    assert (one.subject, two.subject) == (str(first), str(second))
    assert "En Marge" in in_words(one.reasons, "fr")
    assert "CODIM" not in in_words(one.reasons, "fr")
    say(session, cast, first, "en-marge", "endorsed", at=LATER + MINUTE)
    assembling.assemble(session, then, by=cast.actor("coordinator"), at=LATER + MINUTE)
    assert [row.subject for row in items(session, NEXT_LOCAL) if row.kind == "silence"] == [str(second)]


@pytest.mark.ci
def test_an_objection_after_the_last_day_is_an_objection(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    endorsing.ask_again(session, ASKED_AGAIN_ON, at=LATER)
    say(session, cast, decision, "codim", "endorsed", at=MUCH_LATER)
    say(session, cast, decision, "en-marge", "objected", at=MUCH_LATER)
    assert stands(session, decision) == ("objected", False)
    assert len(_objections(session)) == 1


def _next_sitting(session: Session, cast: Cast, *keys: str) -> UUID:
    here = meeting(session, NEXT_LOCAL)
    freezing.freeze(session, here, by=cast.actor("coordinator"), at=MUCH_LATER + DAY)
    return opened(session, cast, *keys, local=NEXT_LOCAL, at=NEXT)


def _settle(session: Session, cast: Cast, decision: UUID, here: UUID, settled_as: str, **more: Any) -> UUID:
    by = cast.actor("coordinator")
    facts = {"text_fr": "Le comité maintient sa décision.", "at": NEXT + MINUTE}
    return settling.settle(session, decision, here, settled_as, by=by, **{**facts, **more})


@pytest.mark.ci
def test_a_sitting_with_its_quorum_settles_an_objection_by_a_decision_of_its_own(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected", at=MUCH_LATER)
    assert code_of(lambda: _settle(session, cast, decision, meeting(session), settling.KEPT, at=NOW + MINUTE)) == (
        "objection.not_on_agenda"
    ), "what was not announced is not settled"
    here = _next_sitting(session, cast, "ccsmtl", "codim")
    assert code_of(lambda: _settle(session, cast, decision, here, settling.KEPT)) == "objection.no_quorum"
    (item,) = _objections(session)
    assert code_of(lambda: decide(session, cast, meeting=here, item=item.id, at=NEXT)) == "decision.settles_it"
    for key in ("spvm", "en-marge", "anonyme"):
        sit(session, cast, key, local=NEXT_LOCAL, at=NEXT)
    settles = _settle(session, cast, decision, here, settling.KEPT)
    assert stands(session, decision) == ("endorsed", True)
    assert decisions.decision_of(session, settles).settles_id == decision
    assert code_of(lambda: rest_waiver(session, cast, settles, DUE, DUE + DAY)) == "decision.settles_only"
    assert code_of(lambda: say(session, cast, decision, "en-marge", "objected", at=NEXT + 2 * MINUTE)) == (
        "objection.settled"
    )
    assert told(session, cast, "objection_settled") >= {"manager_em", "manager_codim", "director_codim"}
    assert list(broken(session, NEXT + DAY)) == []
    number = decisions.decision_of(session, settles).number
    decide(session, cast, meeting=here, kind="other", at=NEXT + 3 * MINUTE, takes_back=[number])
    assert stands(session, decision) == ("objected", False), "what settled it was taken back"


@pytest.mark.ci
def test_a_sitting_may_take_back_what_is_objected_to(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected", at=MUCH_LATER)
    here = _next_sitting(session, cast, *PRESENT)
    settles = _settle(session, cast, decision, here, settling.TAKEN_BACK)
    row = decisions.decision_of(session, decision)
    assert (row.state, row.withdrawn_by_id) == ("withdrawn", settles)
    assert asked_of(session, decision) == {}
    assert stands(session, decision)[1] is False
    assert list(broken(session, NEXT + DAY)) == []
    # What settled it is taken back: the decision stands as it was, objected to, before the committee and asked about.
    number = decisions.decision_of(session, settles).number
    decide(session, cast, meeting=here, kind="other", at=NEXT + 3 * MINUTE, takes_back=[number])
    row = decisions.decision_of(session, decision)
    assert (row.state, row.withdrawn_by_id, row.closed_at) == ("standing", None, None)
    assert stands(session, decision) == ("objected", False)
    assert asked_of(session, decision).keys() == {str(cast.organizations["codim"])}, "who had said nothing is asked"
    assert list(broken(session, NEXT + DAY)) == []


def test_a_pending_decision_is_taken_back_by_what_says_so_has_its_quorum_and_is_endorsed(
    session: Session, cast: Cast
) -> None:
    at = NOW + 5 * MINUTE
    pending = decide(session, cast, owner_role="coordinator", due_on=DUE)
    number = decisions.decision_of(session, pending).number
    decide(session, cast, kind="other", at=NOW + 2 * MINUTE)
    all_endorse(session, cast, decide(session, cast, at=NOW + 2 * MINUTE), at=NOW + 2 * MINUTE)
    without = decide(session, cast, at=NOW + 2 * MINUTE, takes_back=[number])
    session.execute(update(_decision).where(_decision.c.id == without).values(has_quorum=False))
    all_endorse(session, cast, without, at=NOW + 3 * MINUTE)
    assert _why_not(session, pending, without) == "decision.no_quorum"
    later = decide(session, cast, at=NOW + 2 * MINUTE, takes_back=[number])
    say(session, cast, later, "codim", "endorsed", at=NOW + 3 * MINUTE)
    assert _why_not(session, pending, later) == "decision.pending"
    assert decisions.decision_of(session, pending).state == "open"
    say(session, cast, later, "en-marge", "endorsed", at=NOW + 3 * MINUTE)
    row = decisions.decision_of(session, pending)
    assert (row.state, row.withdrawn_by_id) == ("withdrawn", later)
    assert task_of(session, surely(row.task_id))["state"] == "cancelled"
    assert asked_of(session, pending) == {}
    # An objection to what took it back: the first stands again as it was, and its partners are asked.
    say(session, cast, later, "codim", "objected", at=at + MINUTE)
    row = decisions.decision_of(session, pending)
    assert (row.state, stands(session, pending)) == ("open", ("pending", False))
    assert task_of(session, surely(row.task_id))["state"] == "planned"
    assert len(asked_of(session, pending)) == len(ASKED)
    all_endorse(session, cast, pending, at=at + 2 * MINUTE)
    assert task_of(session, surely(row.task_id))["state"] == "open"
    assert promises_broken(session, at + DAY) == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"takes_back": ["CD-2027-099"]}, "decision.not_to_be_taken_back"),
        ({"takes_back": ["CC-2027-001"]}, "decision.not_to_be_taken_back"),
        ({"kind": "other"}, "decision.endorsed_too"),
    ],
)
def test_a_decision_names_what_it_could_take_back_alone(
    session: Session, cast: Cast, values: dict[str, Any], code: str
) -> None:
    number = decisions.decision_of(session, decide(session, cast)).number
    assert code_of(lambda: decide(session, cast, **{"takes_back": [number], **values})) == code


@pytest.mark.ci
def test_an_objection_to_what_sits_or_is_frozen_is_added_to_that_agenda(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    (item,) = [row for row in items(session) if row.kind == "objection"]
    assert item.late
    settling.settle(
        session,
        decision,
        meeting(session),
        settling.KEPT,
        text_fr="On la garde.",
        by=cast.actor("coordinator"),
        at=NOW + 2 * MINUTE,
    )
    assert stands(session, decision) == ("endorsed", True)


def test_nobody_who_recorded_a_decision_or_coordinates_speaks_for_a_partner_under_any_hat(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    coordinator, codim = cast.people["coordinator"], cast.organizations["codim"]
    as_manager = Actor("manager", coordinator, codim)
    as_deputy = Actor("manager", coordinator, codim, acting_for=cast.people["manager_codim"])
    for by, code in (
        (cast.actor("coordinator"), "endorsement.not_theirs"),
        (as_manager, "endorsement.own"),
        (as_deputy, "endorsement.own"),
        (cast.actor("manager_em"), "endorsement.not_theirs"),
        (Actor("youth_worker", cast.people["worker_codim"], codim), "endorsement.not_theirs"),
    ):
        assert code_of(partial(say, session, cast, decision, "codim", "endorsed", by=by)) == code
    say(session, cast, decision, "codim", "endorsed", by=cast.actor("director_codim"))


@pytest.mark.ci
def test_who_acted_for_the_coordinator_and_recorded_it_leaves_the_word_to_another_of_their_organization(
    session: Session, cast: Cast
) -> None:
    absences.record_absence(
        session,
        person_id=cast.people["coordinator"],
        deputy_id=cast.people["manager_codim"],
        kinds=["tasks", "approvals", "seats"],
        starts_on=NOW.date(),
        ends_on=NOW.date() + 3 * DAY,
        by=cast.actor("coordinator"),
        at=AT,
    )
    recording = Actor(
        "coordinator", cast.people["manager_codim"], cast.organizations["ccsmtl"], cast.people["coordinator"]
    )
    here = meeting(session)
    decision = deciding.decide(session, here, None, text_fr="Louer.", kind="management", by=recording, at=NOW)
    (task,) = [one for place, one in asked_of(session, decision).items() if place == str(cast.organizations["codim"])]
    today = standing(session, local_day(session, NOW))
    assert [one.person_id for one in today.falls(task["links"]).holders] == [cast.people["director_codim"]]
    much_later = NOW + 10 * DAY
    assert code_of(lambda: say(session, cast, decision, "codim", "endorsed", at=much_later)) == "endorsement.own"


@pytest.mark.ci
def test_a_partner_with_neither_manager_nor_director_speaks_by_its_second_representative(
    session: Session, cast: Cast
) -> None:
    deputy, en_marge = cast.actor("deputy"), cast.organizations["en-marge"]
    first = decide(session, cast)
    assert code_of(lambda: say(session, cast, first, "en-marge", "endorsed", by=deputy)) == "endorsement.manager_first"
    for name in ("manager_em", "director_em"):
        _leave(session, cast, name)
    then = NOW + DAY
    say(session, cast, first, "en-marge", "endorsed", by=deputy, at=then)
    _leave(session, cast, "deputy")
    second = decide(session, cast, text_fr="Encore.", at=then)
    today = standing(session, local_day(session, then))
    row = decisions.decision_of(session, second)
    assert endorsements.nobody_speaks_for(session, today, row, en_marge, at=then)
    falls = today.falls(asked_of(session, second)[str(en_marge)]["links"])
    assert falls.vacant
    assert [one.person_id for one in falls.holders] == [cast.people["coordinator"]], "it is on the board as vacant"
    say(session, cast, second, "codim", "endorsed", at=then)
    assert stands(session, second) == ("pending", False), "nobody says it for them"


@pytest.mark.ci
def test_a_deputy_says_it_for_who_is_away_and_one_person_says_each_of_two_partners_apart(
    session: Session, cast: Cast
) -> None:
    for place in ("spvm", "marie-vincent"):
        in_force(session, cast, place)
    decision = decide(session, cast)
    both = cast.people["manager_two"]
    for place in ("spvm", "marie-vincent"):
        say(session, cast, decision, place, "endorsed", by=Actor("manager", both, cast.organizations[place]))
        said = {one.organization_id: one.said for one in endorsements.endorsements_of(session, decision)}
        assert said[cast.organizations["marie-vincent"]] == ("endorsed" if place == "marie-vincent" else "")
    deputy = Actor("manager", cast.people["deputy"], cast.organizations["en-marge"], cast.people["manager_em"])
    say(session, cast, decision, "en-marge", "objected", by=deputy)
    (word,) = [one for one in endorsements.endorsements_of(session, decision) if one.said == "objected"]
    assert (word.said_by, word.said_for) == (cast.people["deputy"], cast.people["manager_em"])


def test_who_leaves_is_not_waited_for_and_who_joins_is_not_asked(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    in_force(session, cast, "anonyme", since=NOW.date() + DAY)
    assert len(endorsements.endorsements_of(session, decision)) == len(ASKED)
    version, by = last_version(session, cast), cast.actor("coordinator")
    terminations.end_version(session, version, ends_on=NOW.date() + 3 * DAY, by=by, at=NOW + MINUTE)
    assert endorsing.follow_agreements(session, at=NOW + 3 * DAY) == 0, "its last day counts"
    assert endorsing.follow_agreements(session, at=NOW + 4 * DAY) == 1
    assert stands(session, decision) == ("endorsed", True)
    assert asked_of(session, decision) == {}
    assert code_of(lambda: say(session, cast, decision, "en-marge", "endorsed", at=NOW + 5 * DAY)) == (
        "endorsement.no_partner"
    )


def _renewed(session: Session, cast: Cast, first: date, *, at: datetime) -> None:
    """Have another version of En Marge's agreement begin on a day, signed and settled now."""
    by = cast.actor("coordinator")
    content = version_text.content_of_version(session, last_version(session, cast))
    version = agreements.draft_version(session, agreement_of(session, cast), content, by=by, at=at)
    agreements.send_version(session, version, by=by, at=at)
    director = cast.people["director_em"]
    agreements.sign_version(session, version, director_id=director, signed_on=at.date(), by=by, at=at)
    agreements.start_version(session, version, starts_on=first, by=by, at=at)


@pytest.mark.ci
@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_partner_whose_agreement_has_a_gap_is_waited_for_or_asked_again_once_it_is_back(
    session: Session, cast: Cast, *, is_foreseen: bool
) -> None:
    decision, en_marge = decide(session, cast), str(cast.organizations["en-marge"])
    last = (NOW + 5 * DAY).date()
    version, by = last_version(session, cast), cast.actor("coordinator")
    terminations.end_version(session, version, ends_on=last, by=by, at=NOW + MINUTE, shorter_agreed=True)
    if is_foreseen:
        _renewed(session, cast, last + 2 * DAY, at=NOW + MINUTE)
        say(session, cast, decision, "codim", "endorsed")
    for days in (5, 6):
        endorsing.follow_agreements(session, at=NOW + days * DAY)
        assert (en_marge in asked_of(session, decision)) is (is_foreseen or days == 5)
        assert stands(session, decision) == ("pending", False)
    if not is_foreseen:
        _renewed(session, cast, last + 2 * DAY, at=NOW + 6 * DAY + MINUTE)
    back = NOW + 8 * DAY
    endorsing.follow_agreements(session, at=back)
    assert en_marge in asked_of(session, decision)
    assert list(broken(session, back)) == []
    for place in ASKED:
        say(session, cast, decision, place, "endorsed", at=back + MINUTE)
    assert stands(session, decision) == ("endorsed", True)
    assert asked_of(session, decision) == {}


@pytest.mark.ci
def test_what_nobody_can_endorse_any_more_comes_before_the_committee(session: Session, cast: Cast) -> None:
    decision, by = decide(session, cast), cast.actor("coordinator")
    for place in ASKED:
        version = last_version(session, cast, place)
        terminations.end_version(session, version, ends_on=NOW.date(), by=by, at=NOW + MINUTE, shorter_agreed=True)
    endorsing.follow_agreements(session, at=NOW + DAY)
    assert (stands(session, decision), asked_of(session, decision)) == (("pending", False), {})
    assembling.assemble(session, meeting(session, NEXT_LOCAL), by=by, at=NOW + DAY)
    (item,) = [row for row in items(session, NEXT_LOCAL) if row.subject == str(decision)]
    assert [reason.code for reason in item.reasons] == ["nobody_left"]
    assert list(broken(session, NOW + DAY)) == []


@pytest.mark.ci
def test_what_is_recorded_afterwards_is_asked_of_the_partners_of_both_days(session: Session, cast: Cast) -> None:
    in_force(session, cast, "anonyme", since=NOW.date() + DAY)
    afterwards = decide(session, cast, at=NOW + 2 * DAY, decided_at=NOW + MINUTE)
    assert str(cast.organizations["anonyme"]) in asked_of(session, afterwards)
    assert len(asked_of(session, afterwards)) == len(ASKED) + 1


@pytest.mark.ci
def test_what_counts_by_a_majority_goes_on_counting_where_one_of_it_leaves(session: Session, cast: Cast) -> None:
    in_force(session, cast, "anonyme")
    _majority(session, cast, "codim", "en-marge", "anonyme")
    decision = decide(session, cast)
    all_endorse(session, cast, decision)
    say(session, cast, decision, "anonyme", "objected", by=cast.actor("manager_la"), at=NOW + 2 * MINUTE)
    version, by = last_version(session, cast, "codim"), cast.actor("coordinator")
    terminations.end_version(session, version, ends_on=NOW.date(), by=by, at=NOW + 3 * MINUTE, shorter_agreed=True)
    endorsing.follow_agreements(session, at=NOW + DAY)
    assert stands(session, decision) == ("endorsed", True)
    assert list(broken(session, NOW + DAY)) == []


@pytest.mark.ci
@pytest.mark.parametrize("words", [".", "ʼ"])
def test_words_that_say_nothing_decide_and_settle_nothing(session: Session, cast: Cast, words: str) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    assert code_of(lambda: decide(session, cast, text_fr=words, text_en="")) == "decision.empty"
    by, here, at = cast.actor("coordinator"), meeting(session), NOW + 5 * MINUTE
    settle = partial(settling.settle, session, decision, here, settling.KEPT, text_fr=words, by=by, at=at)
    assert code_of(settle) == "decision.empty"
    assert code_of(lambda: say(session, cast, decision, "codim", "objected", reason=words)) == "reason.missing"


@pytest.mark.ci
def test_the_objection_of_a_partner_that_leaves_stays_until_it_is_settled(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "en-marge", "objected")
    version, by = last_version(session, cast), cast.actor("coordinator")
    terminations.end_version(session, version, ends_on=NOW.date() + DAY, by=by, at=NOW + MINUTE)
    endorsing.follow_agreements(session, at=NOW + 5 * DAY)
    assert stands(session, decision) == ("objected", False)


def _majority(session: Session, cast: Cast, *places: str, name: str = "more_than_half") -> None:
    """Have these agreements let a majority suffice, in the rows: the text that binds is another test's."""
    for place in places:
        session.execute(
            update(_version)
            .where(_version.c.id == last_version(session, cast, place))
            .values(terms=_version.c.terms.op("||")(text(f"""'{{"decisions": {{"majority": "{name}"}}}}'::jsonb""")))
        )


@pytest.mark.ci
def test_a_majority_suffices_where_every_agreement_says_so_and_a_later_text_changes_only_later_decisions(
    session: Session, cast: Cast
) -> None:
    in_force(session, cast, "anonyme")
    before = decide(session, cast)
    _majority(session, cast, "codim", "en-marge", "anonyme")
    after = decide(session, cast, text_fr="Encore.")
    for decision in (before, after):
        all_endorse(session, cast, decision)
    assert stands(session, before) == ("pending", False)
    assert stands(session, after) == ("endorsed", True)
    say(session, cast, after, "anonyme", "objected", by=cast.actor("manager_la"), at=NOW + 2 * MINUTE)
    assert stands(session, after) == ("endorsed", True), "it is outvoted, as its agreement says"
    (reason,) = next(row for row in items(session) if row.kind == "objection").reasons
    assert reason.code == "objected_in_vain", "and heard all the same"
    assert list(broken(session, NOW + 3 * MINUTE)) == []


@pytest.mark.ci
def test_a_word_is_taken_back_while_a_decision_is_pending_and_not_once_it_counts(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    say(session, cast, decision, "codim", "")
    assert set(asked_of(session, decision)) == {str(cast.organizations[place]) for place in ASKED}
    assert code_of(lambda: say(session, cast, decision, "codim", "")) == "endorsement.nothing_said"
    all_endorse(session, cast, decision, at=NOW + 2 * MINUTE)
    assert code_of(lambda: say(session, cast, decision, "codim", "")) == "endorsement.binds"
    said = endorsements.words_before(session, decision)
    assert [(row.said, row.organization) for row in said] == [("endorsed", "CODIM")]


@pytest.mark.ci
def test_a_partner_may_ask_that_a_decision_of_another_kind_be_endorsed_and_it_counts_no_more_until_then(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast, kind="other", why_not_management="Une question de café.")
    row = decisions.decision_of(session, decision)
    assert stands(session, decision) == ("not_asked", True)
    assert "Une question de café." in endorsement_in_words(row, ()).fr
    assert [one.id for one in decisions.not_to_endorse(session, NOW.date())] == [decision]
    rest_waiver(session, cast, decision, NOW.date() - 5 * DAY, NOW.date() + 60 * DAY)
    codim, by = cast.organizations["codim"], cast.actor("manager_codim")

    def want(by: Actor = by, reason: str = "C’est de la gestion.", place: UUID = codim) -> None:
        endorsing.want_endorsement(session, decision, place, reason=reason, by=by, at=LATER)

    assert code_of(lambda: want(by=cast.actor("coordinator"))) == "endorsement.not_theirs"
    assert code_of(lambda: want(reason=" ")) == "reason.missing"
    for nothing in (".", "…", "\u200b"):
        objects = partial(say, session, cast, decide(session, cast), "codim", "objected", reason=nothing)
        assert code_of(objects) == "reason.missing"
    assert code_of(lambda: want(place=cast.organizations["anonyme"])) == "endorsement.not_asked"
    want()
    assert stands(session, decision) == ("pending", False)
    assert _waived(session, cast) == [(NOW.date() - 5 * DAY, local_day(session, LATER) - DAY)]
    assert code_of(want) == "endorsement.not_to_be_asked"
    all_endorse(session, cast, decision, at=LATER + MINUTE)
    assert stands(session, decision) == ("endorsed", True)
    assert list(broken(session, LATER + DAY)) == []


def _why_not(session: Session, decision: UUID, later: UUID) -> str:
    """Why a decision is not taken back by a later one that says so."""
    refusal = taking_back.why_not(session, *(lock_decision(session, one) for one in (decision, later)))
    return "" if refusal is None else refusal.code


@pytest.mark.ci
def test_what_the_partners_endorsed_is_not_taken_back_by_less(session: Session, cast: Cast) -> None:
    at = NOW + 5 * MINUTE
    decision = decide(session, cast)
    all_endorse(session, cast, decision)
    number = decisions.decision_of(session, decision).number
    assert code_of(lambda: decide(session, cast, kind="other", takes_back=[number])) == "decision.endorsed_too"
    other = decide(session, cast, at=NOW + 2 * MINUTE)
    all_endorse(session, cast, other, at=NOW + 2 * MINUTE)
    pending = decide(session, cast, at=NOW + 3 * MINUTE, takes_back=[number])
    say(session, cast, pending, "codim", "endorsed", at=NOW + 4 * MINUTE)
    assert stands(session, decision) == ("endorsed", True)
    say(session, cast, pending, "en-marge", "endorsed", at=NOW + 4 * MINUTE)
    assert stands(session, decision) == ("endorsed", False)
    assert code_of(lambda: say(session, cast, decision, "codim", "objected", at=at)) == "decision.not_endorsed"


@pytest.mark.ci
def test_pages_papers_and_minutes_say_it_in_the_same_words(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected")
    row = decisions.decision_of(session, decision)
    words = decisions.endorsements_in_words(session, [row])[decision]
    assert words.en == "Objected: by En Marge 12-17. Anything based on it is suspended until this is settled."
    assert words.fr.startswith("Contestée\N{NO-BREAK SPACE}: par En Marge 12-17.")
    paper = decisions.register_paper(session, row.committee_id, 2027, NOW.date())
    assert (paper.decisions[0].state, paper.decisions[0].endorsement) == ("objected", words)
    assert minutes.recorded(session, meeting(session)).decisions[0].endorsement == words


@pytest.mark.ci
def test_the_letters_of_an_objection_hold_no_reason(session: Session, cast: Cast) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "en-marge", "objected", reason="Le budget-mystère déborde.")
    rows = session.execute(
        select(_notice.c.message, _notice.c.person_id).where(_notice.c.template == "decision_objected")
    )
    letters = [message_from_bytes(bytes(row.message)).as_string() for row in rows]
    assert letters
    assert not any("mystère" in letter or "myst=" in letter for letter in letters)


def _leave(session: Session, cast: Cast, name: str) -> None:
    today = standing(session, NOW.date())
    for held in today.roles_of(cast.people[name]):
        people.end_tenure(session, held.id, ends_on=NOW.date(), by=cast.actor("coordinator"), at=NOW)
