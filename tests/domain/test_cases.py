"""The doors of a case: opening, moving a day, a new version, ending and reopening, and what they leave untouched."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.casework import acts, cases, tasks, versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import Declared, load_declared_text
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.refusals import Refusal
from domain.people import people
from domain.roles.roles import standing
from models.base import table_of
from models.casework import Case, Task
from models.committee import SeatHolder
from models.outbox import Notice
from tests.casework import (
    WHOLE_ONBOARDING,
    approve,
    carry,
    case_row,
    complete,
    onboard_wholly,
    open_onboarding,
    step,
    steps,
    verbs,
)
from tests.cast import ARRIVAL, AT, LOADING, TODAY, Arranged, Cast, onboarding
from tests.conftest import Copies
from tests.refusing import refused

_task = table_of(Task)
_case = table_of(Case)
_notice = table_of(Notice)
_holder = table_of(SeatHolder)


def newer(*edits: tuple[str, str]) -> Declared[Protocol]:
    """The onboarding's next version, with edits."""
    text = onboarding().text
    for old, new in (("\nversion: 2\n", "\nversion: 3\n"), *edits):
        assert old in text, old
        text = text.replace(old, new, 1)
    return load_declared_text(text, "protocol.yaml", Protocol)


@pytest.fixture
def case_id(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """The onboarding of the worker who is to arrive, opened and no more."""
    return arranged(cast, open_onboarding)


def test_opening_lays_out_every_step_and_opens_those_that_can_begin(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        laid_out = steps(session, case_id)
        protocol = onboarding().value
        assert {name for name, _ in laid_out} == set(protocol.by_id)
        for (name, _), row in laid_out.items():
            waits = protocol.waits_for(protocol.by_id[name])
            assert row["state"] == ("planned" if waits else "open"), name
        assert case_row(session, case_id)["anchors"] == {"arrival": ARRIVAL}


def test_due_days_count_from_the_arrival_and_fall_on_working_days(cast: Cast, case_id: UUID) -> None:
    with cast.session() as session:
        assert step(session, case_id, "introduce_program")["due_on"] == ARRIVAL
        assert step(session, case_id, "prepare_equipment", "phone")["due_on"] == date(2026, 11, 30)
        assert all(row["due_on"].weekday() < 5 for row in steps(session, case_id).values())


def test_an_arrival_on_the_national_holiday_moves_what_is_due_that_day(cast: Cast) -> None:
    """24 June 2027 is a Thursday: what is due before it comes sooner, what is due on it comes the day after."""
    with cast.session() as session:
        holiday = date(2027, 6, 24)
        tenure = next(t for t in standing(session, ARRIVAL).roles_of(cast.people["worker_em"]))
        people.end_tenure(session, tenure.id, ends_on=ARRIVAL, by=cast.actor("coordinator"), at=AT)
        people.appoint(
            session,
            person_id=cast.people["worker_em"],
            role="youth_worker",
            organization_id=cast.organizations["en-marge"],
            starts_on=holiday,
            by=cast.actor("coordinator"),
            at=AT,
        )
    case_id = open_onboarding(cast)
    with cast.session() as session:
        assert step(session, case_id, "introduce_program")["due_on"] == date(2027, 6, 25)


def test_a_step_due_before_the_case_opened_is_due_when_it_opens(cast: Cast) -> None:
    """The worker arrived months ago: nobody is late for days that were past before they were asked."""
    case_id = open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        for row in steps(session, case_id).values():
            assert row["due_on"] >= TODAY


def test_a_person_has_one_open_case_of_a_protocol_at_an_organization(cast: Cast) -> None:
    open_onboarding(cast)
    with refused("case.already_open"):
        open_onboarding(cast)


def test_a_case_needs_the_role_that_it_is_about(cast: Cast) -> None:
    with refused("case.no_tenure"):
        open_onboarding(cast, "police", "spvm")
    with refused("person.unknown"), cast.session() as session:
        cases.open_case(
            session,
            "onboarding",
            subject_id=cast.other.people["worker_em"],
            organization_id=cast.organizations["en-marge"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    with refused("protocol.unknown"), cast.session() as session:
        cases.open_case(
            session,
            "departure",
            subject_id=cast.people["worker_em"],
            organization_id=cast.organizations["en-marge"],
            by=cast.actor("coordinator"),
            at=AT,
        )


def test_nobody_is_welcomed_into_a_role_that_has_ended_until_they_hold_it_again(cast: Cast) -> None:
    by, yesterday = cast.actor("coordinator"), TODAY - timedelta(days=1)
    with cast.session() as session:
        (tenure,) = standing(session, TODAY).roles_of(cast.people["worker_codim"])
        people.end_tenure(session, tenure.id, ends_on=yesterday, by=by, at=AT)
    with refused("case.role_ended"):
        open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        people.appoint(
            session,
            person_id=cast.people["worker_codim"],
            role="youth_worker",
            organization_id=cast.organizations["codim"],
            starts_on=TODAY,
            by=by,
            at=AT,
        )
    case_id = open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        assert case_row(session, case_id)["anchors"] == {"arrival": TODAY}


def test_those_who_have_a_part_are_told_once_each_in_their_language(cast: Cast, case_id: UUID) -> None:
    with cast.session() as session:
        rows = session.execute(
            select(_notice.c.person_id, _notice.c.language, _notice.c.subject).where(
                _notice.c.case_id == case_id, _notice.c.template == "case_opened"
            )
        ).all()
        told = {row.person_id: row for row in rows}
        assert len(told) == len(rows)
        assert cast.people["coordinator"] not in told, "whoever opened it knows"
        assert told[cast.people["it_contact"]].language == "en"
        assert "Case opened" in told[cast.people["it_contact"]].subject
        assert cast.people["manager_em"] in told
        assert cast.people["manager_codim"] not in told


def test_moving_the_arrival_moves_this_cases_days_and_no_others(cast: Cast, case_id: UUID) -> None:
    second = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "plan_coaching")
    with cast.session() as session:
        before = {name: row["due_on"] for name, row in steps(session, second).items()}
        settled = step(session, case_id, "plan_coaching")["due_on"]
        cases.move_day(session, case_id, anchor="arrival", day=date(2027, 1, 11), by=cast.actor("coordinator"), at=AT)
        assert step(session, case_id, "introduce_program")["due_on"] == date(2027, 1, 11)
        assert step(session, case_id, "plan_coaching")["due_on"] == settled, "what is done keeps its day"
        assert {name: row["due_on"] for name, row in steps(session, second).items()} == before
        tenures = standing(session, date(2027, 1, 11)).roles_of(cast.people["worker_em"])
        assert [tenure.starts_on for tenure in tenures] == [date(2027, 1, 11)]
        assert standing(session, ARRIVAL).roles_of(cast.people["worker_em"]) == []


def test_an_arrival_does_not_move_onto_days_on_which_the_person_held_the_role_before(cast: Cast) -> None:
    with cast.session() as session:
        (tenure,) = standing(session, ARRIVAL).roles_of(cast.people["worker_em"])
        people.end_tenure(session, tenure.id, ends_on=ARRIVAL + timedelta(days=4), by=cast.actor("coordinator"), at=AT)
        people.appoint(
            session,
            person_id=cast.people["worker_em"],
            role="youth_worker",
            organization_id=cast.organizations["en-marge"],
            starts_on=date(2027, 2, 1),
            by=cast.actor("coordinator"),
            at=AT,
        )
    case_id = open_onboarding(cast)
    with cast.session() as session:
        with refused("tenure.held_already"):
            cases.move_day(session, case_id, anchor="arrival", day=ARRIVAL, by=cast.actor("coordinator"), at=AT)
        cases.move_day(
            session, case_id, anchor="arrival", day=ARRIVAL + timedelta(days=7), by=cast.actor("coordinator"), at=AT
        )
        assert case_row(session, case_id)["anchors"] == {"arrival": date(2026, 12, 14)}


def test_cancelling_keeps_everything_and_undoes_what_the_program_did(cast: Cast, case_id: UUID) -> None:
    complete(cast, case_id, "introduce_program")
    complete(cast, case_id, "plan_coaching")
    carry(cast, case_id)
    with cast.session() as session:
        rows = len(steps(session, case_id))
        with refused("reason.missing"):
            cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="")
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="A renoncé.")
        assert len(steps(session, case_id)) == rows
        assert step(session, case_id, "plan_coaching")["state"] == "done"
        assert step(session, case_id, "plan_training")["state"] == "cancelled"
        assert step(session, case_id, "enrol_on_clinical_committee")["act_state"] == "undo_wanted"
    assert carry(cast, case_id) == 1
    with cast.session() as session:
        held = session.scalars(select(_holder).where(_holder.c.person_id == cast.people["worker_em"])).all()
        assert all(holding is not None for holding in held)
        assert case_row(session, case_id)["state"] == "cancelled"
        with refused("case.not_now"):
            cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="encore")


