"""The doors of a task: who may do what when, what it opens, and what is left when it is refused."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.casework import board, cases, tasks, versions
from domain.casework.proofs import GivenProof
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import program_of
from domain.people.absences import record_absence
from domain.people.people import end_tenure
from domain.roles.roles import responsibility, standing
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.casework import Account, Evidence, Link, Task
from models.engine import WakeUp
from models.equipment import Equipment, Loan
from models.outbox import Notice
from models.program import Tenure
from models.record import Event
from tests.casework import (
    approve,
    carry,
    case_row,
    complete,
    onboard_wholly,
    open_onboarding,
    step,
    steps,
    stock,
    verbs,
)
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import come_back
from tests.refusing import refused

_notice = table_of(Notice)
_event = table_of(Event)
_loan = table_of(Loan)
_evidence = table_of(Evidence)
_account = table_of(Account)
_task = table_of(Task)
_tenure = table_of(Tenure)
_wake = table_of(WakeUp)


def test_a_step_with_an_approval_waits_for_it_and_then_opens_what_waited(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    moved = complete(cast, case_id, "request_secure_access")
    assert moved.state == "submitted"
    assert moved.opened == ()
    with cast.session() as session:
        assert step(session, case_id, "open_secure_account")["state"] == "planned"
    moved = approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    with cast.session() as session:
        opened = {step(session, case_id, name)["id"] for name in ("open_secure_account", "prepare_file_passwords")}
        assert set(moved.opened) == opened
        done = step(session, case_id, "request_secure_access")
        assert (done["done_by"], done["done_as"]) == (cast.people["coordinator"], "coordinator")
        assert (done["settled_by"], done["settled_as"]) == (cast.people["manager_em"], "manager")


@pytest.mark.ci
def test_the_whole_onboarding_closes_with_its_last_step(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    onboard_wholly(cast, case_id)
    with cast.session() as session:
        assert case_row(session, case_id)["state"] == "closed"
        left = [name for name, row in steps(session, case_id).items() if row["state"] not in ("done", "waived")]
        assert left == []
        told = verbs(session, case_id)
        assert told.count("case.closed") == 1
        assert told.count("act.done") == 2


def test_nobody_completes_a_step_that_waits_for_others(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session, refused("task.blocked"):
        tasks.complete_task(
            session, step(session, case_id, "review_onboarding")["id"], by=cast.actor("coordinator"), at=AT, note="x"
        )


def test_a_step_is_done_once(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    with refused("task.not_open"):
        complete(cast, case_id, "plan_coaching")
    with cast.session() as session:
        assert verbs(session, case_id).count("task.done") == 1


def test_the_engines_own_step_is_not_done_by_hand(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    with refused("task.automatic"):
        complete(cast, case_id, "enrol_on_clinical_committee")


def test_nobody_approves_what_they_did_themselves(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    with refused("task.own_request"):
        approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))


def test_nor_as_the_deputy_of_someone_else(cast: Cast) -> None:
    """The bar is on the person, whatever hat they put on: the deputy of the manager asked for it themselves."""
    case_id = open_onboarding(cast)
    deputy = cast.actor("deputy")
    complete(cast, case_id, "request_secure_access", by=deputy)
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people["deputy"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    acting = Actor("manager", cast.people["deputy"], cast.organizations["en-marge"], cast.people["manager_em"])
    with refused("task.own_request"):
        approve(cast, case_id, "request_secure_access", by=acting)


def test_nor_what_a_deputy_did_on_their_behalf(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    on_behalf = Actor("manager", cast.people["deputy"], cast.organizations["en-marge"], cast.people["manager_em"])
    complete(cast, case_id, "request_secure_access", by=on_behalf)
    with refused("task.own_request"):
        approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))


def _asked_to_approve(session: Session, cast: Cast, template: str = "task_to_approve") -> list[str]:
    told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == template)).all()
    return sorted(name for name, person in cast.people.items() if person in told)


def test_whoever_did_it_is_not_asked_to_approve_it_and_another_who_may_is(cast: Cast) -> None:
    """A region may let several people approve: here any second representative."""
    case_id = open_onboarding(cast)
    with cast.session() as session:
        several = responsibility(session, [Link("second_representative")])
        task_id = step(session, case_id, "request_secure_access")["id"]
        session.execute(update(_task).where(_task.c.id == task_id).values(approved_by_id=several))
    complete(cast, case_id, "request_secure_access", by=cast.actor("deputy"))
    with cast.session() as session:
        assert _asked_to_approve(session, cast) == ["second_deputy"]
        assert _asked_to_approve(session, cast, "nobody_may_approve") == []


def test_where_all_who_would_approve_are_barred_the_coordinator_hears_that_nobody_may(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        manager = responsibility(session, [Link("manager", str(cast.organizations["en-marge"]))])
        task_id = step(session, case_id, "request_secure_access")["id"]
        session.execute(update(_task).where(_task.c.id == task_id).values(approved_by_id=manager))
    complete(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    with cast.session() as session:
        assert _asked_to_approve(session, cast) == []
        assert _asked_to_approve(session, cast, "nobody_may_approve") == ["coordinator"]


@pytest.mark.parametrize(
    ("gone", "asks", "asked"),
    [
        ((), "manager_em", "coordinator"),
        (("manager_em",), "coordinator", "director_em"),
        (("manager_em", "director_em"), "coordinator", "manager_ccsmtl"),
    ],
)
def test_an_approval_goes_on_past_who_asked_to_the_director_and_to_a_manager_of_the_host(
    cast: Cast, gone: tuple[str, ...], asks: str, asked: str
) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        for name in gone:
            held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).one()
            end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    complete(cast, case_id, "request_secure_access", by=cast.actor(asks))
    with cast.session() as session:
        assert _asked_to_approve(session, cast) == [asked]
        assert _asked_to_approve(session, cast, "nobody_may_approve") == []
        mine = board.hats_of(session, standing(session, TODAY), cast.people[asked])
        theirs = [task.step for task in board.work(session, mine) if task.state == "submitted"]
        assert theirs == ["request_secure_access"], "it is among their work"
        asker = board.hats_of(session, standing(session, TODAY), cast.people[asks])
        assert "request_secure_access" not in [task.step for task in board.work(session, asker)]
    assert approve(cast, case_id, "request_secure_access", by=cast.actor(asked)).state == "done"


def test_the_worker_never_approves_a_step_of_their_own_case(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with refused("task.own_case"):
        approve(cast, case_id, "request_secure_access", by=Actor("manager", cast.people["worker_em"]))


def test_the_petty_cash_holder_does_not_approve_petty_cash_though_they_asked_for_nothing(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_petty_cash")
    with refused("task.own_case"):
        approve(cast, case_id, "request_petty_cash", by=cast.actor("petty_cash_holder"))


def test_a_rejection_needs_its_reason_and_opens_the_step_again(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session, refused("reason.missing"):
        tasks.reject_task(
            session,
            step(session, case_id, "request_secure_access")["id"],
            by=cast.actor("manager_em"),
            at=AT,
            reason=" ",
        )
    with cast.session() as session:
        tasks.reject_task(
            session,
            step(session, case_id, "request_secure_access")["id"],
            by=cast.actor("manager_em"),
            at=AT,
            reason="Il manque la liste des dossiers.",
        )
        task = step(session, case_id, "request_secure_access")
        assert (task["state"], task["done_by"], task["reason"]) == ("open", None, "Il manque la liste des dossiers.")
        letters = session.scalars(
            select(_notice.c.person_id).where(_notice.c.case_id == case_id, _notice.c.template == "task_rejected")
        ).all()
        assert letters == [cast.people["coordinator"]]
    # And it may be done again, and approved.
    complete(cast, case_id, "request_secure_access")
    assert approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em")).state == "done"


def test_a_reason_is_never_in_a_letter(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        tasks.reject_task(
            session,
            step(session, case_id, "request_secure_access")["id"],
            by=cast.actor("manager_em"),
            at=AT,
            reason="CANARI-7Q",
        )
        messages = session.scalars(select(_notice.c.message)).all()
        assert messages
        assert not any(b"CANARI" in message for message in messages)
        facts = session.scalars(select(_event.c.facts)).all()
        assert "CANARI" not in repr(facts)


def test_a_step_that_asks_for_a_serial_number_is_not_done_without(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    for item in ("computer", "phone"):
        complete(cast, case_id, "prepare_equipment", item=item)
    with cast.session() as session, refused("evidence.missing"):
        tasks.complete_task(
            session,
            step(session, case_id, "hand_over_equipment", "computer")["id"],
            by=cast.actor("coordinator"),
            at=AT,
        )


def test_one_thing_is_in_one_pair_of_hands_and_comes_back_when_the_step_is_undone(cast: Cast) -> None:
    first, second = open_onboarding(cast), open_onboarding(cast, "worker_codim", "codim")
    for case_id in (first, second):
        for item in ("computer", "phone"):
            complete(cast, case_id, "prepare_equipment", item=item)

    def hand_over(case_id: UUID) -> None:
        with cast.session() as session:
            stock(session, cast, "computer", "SN-0001")
            tasks.complete_task(
                session,
                step(session, case_id, "hand_over_equipment", "computer")["id"],
                by=cast.actor("coordinator"),
                at=AT,
                evidence=[GivenProof("serial", "SN-0001")],
            )

    hand_over(first)
    with refused("equipment.in_other_hands"):
        hand_over(second)
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(table_of(Equipment))) == 1
        # What was refused left nothing behind: the second step is open, and has no evidence.
        task = step(session, second, "hand_over_equipment", "computer")
        assert task["state"] == "open"
        assert session.scalar(select(func.count()).where(_evidence.c.task_id == task["id"])) == 0
        tasks.undo_task(
            session, step(session, first, "hand_over_equipment", "computer")["id"], by=cast.actor("coordinator"), at=AT
        )
        assert session.scalar(select(func.count()).where(_loan.c.returned_at.is_(None))) == 0
    hand_over(second)
    with cast.session() as session:
        held = session.scalars(select(_loan.c.person_id).where(_loan.c.returned_at.is_(None))).all()
        assert held == [cast.people["worker_codim"]]


@pytest.mark.ci
def test_an_account_keeps_a_user_name_and_never_two_people(cast: Cast) -> None:
    first, second = open_onboarding(cast), open_onboarding(cast, "worker_codim", "codim")
    for case_id, manager in ((first, "manager_em"), (second, "manager_codim")):
        complete(cast, case_id, "request_secure_access")
        approve(cast, case_id, "request_secure_access", by=cast.actor(manager))

    def open_account(case_id: UUID) -> None:
        with cast.session() as session:
            tasks.complete_task(
                session,
                step(session, case_id, "open_secure_account")["id"],
                by=cast.actor("it_contact"),
                at=AT,
                evidence=[GivenProof("account", "equartz")],
            )

    open_account(first)
    with refused("account.taken"):
        open_account(second)
    with cast.session() as session:
        row = session.execute(select(_account.c.person_id, _account.c.system, _account.c.user_name)).one()
        assert tuple(row) == (cast.people["worker_em"], "secure-network", "equartz")


@pytest.mark.ci
@pytest.mark.parametrize("undone_first", ["en-marge", "codim"])
def test_what_somebody_has_from_one_organization_is_proof_at_the_other_and_theirs_as_long_as_one_step_shows_it(
    cast: Cast, undone_first: str
) -> None:
    come_back(cast, "worker_em", "codim", starts_on=TODAY)
    found = {"en-marge": open_onboarding(cast), "codim": open_onboarding(cast, "worker_em", "codim")}

    def shown(session: Session, case_id: UUID) -> list[UUID]:
        return [
            step(session, case_id, name, item)["id"]
            for name, item in (("open_secure_account", ""), ("hand_over_equipment", "computer"))
        ]

    for case_id, manager in ((found["en-marge"], "manager_em"), (found["codim"], "manager_codim")):
        complete(cast, case_id, "request_secure_access")
        approve(cast, case_id, "request_secure_access", by=cast.actor(manager))
        for item in ("computer", "phone"):
            complete(cast, case_id, "prepare_equipment", item=item)
        with cast.session() as session:
            stock(session, cast, "computer", "SN-0001")
            for task_id, proof in zip(
                shown(session, case_id),
                [GivenProof("account", "equartz"), GivenProof("serial", "SN-0001")],
                strict=True,
            ):
                tasks.complete_task(session, task_id, by=cast.actor("it_contact"), at=AT, evidence=[proof])

    def theirs() -> tuple[list[bool], list[bool]]:
        with cast.session() as session:
            closed, back = session.scalars(select(_account.c.closed_at)), session.scalars(select(_loan.c.returned_at))
            return [one is None for one in closed], [one is None for one in back]

    assert theirs() == ([True], [True])
    for place in sorted(found, key=lambda one: one != undone_first):
        still = place == undone_first
        with cast.session() as session:
            for task_id in shown(session, found[place]):
                tasks.undo_task(session, task_id, by=cast.actor("coordinator"), at=AT)
        assert theirs() == ([still], [still])


@pytest.mark.parametrize("kind", ["serial", "account", "way"])
def test_nothing_is_lent_opened_or_agreed_by_a_step_that_does_not_ask_for_it(cast: Cast, kind: str) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session, refused("evidence.not_asked"):
        tasks.complete_task(
            session,
            step(session, case_id, "plan_coaching")["id"],
            by=cast.actor("coordinator"),
            at=AT,
            evidence=[GivenProof(kind, "call")],
        )
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["state"] == "open"
        for table in (_evidence, _loan, _account):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_in_the_case_of_an_organization_nothing_is_lent_to_anybody(cast: Cast) -> None:
    with cast.session() as session:
        kept = versions.record_protocol(session, read_protocol(PROTOCOLS["recruiting"].file), by=LOADING, at=AT)
        case_id = cases.open_case(
            session, kept.key, organization_id=cast.organizations["codim"], by=cast.actor("coordinator"), at=AT
        )
        first = next(row for row in steps(session, case_id).values() if row["state"] == "open")
        with refused("evidence.not_asked"):
            tasks.complete_task(
                session,
                first["id"],
                by=cast.actor("coordinator"),
                at=AT,
                note="x",
                evidence=[GivenProof("serial", "S")],
            )


@pytest.mark.ci
def test_of_two_who_note_one_user_name_at_the_same_instant_the_second_is_told(cast: Cast) -> None:
    first, second = open_onboarding(cast), open_onboarding(cast, "worker_codim", "codim")
    for case_id, manager in ((first, "manager_em"), (second, "manager_codim")):
        complete(cast, case_id, "request_secure_access")
        approve(cast, case_id, "request_secure_access", by=cast.actor(manager))
    told: list[str] = []

    def open_account(session: Session, case_id: UUID) -> None:
        tasks.complete_task(
            session,
            step(session, case_id, "open_secure_account")["id"],
            by=cast.actor("it_contact"),
            at=AT,
            evidence=[GivenProof("account", "equartz")],
        )

    def the_other() -> None:
        try:
            with cast.session() as session:
                open_account(session, second)
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion on what was told
            told.append(error.code if isinstance(error, Refusal) else repr(error))

    other = threading.Thread(target=the_other)
    with cast.session() as session:
        open_account(session, first)  # and is not committed yet
        other.start()
        other.join(0.5)
    other.join()
    assert told == ["account.taken"]
    with cast.session() as session:
        assert session.scalars(select(_account.c.person_id)).all() == [cast.people["worker_em"]]
        assert step(session, second, "open_secure_account")["state"] == "open"


@pytest.mark.wide(3)
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cv.pdf", b"MZ\x90\x00 a program", "document.not_what_it_says"),
        ("photo.png", b"%PDF-1.7", "document.not_what_it_says"),
        ("lettre.docx", b"PK\x03\x04 not a package", "document.not_what_it_says"),
        ("note.txt", b"caf\xe9\x00", "document.not_what_it_says"),
        ("note.txt", b"", "document.empty"),
        ("macro.docm", b"PK\x03\x04", "document.unknown_kind"),
        ("page.html", b"<script>", "document.unknown_kind"),
        ("grand.pdf", b"%PDF-" + b"0" * (10 * 1024 * 1024), "document.too_large"),
        ("../../etc/passwd", b"%PDF-1.7", "document.unknown_kind"),
    ],
)
def test_a_document_is_judged_by_its_bytes(cast: Cast, name: str, content: bytes, code: str) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session, refused(code):
        tasks.complete_task(
            session,
            step(session, case_id, "plan_coaching")["id"],
            by=cast.actor("coordinator"),
            at=AT,
            evidence=[GivenProof("document", name, content)],
        )


@pytest.mark.parametrize(("note", "code"), [("x" * 1_048_576, "note.too_long"), ("a\x00b", "note.not_text")])
def test_a_note_that_cannot_be_kept_changes_nothing(cast: Cast, note: str, code: str) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session, refused(code):
        tasks.complete_task(
            session, step(session, case_id, "plan_coaching")["id"], by=cast.actor("coordinator"), at=AT, note=note
        )
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["state"] == "open"


def test_a_note_keeps_apostrophes_accents_and_emoji_as_they_were_typed(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    note = "L’été <script>alert('é')</script> 🌠 \N{HEBREW LETTER ALEF}"
    with cast.session() as session:
        task = step(session, case_id, "plan_coaching")
        tasks.complete_task(session, task["id"], by=cast.actor("coordinator"), at=AT, note=note)
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["note"] == note


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        task = step(session, case_id, "plan_coaching")
        tasks.complete_task(
            session, task["id"], by=cast.actor("coordinator"), at=AT, note="la première", seen=task["version"]
        )
    with cast.session() as session, refused("task.changed"):
        tasks.complete_task(
            session, task["id"], by=cast.actor("coordinator"), at=AT, note="la seconde", seen=task["version"]
        )
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["note"] == "la première"


def test_a_task_of_another_program_is_not_there(cast: Cast) -> None:
    theirs = open_onboarding(cast.other)
    with cast.other.session() as session:
        task_id = step(session, theirs, "plan_coaching")["id"]
    with cast.session() as session:
        for unknown in (task_id, uuid4()):
            with refused("task.unknown"):
                tasks.complete_task(session, unknown, by=cast.actor("coordinator"), at=AT)


def test_handing_back_gives_the_step_to_the_next_of_its_chain_who_is_told(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        task = step(session, case_id, "prepare_notebook_and_guide")
        tasks.hand_back_task(session, task["id"], by=cast.actor("officer"), at=AT, reason="Je pars demain.")
        handed = step(session, case_id, "prepare_notebook_and_guide")
        assert (handed["state"], handed["handed_back_by"]) == ("open", cast.people["officer"])
        assert handed["owed_by_id"] != handed["declared_owed_by_id"]
        told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "task_handed_back")).all()
        assert told == [cast.people["coordinator"]]
        with refused("reason.missing"):
            tasks.return_task(session, task["id"], by=cast.actor("coordinator"), at=AT, reason=" ")
        word = "Votre départ est remis."
        tasks.return_task(session, task["id"], by=cast.actor("coordinator"), at=AT, reason=word)
        told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "task_given_again")).all()
        assert told == [cast.people["officer"]]
        again = step(session, case_id, "prepare_notebook_and_guide")
        assert again["owed_by_id"] == again["declared_owed_by_id"]
        assert again["handed_back_at"] is None
        assert (again["given_again_by"], again["reason"]) == (cast.people["coordinator"], word)


def test_where_nobody_stands_behind_a_step_is_not_handed_back(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session, refused("task.nobody_behind"):
        tasks.hand_back_task(
            session, step(session, case_id, "plan_coaching")["id"], by=cast.actor("coordinator"), at=AT, reason="non"
        )


def test_who_has_a_step_in_place_of_another_hands_it_back_to_whoever_stands_behind_themselves(cast: Cast) -> None:
    """The worker begins in two weeks: until then the manager has it, and behind the manager stands the coordinator."""
    case_id = open_onboarding(cast)
    for name in ("prepare_notebook_and_guide", "hand_over_notebook_and_guide"):
        complete(cast, case_id, name)
    with cast.session() as session:
        task_id = step(session, case_id, "confirm_notebook_and_guide")["id"]
        tasks.hand_back_task(session, task_id, by=cast.actor("manager_em"), at=AT, reason="À la coordination.")
        handed = step(session, case_id, "confirm_notebook_and_guide")
        (links,) = board.chains(session, [handed["owed_by_id"]]).values()
        (holder,) = standing(session, TODAY).falls(links).holders
        assert holder.person_id == cast.people["coordinator"]
        told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "task_handed_back")).all()
        assert told == [cast.people["coordinator"]]


def test_a_step_that_would_fall_on_the_same_person_again_is_not_handed_back(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        held = next(one for one in standing(session, TODAY).roles_of(cast.people["officer"]))
        end_tenure(session, held.id, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
        task_id = step(session, case_id, "prepare_notebook_and_guide")["id"]
        with refused("task.nobody_behind"):
            tasks.hand_back_task(session, task_id, by=cast.actor("coordinator"), at=AT, reason="Pas moi.")


def test_a_step_that_the_protocol_never_waives_is_not_waived(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        with refused("task.never_waived"):
            tasks.waive_task(
                session,
                step(session, case_id, "request_secure_access")["id"],
                by=cast.actor("coordinator"),
                at=AT,
                reason="x",
            )
        waivable = step(session, case_id, "provide_own_cards")["id"]
        with refused("reason.missing"):
            tasks.waive_task(session, waivable, by=cast.actor("coordinator"), at=AT, reason="")
        moved = tasks.waive_task(session, waivable, by=cast.actor("coordinator"), at=AT, reason="Elle en a.")
        assert moved.state == "waived"
        # And it can be taken back.
        assert tasks.undo_task(session, waivable, by=cast.actor("coordinator"), at=AT).state == "open"


@pytest.mark.ci
def test_undoing_a_step_puts_back_what_it_opened_and_takes_back_what_the_engine_did(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    assert carry(cast, case_id) == 2
    with cast.session() as session:
        assert step(session, case_id, "enrol_on_clinical_committee")["state"] == "done"
        assert step(session, case_id, "note_committee_dates")["state"] == "open"
        tasks.undo_task(
            session,
            step(session, case_id, "introduce_program")["id"],
            by=cast.actor("coordinator"),
            at=AT,
            reason="trop tôt",
        )
        enrolled = step(session, case_id, "enrol_on_clinical_committee")
        assert (enrolled["state"], enrolled["act_state"]) == ("planned", "undo_wanted")
        assert step(session, case_id, "note_committee_dates")["state"] == "planned"
        assert step(session, case_id, "present_research")["state"] == "planned"
    assert carry(cast, case_id) == 1
    # Done again, the engine does its part again.
    complete(cast, case_id, "introduce_program")
    carry(cast, case_id)
    with cast.session() as session:
        assert step(session, case_id, "enrol_on_clinical_committee")["act_state"] == "done"


def test_a_step_on_which_done_steps_rest_is_not_undone_under_them(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    carry(cast, case_id)
    complete(cast, case_id, "note_committee_dates")
    with cast.session() as session, refused("task.others_followed"):
        tasks.undo_task(session, step(session, case_id, "introduce_program")["id"], by=cast.actor("coordinator"), at=AT)


def test_what_opens_falls_in_the_same_transaction_to_whom_it_is_owed_and_wakes_the_engine(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        before = session.scalar(select(_wake.c.want).where(_wake.c.case_id == case_id)) or 0
    complete(cast, case_id, "introduce_program")
    with cast.session() as session:
        after = session.execute(select(_wake.c.want, _wake.c.have).where(_wake.c.case_id == case_id)).one()
        assert (after.want, after.have) == (before + 1, 0)


def test_two_last_needs_done_at_the_same_instant_open_the_next_step_once(cast: Cast) -> None:
    """Without the lock on the case each would miss the other, and nothing would ever open."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    for name in ("prepare_equipment",):
        for item in ("computer", "phone"):
            complete(cast, case_id, name, item=item)
    complete(cast, case_id, "open_secure_account", by=cast.actor("it_contact"))
    complete(cast, case_id, "prepare_file_passwords")
    complete(cast, case_id, "hand_over_file_passwords")
    together = threading.Barrier(2)
    opened: list[UUID] = []

    def hand_over(item: str) -> None:
        together.wait()
        opened.extend(complete(cast, case_id, "hand_over_equipment", item=item).opened)

    threads = [threading.Thread(target=hand_over, args=(item,)) for item in ("computer", "phone")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with cast.session() as session:
        check = step(session, case_id, "check_secure_access")
        assert check["state"] == "open"
        assert opened == [check["id"]]


def test_every_change_of_a_case_has_its_event_in_the_same_transaction(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        tasks.complete_task(session, step(session, case_id, "plan_coaching")["id"], by=cast.actor("coordinator"), at=AT)
        assert "task.done" in verbs(session, case_id)
        session.rollback()
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["state"] == "open"
        assert "task.done" not in verbs(session, case_id)


def test_lateness_is_shown_and_never_blocks(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        due = step(session, case_id, "plan_coaching")["due_on"]
    much_later = AT + timedelta(days=200)
    assert much_later.date() > due
    assert complete(cast, case_id, "plan_coaching", at=much_later).state == "done"


def test_a_closed_cases_tasks_do_not_change(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Ne vient plus.")
        task_id = step(session, case_id, "plan_coaching")["id"]
        with refused("case.not_open"):
            tasks.complete_task(session, task_id, by=cast.actor("coordinator"), at=AT)
        with refused("case.not_open"):
            tasks.undo_task(session, task_id, by=cast.actor("coordinator"), at=AT)
        assert program_of(session) == cast.program_id
