"""Decisions have a number, a quorum, an owner and a day, and stay until their task is done or a later one ends them."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.casework import board, tasks, vacancies
from domain.casework.assigning import assign
from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.kernel.scope import local_day
from domain.mail.notices import COORDINATION
from domain.roles.roles import standing
from meetings import agenda_papers, agendas, assembling, deciding, decisions, running
from meetings.asked_partners import ENDORSE
from meetings.committees import committee_of
from meetings.decision_rows import RegisteredDecision
from meetings.endorsements import endorsements_of
from meetings.endorsing import endorse
from models.agenda import AgendaItem, ItemReason
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.casework import Responsibility, Task
from models.program import Tenure
from tests.cast import AT, SINCE, Cast
from tests.meetings.meeting_room import (
    MINUTE,
    NEXT,
    NEXT_LOCAL,
    NOW,
    PRESENT,
    arrange,
    events_of,
    items,
    meeting,
    opened,
    session,
    sit,
)

__all__ = ["session"]

_item = table_of(AgendaItem)
_task = table_of(Task)
_chain = table_of(Responsibility)
_tenure = table_of(Tenure)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)

DUE = date(2027, 3, 1)


def _decide(session: Session, cast: Cast, **more: Any) -> UUID:
    facts = {"text_fr": "Louer le local.", "text_en": "Rent the room.", "by": cast.actor("coordinator"), "at": NOW}
    return deciding.decide(session, more.pop("meeting", meeting(session)), more.pop("item", None), **{**facts, **more})


def _owed(session: Session, cast: Cast, **more: Any) -> RegisteredDecision:
    owner = {"owner_role": "manager", "owner_organization_id": cast.organizations["codim"], "due_on": DUE}
    return decisions.decision_of(session, _decide(session, cast, **{**owner, **more}))


def _task_of(session: Session, task_id: UUID | None) -> dict[str, Any]:
    found = session.execute(
        select(_task).where(_task.c.program_id == session.info["program_id"], _task.c.id == task_id)
    )
    return dict(found.mappings().one())


def test_a_decision_that_nobody_owes_stands_with_its_number_and_quorum(session: Session, cast: Cast) -> None:
    opened(session, cast, *PRESENT)
    row = decisions.decision_of(session, _decide(session, cast, item=items(session)[0].id))
    assert (row.number, row.state, row.has_quorum) == ("CD-2027-001", "standing", True)
    assert (row.quorum.seats_present, row.quorum.seats_needed) == (5, 4)
    assert items(session)[0].outcome == "decided"
    second = decisions.decision_of(session, _decide(session, cast, item=items(session)[0].id))
    assert second.number == "CD-2027-002"


def test_a_decision_taken_after_too_many_left_is_stamped_without_quorum(session: Session, cast: Cast) -> None:
    opened(session, cast, "ccsmtl", "codim", "spvm", "anonyme")
    before = decisions.decision_of(session, _decide(session, cast))
    sit(session, cast, "codim", "present", left_at=NOW + 30 * MINUTE)
    after = decisions.decision_of(session, _decide(session, cast, at=NOW + 31 * MINUTE))
    assert (before.has_quorum, after.has_quorum) == (True, False)
    assert after.quorum.left == ("steering.codim",)
    assert decisions.decision_of(session, before.id).has_quorum


def test_a_decision_that_is_recorded_later_has_the_quorum_of_when_it_was_taken(session: Session, cast: Cast) -> None:
    opened(session, cast, "ccsmtl", "codim", "spvm", "anonyme")
    sit(session, cast, "codim", "present", left_at=NOW + 30 * MINUTE)
    days_later = NOW + timedelta(days=6)
    taken = NOW + 20 * MINUTE
    row = _owed(session, cast, decided_at=taken, at=days_later, due_on=NOW.date() + timedelta(days=1))
    assert (row.has_quorum, row.decided_at) == (True, taken)
    assert not decisions.decision_of(session, _decide(session, cast, at=days_later)).has_quorum
    for when in (days_later + MINUTE, NOW - timedelta(hours=1)):
        with pytest.raises(Refusal) as refused:
            _decide(session, cast, decided_at=when, at=days_later)
        assert refused.value.code == "decision.when"


def test_a_decision_of_a_meeting_that_was_opened_early_may_be_of_the_minute_in_which_it_was(
    session: Session, cast: Cast
) -> None:
    early = NOW - timedelta(minutes=18)
    opened(session, cast, *PRESENT, at=early + timedelta(seconds=40))
    row = decisions.decision_of(session, _decide(session, cast, decided_at=early, at=early + 2 * MINUTE))
    assert (row.decided_at, row.has_quorum) == (early, True)
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, decided_at=early - MINUTE, at=early + 2 * MINUTE)
    assert refused.value.code == "decision.when"


def test_a_treated_item_may_still_be_decided_and_a_carried_one_is_corrected_first(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    treated, carried, _ = items(session)
    running.treat(session, treated.id, "treated", by=by, at=NOW)
    running.treat(session, carried.id, "carried", by=by, at=NOW)
    _decide(session, cast, item=treated.id)
    assert items(session)[0].outcome == "decided"
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, item=carried.id)
    assert refused.value.code == "decision.item_settled"


def test_an_owned_decision_opens_a_task_that_reminds_and_falls_on_the_role(session: Session, cast: Cast) -> None:
    opened(session, cast, *PRESENT)
    row = _owed(session, cast)
    task = _task_of(session, row.task_id)
    assert (task["title_fr"], task["title_en"]) == ("Décision CD-2027-001", "Decision CD-2027-001")
    assert (task["case_id"], task["state"], task["due_on"]) == (None, "open", DUE)
    assert task["ladder"] == [date(2027, 2, 25), date(2027, 3, 1), date(2027, 3, 4), date(2027, 3, 10)]
    today = standing(session, local_day(session, NOW))
    mine = board.work(session, board.hats_of(session, today, cast.people["manager_codim"]))
    assert [one.id for one in mine] == [task["id"]]
    assert (row.owner_fr, row.owner_organization) != ("", "")


def test_a_decision_whose_owners_role_is_vacant_is_seen_by_the_coordinator_at_once(
    session: Session, cast: Cast
) -> None:
    codim = cast.organizations["codim"]
    session.execute(
        update(_tenure)
        .where(_tenure.c.role == "manager", _tenure.c.organization_id == codim)
        .values(ends_on=NOW.date() - timedelta(days=5))
    )
    opened(session, cast, "ccsmtl", "spvm", "en-marge", "anonyme")
    row = _owed(session, cast)
    today = standing(session, local_day(session, NOW))
    falls = today.falls(board.chains(session, [_task_of(session, row.task_id)["owed_by_id"]]).popitem()[1])
    assert falls.vacant
    assert [one.person_id for one in falls.holders] == [cast.people["coordinator"]]
    (vacant,) = [
        one
        for one in vacancies.find(session, today)
        if (one.kind, one.role, one.organization_id) == ("role", "manager", codim)
    ]
    assert vacant.tasks == 1
    tasks.complete_task(session, surely(row.task_id), by=cast.actor("coordinator"), at=NEXT)
    assert decisions.decision_of(session, row.id).state == "done"


def test_completing_the_task_closes_the_decision_and_undoing_opens_it_again(session: Session, cast: Cast) -> None:
    opened(session, cast, *PRESENT)
    row = _owed(session, cast)
    steering = row.committee_id
    (late,) = decisions.open_in(session, [steering])
    late = decisions.with_age(session, late, DUE + timedelta(days=3))
    assert late.age_days == 43
    manager = cast.actor("manager_codim")
    tasks.complete_task(session, surely(row.task_id), by=manager, at=NEXT)
    done = decisions.decision_of(session, row.id)
    assert (done.state, done.closed_at, done.closed_as) == ("done", NEXT, "manager")
    assert decisions.open_in(session, [steering]) == []
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, takes_back=[row.number])
    assert refused.value.code == "decision.not_to_be_taken_back"
    tasks.undo_task(session, surely(row.task_id), by=manager, at=NEXT + MINUTE)
    again = decisions.decision_of(session, row.id)
    assert (again.state, again.closed_at) == ("open", None)


def test_a_later_decision_withdraws_one_and_nobody_owes_its_task_any_more(session: Session, cast: Cast) -> None:
    opened(session, cast, *PRESENT)
    first = _owed(session, cast)
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, at=NOW + MINUTE, decided_at=NOW - MINUTE, takes_back=[first.number])
    assert refused.value.code == "decision.not_later"
    second = _decide(session, cast, at=NOW + MINUTE, takes_back=[first.number, first.number])
    gone = decisions.decision_of(session, first.id)
    assert (gone.state, gone.withdrawn_by_id, _task_of(session, gone.task_id)["state"]) == (
        "withdrawn",
        second,
        "cancelled",
    )
    assert (gone.closed_at, gone.closed_as) == (NOW + MINUTE, "coordinator")
    assert [verb for verb, _ in events_of(session, first.id)] == ["decision.made", "decision.withdrawn"]
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, at=NOW + MINUTE, takes_back=[first.number])
    assert refused.value.code == "decision.not_to_be_taken_back"
    assert [row.state for row in decisions.registers(session, [gone.committee_id], 2027)] == ["withdrawn", "standing"]


def test_an_item_that_was_asked_for_with_a_task_completes_it_by_the_decision(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    task = assign(session, "ask", "", title_fr="Demander", title_en="Ask", chain=COORDINATION, due_on=DUE, by=by, at=AT)
    item = agendas.ask(
        session,
        "steering",
        "report",
        "x",
        title_fr="Rapport",
        title_en="Report",
        reasons=[ItemReason("asked", facts={"day": "2026-11-23"})],
        task_id=task,
        by=by,
        at=AT,
    )
    second = meeting(session, NEXT_LOCAL)
    agendas.put_on(session, item, second, by=by, at=AT)
    running.open_meeting(session, second, by=by, at=NEXT)
    _decide(session, cast, meeting=second, item=item, at=NEXT, text_fr="Le local est gardé.")
    assert _task_of(session, task)["state"] == "open", "it decides something else"
    grants = {"meeting": second, "item": item, "at": NEXT, "grants": True}
    for wrong, code in ((grants, "decision.grants_with_quorum"), (grants | {"item": None}, "decision.nothing_asked")):
        with pytest.raises(Refusal) as refused:
            _decide(session, cast, **wrong)
        assert refused.value.code == code
    for key in PRESENT:
        sit(session, cast, key, at=NEXT, local=NEXT_LOCAL)
    _decide(session, cast, **grants)
    assert _task_of(session, task)["state"] == "done"
    assert _task_of(session, task)["note"] == "CD-2027-002"


def test_what_the_partners_endorse_is_done_by_a_decision_on_management_alone(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    task = assign(
        session,
        "ask",
        "",
        title_fr="Plan",
        title_en="Plan",
        chain=COORDINATION,
        due_on=DUE,
        sources=["GV-9", "GV-4"],
        by=by,
        at=AT,
    )
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
    second = meeting(session, NEXT_LOCAL)
    agendas.put_on(session, item, second, by=by, at=AT)
    opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    for kind in ("other", "clinical"):
        with pytest.raises(Refusal) as refused:
            _decide(session, cast, meeting=second, item=item, at=NEXT, grants=True, kind=kind)
        assert refused.value.code == "decision.to_be_endorsed"
    _decide(session, cast, meeting=second, item=item, at=NEXT, grants=True, kind="management")
    assert _task_of(session, task)["state"] == "done", "nobody's agreement is in force: it counts"


@pytest.mark.ci
def test_two_connections_that_decide_at_once_take_numbers_without_a_gap_or_a_double(cast: Cast) -> None:
    with cast.session() as setting:
        arrange(setting, cast)
        rooms = [opened(setting, cast, local=NEXT_LOCAL, at=NEXT), opened(setting, cast)]
    barrier = threading.Barrier(2)
    failed: list[Exception] = []

    def decide(room: UUID) -> None:
        try:
            barrier.wait(10)
            for _ in range(5):
                with cast.session() as session:
                    _decide(session, cast, meeting=room, at=NEXT)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=decide, args=(room,)) for room in rooms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    with cast.session() as session:
        steering = committee_of(session, "steering").id
        numbers = [row.number for row in decisions.registers(session, [steering], 2027)]
    assert numbers == [f"CD-2027-{n:03d}" for n in range(1, 11)]


def test_a_number_that_was_rolled_back_is_taken_by_the_next(session: Session, cast: Cast) -> None:
    opened(session, cast)
    with session.begin_nested() as point:
        _decide(session, cast)
        point.rollback()
    assert decisions.decision_of(session, _decide(session, cast)).number == "CD-2027-001"


@pytest.mark.ci
def test_every_partner_with_an_agreement_in_force_is_asked_to_endorse_a_management_decision(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("manager_codim")
    _in_force(session, cast, "codim", "en-marge")
    opened(session, cast, *PRESENT)
    row = decisions.decision_of(session, _decide(session, cast, kind="management"))
    assert row.needs_endorsement
    asked = {one.organization_id: one.said for one in endorsements_of(session, row.id)}
    codim, en_marge = cast.organizations["codim"], cast.organizations["en-marge"]
    assert asked == {codim: "", en_marge: ""}
    with pytest.raises(Refusal) as refused:
        endorse(session, row.id, codim, "objected", by=by, at=NOW)
    assert refused.value.code == "reason.missing"
    endorse(session, row.id, codim, "objected", reason="Trop cher.", by=by, at=NOW, seen=0)
    with pytest.raises(Refusal) as refused:
        endorse(session, row.id, codim, "endorsed", by=by, at=NOW, seen=0)
    assert refused.value.code == "decision.changed"
    endorse(session, row.id, codim, "endorsed", by=by, at=NEXT, seen=1)
    with pytest.raises(Refusal) as refused:
        endorse(session, row.id, cast.organizations["anonyme"], "endorsed", by=cast.actor("manager_la"), at=NOW)
    assert refused.value.code == "endorsement.not_asked"
    asked = {one.organization_id: one.said for one in endorsements_of(session, row.id)}
    assert asked == {codim: "endorsed", en_marge: ""}
    told = [(verb, facts["before"]) for verb, facts in events_of(session, row.id) if "organization" in facts]
    assert told == [("decision.objected", ""), ("decision.endorsed", "objected")]
    assert all("cher" not in str(facts) for _, facts in events_of(session, row.id))
    paper = decisions.register_paper(session, row.committee_id, 2027, NEXT_LOCAL.date())
    assert "1" in paper.decisions[0].endorsement.fr
    assert "2" in paper.decisions[0].endorsement.fr


def test_a_clinical_decision_is_not_endorsed(session: Session, cast: Cast) -> None:
    _in_force(session, cast, "codim")
    opened(session, cast, *PRESENT)
    decision = _decide(session, cast, kind="clinical")
    assert endorsements_of(session, decision) == ()
    with pytest.raises(Refusal) as refused:
        endorse(session, decision, cast.organizations["codim"], "endorsed", by=cast.actor("coordinator"), at=NOW)
    assert refused.value.code == "decision.not_endorsed"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"text_fr": " ", "text_en": ""}, "decision.empty"),
        ({"kind": "whim"}, "decision.kind"),
        ({"owner_role": "manager"}, "decision.due"),
        ({"owner_role": "manager", "due_on": NOW.date() - timedelta(days=1)}, "decision.due"),
        ({"due_on": DUE}, "decision.no_owner"),
        ({"owner_role": "astronaut", "due_on": DUE}, "decision.no_role"),
        ({"owner_role": "manager", "due_on": DUE, "owner_organization_id": UUID(int=1)}, "decision.no_organization"),
        ({"owner_role": "manager", "due_on": date(9999, 1, 1)}, "day.out_of_reach"),
    ],
)
def test_a_decision_that_says_too_little_or_something_unknown_is_refused(
    session: Session, cast: Cast, changed: dict[str, Any], code: str
) -> None:
    opened(session, cast)
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, **changed)
    assert refused.value.code == code


def test_nothing_is_decided_before_the_meeting_nor_on_an_item_of_another(session: Session, cast: Cast) -> None:
    with pytest.raises(Refusal) as refused:
        _decide(session, cast)
    assert refused.value.code == "decision.not_under_way"
    second = opened(session, cast, local=NEXT_LOCAL, at=NEXT)
    with pytest.raises(Refusal) as refused:
        _decide(session, cast, meeting=second, item=items(session)[0].id, at=NEXT)
    assert refused.value.code == "agenda.not_on_this"


def test_an_open_decision_comes_back_on_the_next_agenda_until_its_task_is_done(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    opened(session, cast, *PRESENT)
    row = _owed(session, cast)
    second = meeting(session, NEXT_LOCAL)
    assembling.assemble(session, second, by=by, at=NOW + MINUTE)
    subjects = [one.subject for one in items(session, NEXT_LOCAL) if one.kind == "decision"]
    assert subjects == [str(row.id)]
    tasks.complete_task(session, surely(row.task_id), by=cast.actor("manager_codim"), at=NOW + 2 * MINUTE)
    assembling.assemble(session, second, by=by, at=NOW + 3 * MINUTE)
    assert [one.subject for one in items(session, NEXT_LOCAL) if one.kind == "decision"] == []


def test_the_words_of_a_decision_reach_nobody_on_the_next_agenda_who_may_not_read_what_it_was_taken_on(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    item = items(session)[0].id
    session.execute(update(_item).where(_item.c.id == item).values(audience="partners"))
    opened(session, cast, *PRESENT)
    _owed(session, cast, item=item)
    _owed(session, cast, text_fr="Aérer la salle.", text_en="Air the room.")
    second = meeting(session, NEXT_LOCAL)
    assembling.assemble(session, second, by=by, at=NOW + MINUTE)
    read = {
        audience: {line.title.en for line in agenda_papers.content(session, second, audience=audience).items}
        for audience in ("invited", "partners")
    }
    assert {"Decision CD-2027-001: Rent the room.", "Decision CD-2027-002: Air the room."} <= read["partners"]
    assert not any("Rent the room" in title for title in read["invited"])
    assert "Decision CD-2027-002: Air the room." in read["invited"], "it was taken on nothing that is kept from them"


def _asked_of(session: Session, cast: Cast, decision: UUID) -> dict[str, str]:
    """On whom a partner's answer to a decision falls, and how its task stands."""
    name = {person: key for key, person in cast.people.items()}
    rows = session.execute(
        select(_task.c.state, _chain.c.links)
        .join(_chain, (_chain.c.program_id == _task.c.program_id) & (_chain.c.id == _task.c.owed_by_id))
        .where(_task.c.step == ENDORSE, _task.c.item == str(decision))
    )
    then = standing(session, local_day(session, NOW))
    return {name[then.falls(row.links).holders[0].person_id]: row.state for row in rows}