def test_whoever_has_a_part_in_a_case_today_hears_that_it_is_cancelled_and_nobody_who_had_one_before(
    cast: Cast, case_id: UUID
) -> None:
    complete(cast, case_id, "request_petty_cash")
    by = cast.actor("coordinator")
    with cast.session() as session:
        (officer,) = standing(session, TODAY).roles_of(cast.people["officer"])
        people.end_tenure(session, officer.id, ends_on=TODAY - timedelta(days=1), by=by, at=AT)
        people.appoint(
            session,
            person_id=cast.people["researcher"],
            role="administrative_officer",
            organization_id=cast.organizations["ccsmtl"],
            starts_on=TODAY,
            by=by,
            at=AT,
        )
        cases.cancel_case(session, case_id, by=by, at=AT, reason="A renoncé.")
        told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "case_cancelled")).all()
        names = sorted(name for name, person in cast.people.items() if person in told)
        assert len(told) == len(names)
        # The petty cash waits for the approval of its own manager; its holder would have handed it over.
        assert names == ["it_contact", "manager_em", "manager_la", "petty_cash_holder", "researcher"]


@pytest.mark.ci
def test_a_reopened_case_goes_on_where_it_was_and_the_engine_does_its_part_again(cast: Cast, case_id: UUID) -> None:
    complete(cast, case_id, "introduce_program")
    carry(cast, case_id)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Erreur.")
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Elle vient.")
        assert step(session, case_id, "introduce_program")["state"] == "done"
        assert step(session, case_id, "plan_training")["state"] == "open"
    carry(cast, case_id)
    with cast.session() as session:
        assert step(session, case_id, "enrol_on_clinical_committee")["act_state"] == "done"
        assert step(session, case_id, "enrol_on_clinical_committee")["state"] == "done"


def test_what_was_handed_in_waits_for_its_approval_again_in_a_reopened_case(cast: Cast, case_id: UUID) -> None:
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        before = step(session, case_id, "request_secure_access")
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Erreur.")
    later = AT + timedelta(days=7)
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=later, reason="Elle vient.")
        again = step(session, case_id, "request_secure_access")
        assert again["state"] == "submitted"
        for column in ("done_at", "done_by", "done_as", "note"):
            assert again[column] == before[column], column
        # The approver is asked anew, and reminded from the next working day on.
        assert again["next_check"] == date(2026, 12, 1)
        asked = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "task_to_approve")).all()
        assert asked == [cast.people["manager_em"]] * 2
        assert step(session, case_id, "plan_coaching")["state"] == "open"
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=later)
    with cast.session() as session:
        assert step(session, case_id, "open_secure_account")["state"] == "open"


def test_a_case_does_not_close_while_required_steps_are_left(cast: Cast, case_id: UUID) -> None:
    with cast.session() as session, pytest.raises(Refusal) as caught:
        cases.close_case(session, case_id, by=cast.actor("coordinator"), at=AT)
    assert caught.value.code == "case.work_left"
    steps_left = caught.value.facts["steps"]
    assert isinstance(steps_left, dict)
    assert "Demander l’accès au réseau sécurisé" in steps_left["fr"], "in the reader's words"
    assert "Ask for access to the secure network" in steps_left["en"]