@pytest.mark.ci
def test_each_partner_has_a_task_to_endorse_a_management_decision_until_it_has_said_so_or_nothing_is_asked(
    session: Session, cast: Cast
) -> None:
    _in_force(session, cast, "codim", "en-marge")
    opened(session, cast, *PRESENT)
    decision = _decide(session, cast, kind="management")
    assert _asked_of(session, cast, decision) == {"manager_codim": "open", "manager_em": "open"}
    assert _asked_of(session, cast, _decide(session, cast, kind="clinical")) == {}
    codim = cast.organizations["codim"]
    endorse(session, decision, codim, "objected", reason="Trop cher.", by=cast.actor("manager_codim"), at=NOW + MINUTE)
    assert _asked_of(session, cast, decision) == {"manager_codim": "done", "manager_em": "open"}
    endorse(session, decision, codim, "endorsed", by=cast.actor("manager_codim"), at=NOW + 2 * MINUTE)
    number = decisions.decision_of(session, decision).number
    later = _decide(session, cast, kind="management", takes_back=[number], at=NOW + 3 * MINUTE)
    for partner, manager in (("codim", "manager_codim"), ("en-marge", "manager_em")):
        place, by = cast.organizations[partner], cast.actor(manager)
        endorse(session, later, place, "endorsed", by=by, at=NOW + 4 * MINUTE)
    assert _asked_of(session, cast, decision) == {"manager_codim": "done", "manager_em": "cancelled"}


def _in_force(session: Session, cast: Cast, *keys: str) -> None:
    places = [cast.organizations[key] for key in keys]
    agreements = select(_agreement.c.id).where(_agreement.c.organization_id.in_(places))
    session.execute(
        update(_version)
        .where(_version.c.program_id == cast.program_id, _version.c.agreement_id.in_(agreements))
        .values(state="in_force", starts_on=SINCE)
    )