@pytest.mark.ci
def test_an_optional_step_that_the_engine_could_not_do_is_let_go_when_the_case_closes(cast: Cast) -> None:
    """Or the engine would go on trying it in a case that is closed."""
    optional = newer(("    undo: none\n", "    undo: none\n    required: false\n"))
    with cast.session() as session:
        versions.record_protocol(session, optional, by=LOADING, at=AT)
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    with cast.session() as session:
        enrolled = step(session, case_id, "enrol_on_clinical_committee")["id"]
        acts.record_act(session, enrolled, undone=False, by=Actor.system(ENGINE), at=AT)
        lists = step(session, case_id, "send_contact_lists")["id"]
        acts.record_trouble(session, lists, code="no", by=Actor.system(ENGINE), at=AT, needs_people=True)
    for name in WHOLE_ONBOARDING:
        if name != "introduce_program":
            _do_wholly(cast, case_id, name)
    with cast.session() as session:
        assert case_row(session, case_id)["state"] == "closed"
        left = step(session, case_id, "send_contact_lists")
        assert (left["state"], left["act_state"]) == ("cancelled", "none")


@pytest.mark.ci
def test_a_new_version_is_offered_in_plain_words_and_never_asks_a_done_step_again(cast: Cast, case_id: UUID) -> None:
    complete(cast, case_id, "plan_coaching")
    complete(cast, case_id, "introduce_program")
    complete(cast, case_id, "request_secure_access")
    carry(cast, case_id)
    with cast.session() as session:
        tasks.hand_back_task(
            session,
            step(session, case_id, "prepare_notebook_and_guide")["id"],
            by=cast.actor("officer"),
            at=AT,
            reason="Absente.",
        )
    second = newer(
        ("  - id: plan_training\n", "  - id: plan_learning\n"),
        ("      - plan_training\n", "      - plan_learning\n"),
        ("    due: {days: 0, after: arrival}", "    due: {days: 3, after: arrival}"),
    )
    with cast.session() as session:
        kept = versions.record_protocol(session, second, by=LOADING, at=AT)
        offer = versions.newer_version(session, session.get_one(Case, (cast.program_id, case_id)), "fr")
        assert offer is not None
        assert offer.version.id == kept.id
        assert len(offer.changes) == 5, offer.changes
        assert all(change.strip() for change in offer.changes)
        done = step(session, case_id, "plan_coaching")
        versions.take_version(session, case_id, kept.id, by=cast.actor("coordinator"), at=AT)
        after = step(session, case_id, "plan_coaching")
        assert (after["state"], after["done_at"]) == ("done", done["done_at"])
        handed_in = step(session, case_id, "request_secure_access")
        assert (handed_in["state"], handed_in["done_by"]) == ("submitted", cast.people["coordinator"])
        handed_back = step(session, case_id, "prepare_notebook_and_guide")
        assert handed_back["owed_by_id"] != handed_back["declared_owed_by_id"]
        assert step(session, case_id, "plan_training")["state"] == "cancelled"
        assert step(session, case_id, "plan_learning")["state"] == "open"
        assert step(session, case_id, "enrol_on_clinical_committee")["act_state"] == "done"
        assert verbs(session, case_id).count("case.version_taken") == 1
        # A case opened before keeps what it pinned until someone decides; a new one follows the new version.
    with cast.session() as session:
        assert versions.newer_version(session, session.get_one(Case, (cast.program_id, case_id)), "en") is None


def test_under_a_new_version_what_is_open_goes_on_unless_it_is_anothers_now_or_waits(cast: Cast, case_id: UUID) -> None:
    later = AT + timedelta(days=3)
    guide, access = (
        "    source: [ON-P10, ON-P11]\n    by: ",
        "    by: coordinator\n    due: {days: %s, before: arrival}\n",
    )
    second = newer(
        ("    source: [ON-D05]\n", "    source: [ON-D05]\n    needs: [plan_coaching]\n"),
        (f"{guide}administrative_officer\n", f"{guide}coordinator\n"),
        (access % 10, access % 4),
    )
    with cast.session() as session:
        kept = versions.record_protocol(session, second, by=LOADING, at=AT)
        versions.take_version(session, case_id, kept.id, by=cast.actor("coordinator"), at=later)
        goes_on = step(session, case_id, "request_secure_access")
        assert (goes_on["state"], goes_on["opened_at"], goes_on["due_on"]) == ("open", AT, date(2026, 12, 1))
        assert goes_on["next_check"] == goes_on["ladder"][0] == date(2026, 11, 27)
        anothers = step(session, case_id, "prepare_notebook_and_guide")
        assert (anothers["state"], anothers["opened_at"]) == ("open", later)
        assert (waits := step(session, case_id, "plan_training"))["state"] == "planned"
        assert (waits["opened_at"], waits["next_check"]) == (None, None)
        assert [verb for verb in verbs(session, case_id) if verb == "task.postponed"] == ["task.postponed"]
    complete(cast, case_id, "plan_coaching", at=later)
    with cast.session() as session:
        assert step(session, case_id, "plan_training")["state"] == "open"


def test_an_older_version_is_never_offered(cast: Cast) -> None:
    with cast.session() as session:
        versions.record_protocol(session, newer(), by=LOADING, at=AT)
    case_id = open_onboarding(cast)
    with cast.session() as session:
        again = load_declared_text(onboarding().text + "\n# reviewed\n", "protocol.yaml", Protocol)
        versions.record_protocol(session, again, by=LOADING, at=AT + timedelta(days=1))
        assert versions.newer_version(session, session.get_one(Case, (cast.program_id, case_id)), "fr") is None
        older = versions.record_protocol(session, onboarding(), by=LOADING, at=AT)
        assert older.number == 2
        with refused("protocol.older"):
            versions.take_version(session, case_id, older.id, by=cast.actor("coordinator"), at=AT)


def test_the_gate_opens_with_its_last_step_and_shuts_with_the_first_undone(cast: Cast, case_id: UUID) -> None:

    def may_follow() -> bool:
        with cast.session() as session:
            return cases.gate_is_open(
                session, session.get_one(Case, (cast.program_id, case_id)), "may_follow_participants"
            )

    for name in ("request_secure_access", "prepare_notebook_and_guide", "introduce_program"):
        complete(cast, case_id, name)
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    complete(cast, case_id, "open_secure_account", by=cast.actor("it_contact"))
    complete(cast, case_id, "hand_over_notebook_and_guide")
    carry(cast, case_id)
    assert not may_follow()
    complete(cast, case_id, "confirm_notebook_and_guide", by=cast.actor("worker_em"))
    assert may_follow()
    with cast.session() as session:
        tasks.undo_task(
            session, step(session, case_id, "confirm_notebook_and_guide")["id"], by=cast.actor("worker_em"), at=AT
        )
    assert not may_follow()


def test_a_step_that_a_newer_version_called_off_is_not_asked_again_in_a_reopened_case(
    cast: Cast, case_id: UUID
) -> None:
    second = newer(
        ("  - id: plan_training\n", "  - id: plan_learning\n"), ("      - plan_training\n", "      - plan_learning\n")
    )
    with cast.session() as session:
        kept = versions.record_protocol(session, second, by=LOADING, at=AT)
        versions.take_version(session, case_id, kept.id, by=cast.actor("coordinator"), at=AT)
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Erreur.")
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Elle vient.")
        assert step(session, case_id, "plan_learning")["state"] == "open"
        assert step(session, case_id, "plan_training")["state"] == "cancelled"


@pytest.mark.ci
def test_a_closed_case_reopened_waits_for_a_decision_and_closes_again(cast: Cast, case_id: UUID) -> None:
    onboard_wholly(cast, case_id)
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Un oubli.")
        tasks.undo_task(session, step(session, case_id, "review_onboarding")["id"], by=cast.actor("coordinator"), at=AT)
    complete(cast, case_id, "review_onboarding")
    with cast.session() as session:
        assert case_row(session, case_id)["state"] == "closed"
        assert verbs(session, case_id).count("case.closed") == 2


#: A case of 26 steps takes seconds: shrinking one that fails would take the whole run's time.
_RANDOMLY = settings(
    deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
_any_order = given(order=st.permutations(WHOLE_ONBOARDING), data=st.data())


@settings(_RANDOMLY, max_examples=3)
@_any_order
@pytest.mark.ci
def test_whatever_the_order_in_which_people_work_the_case_ends_the_same(
    copies: Copies, cast_template: tuple[str, Cast], order: list[str], data: st.DataObject
) -> None:
    """Steps are tried in any order, some undone on the way; refused ones again. Nothing is lost or doubled."""
    _work_in_order(copies, cast_template, order, data)


@pytest.mark.nightly
@settings(_RANDOMLY, max_examples=40)
@_any_order
def test_whatever_the_order_in_which_people_work_the_case_ends_the_same_at_length(
    copies: Copies, cast_template: tuple[str, Cast], order: list[str], data: st.DataObject
) -> None:
    """The same, many times over."""
    _work_in_order(copies, cast_template, order, data)


def _work_in_order(copies: Copies, cast_template: tuple[str, Cast], order: list[str], data: st.DataObject) -> None:
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        case_id = open_onboarding(cast)
        waiting = list(order)
        undone = 0
        for _ in range(400):
            if not waiting:
                break
            wanted = waiting.pop(0)
            try:
                _do_wholly(cast, case_id, wanted)
            except Refusal as refusal:
                if refusal.code != "task.blocked":
                    raise
                waiting.append(wanted)
            carry(cast, case_id)
            if undone < 3 and data.draw(st.integers(0, 9)) == 0:
                undone += 1
                again = _undo_one(cast, case_id, data)
                if again is not None:
                    waiting.append(again)
        with cast.session() as session:
            rows = steps(session, case_id)
            assert {key: row["state"] for key, row in rows.items() if row["state"] != "done"} == {}
            assert case_row(session, case_id)["state"] == "closed"
            told = verbs(session, case_id)
            assert told.count("act.done") - told.count("act.undone") <= 2 + undone
            seats = session.scalars(
                select(_holder.c.id).where(
                    _holder.c.person_id == cast.people["worker_em"],
                    _holder.c.withdrawn_at.is_(None),
                    (_holder.c.ends_on.is_(None)) | (_holder.c.ends_on >= ARRIVAL),
                )
            ).all()
            assert len(seats) == 1, "enrolled once, however often it was undone"


def _do_wholly(cast: Cast, case_id: UUID, name: str) -> None:
    with cast.session() as session:
        items = [key[1] for key, row in steps(session, case_id).items() if key[0] == name and row["state"] != "done"]
    for item in items:
        moved = complete(cast, case_id, name, item=item)
        if moved.state == "submitted":
            who = "manager_la" if name == "request_petty_cash" else "manager_em"
            approve(cast, case_id, name, by=cast.actor(who))


def _undo_one(cast: Cast, case_id: UUID, data: st.DataObject) -> str | None:
    with cast.session() as session:
        if case_row(session, case_id)["state"] != "open":
            return None
        done = sorted(
            key for key, row in steps(session, case_id).items() if row["state"] == "done" and not row["action"]
        )
        if not done:
            return None
        name, item = data.draw(st.sampled_from(done))
        try:
            tasks.undo_task(session, step(session, case_id, name, item)["id"], by=cast.actor("coordinator"), at=AT)
        except Refusal as refusal:
            if refusal.code != "task.others_followed":
                raise
            session.rollback()
            return None
        return name
