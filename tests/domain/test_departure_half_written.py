"""What a leaver has half written or half begun is in hand too: notes, referrals begun or in triage, people to meet."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.accompaniment import barring, workers
from domain.casework import cases
from domain.departure import current, ending, endings, gathering, taking_up_again
from domain.follow_ups import notes, owed
from domain.follow_ups.week_row import Week
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.participants import referring, retention
from domain.roles.roles import standing
from flows.admission.actions import TELL, referrer_is_told, tell_referrer
from flows.engine import DueAction
from models.base import table_of
from models.casework import read_links
from models.participant import CandidateWorker
from models.referral import Referral
from tests.cast import AT, LOADING, TODAY, Arranged, Cast
from tests.departing import TASK, asked, come_back, in_hand, leave, left, record_protocols, settle
from tests.following import SECOND, WORKER, followed, in_force
from tests.noting import write_note
from tests.referring import ONDINE, declare_admission, participant_of, refer, triaged
from tests.refusing import refused

LONG_AGO = AT - timedelta(days=42)
LAST_WEEK = TODAY - timedelta(days=7)
AFTER = AT + timedelta(days=15)
REFERRAL, NAMED = table_of(Referral), table_of(CandidateWorker)


def _prepare(cast: Cast) -> None:
    record_protocols(cast)
    declare_admission(cast)
    in_force(cast)


REACHED = Week(communications=("telephone",))


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, _prepare)
    return cast


def kinds(cast: Cast, who: str, place: str | None = "ccsmtl") -> list[str]:
    return [kind for kind, _ in in_hand(cast, who, place)]


def write(cast: Cast, follow_up: UUID, *, unfinished: bool, by: str = WORKER, at: Any = AT) -> None:
    with cast.session() as session:
        write_note(
            session,
            follow_up,
            LAST_WEEK,
            Week(communications=("telephone",)),
            unfinished=unfinished,
            by=cast.actor(by),
            at=at,
        )


def candidate(cast: Cast, *, worker: str = WORKER, second: str | None = None) -> UUID:
    """Somebody who was referred and is to be met."""
    found = triaged(cast, refer(cast), "forwarded")
    with cast.session() as session:
        workers.forward(
            session,
            found,
            cast.people[worker],
            second_id=cast.people[second] if second else None,
            by=cast.actor("coordinator"),
            at=AT,
        )
    return found


def who_meets(cast: Cast, participant_id: UUID) -> tuple[str | None, str | None]:
    names: dict[UUID | None, str | None] = {person: name for name, person in cast.people.items()} | {None: None}
    with cast.session() as session:
        row = workers.named(session, participant_id)
        return (names[row.worker_id], names[row.second_id]) if row else (None, None)


# Notes.


def test_each_note_that_is_owed_or_unfinished_is_in_hand_by_number_and_week_and_once(program: Cast) -> None:
    with program.session() as session:
        follow_up = followed(session, program, "#2026-01", at=LONG_AGO)
        followed(session, program, "#2026-02", worker=SECOND, at=LONG_AGO)
        mine = owed.missing(session, TODAY, people=[program.people[WORKER]], back=owed.WEEKS_WRITTEN)
        due = [one.week for one in mine]
        notes.ask_for_notes(session, by=LOADING, at=AT)
    write(program, follow_up, unfinished=True)
    found = [words for kind, words in in_hand(program, WORKER, "ccsmtl") if kind == "note"]
    assert len(due) > owed.WEEKS_ASKED, "also what no task asks for any more, as it is long ago"
    assert len(found) == len(due)
    assert all("#2026-01" in words for words in found)
    assert "task" not in kinds(program, WORKER), "the week's own reminder is the same thing again"


@pytest.mark.ci
def test_a_note_that_is_finished_is_out_of_hand_by_itself_whoever_finishes_it(program: Cast) -> None:
    with program.session() as session:
        follow_up = followed(session, program, "#2026-01", second=SECOND, at=AT - timedelta(days=8))
    write(program, follow_up, unfinished=True)
    case_id = leave(program, WORKER, "ccsmtl")
    before = asked(program, case_id, "finish_note")
    write(program, follow_up, unfinished=False, by=SECOND)
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
    states = {row.id: row.state for row in asked(program, case_id, "finish_note")}
    (finished,) = [row for row in before if str(LAST_WEEK.day) in row.title_en]
    assert finished.state == "open"
    assert states[finished.id] == "done"


@pytest.mark.ci
def test_a_note_that_nobody_can_finish_ends_with_a_reason_and_is_asked_for_no_more(program: Cast) -> None:
    with program.session() as session:
        followed(session, program, "#2026-01", at=AT - timedelta(days=8))
    case_id = leave(program, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    rows = asked(program, case_id, "finish_note")
    assert rows
    with refused("reason.missing"):
        settle(program, rows[0].id, ended="left_unfinished")
    with refused("holding.nobody_takes_it"):
        settle(program, rows[0].id, to=SECOND)
    assert any("Note of" in words for words in left(program, case_id))
    for row in rows:
        settle(program, row.id, ended="left_unfinished", note="Nobody knows what was said")
    assert not any("Note of" in words for words in left(program, case_id))
    with program.session() as session:
        assert owed.missing(session, TODAY, people=[program.people[WORKER]]) == [], "of the week that has just ended"
        assert notes.ask_for_notes(session, by=LOADING, at=AT) == 0


@pytest.mark.ci
def test_the_week_of_the_last_day_is_owed_too_though_nobody_followed_at_its_end(program: Cast) -> None:
    """Somebody who leaves on a Wednesday and hands over nothing: that week's note would be nobody's."""
    with program.session() as session:
        followed(session, program, "#2026-01", at=AT)
    wednesday = TODAY + timedelta(days=2)
    case_id = leave(program, WORKER, "ccsmtl", last_day=wednesday)
    assert asked(program, case_id, "finish_note") == []
    at = AT + timedelta(days=3)
    with program.session() as session:
        for departure_id in current.due_to_end(session, at):
            ending.end_departure(session, departure_id, by=LOADING, at=at)
        gathering.gather(session, case_id, by=LOADING, at=at)
    (row,) = asked(program, case_id, "finish_note")
    assert row.title_en.endswith("Note of #2026-01, week of November 23, 2026")


@pytest.mark.ci
def test_a_departure_is_not_over_while_a_note_is_unfinished(program: Cast) -> None:
    with program.session() as session:
        follow_up = followed(session, program, "#2026-01", at=AT - timedelta(days=8))
    write(program, follow_up, unfinished=True)
    case_id = leave(program, WORKER, "ccsmtl")
    with program.session() as session:
        for departure_id in current.due_to_end(session, AFTER):
            ending.end_departure(session, departure_id, by=LOADING, at=AFTER)
    assert [words for words in left(program, case_id, AFTER) if "#2026-01" in words and "Note" in words]


# Referrals.


@pytest.mark.ci
def test_a_referral_in_triage_is_in_the_only_coordinators_hands_by_reference_alone(program: Cast) -> None:
    referral_id = refer(program)
    with program.session() as session:
        reference = session.execute(
            text("select candidate_ref from participant p join referral r on r.participant_id = p.id where r.id = :id"),
            {"id": referral_id},
        ).scalar_one()
    found = in_hand(program, "coordinator", "ccsmtl")
    assert ("referral", f"Referral in triage, {reference}") in found
    assert not [words for kind, words in found if kind == "task" and "criterion" in words], "not twice"
    case_id = leave(program, "coordinator", "ccsmtl")
    (row,) = asked(program, case_id, "pass_on_referrals")
    assert ONDINE.family_name not in row.title_en + row.title_fr
    with refused("successor.not_for_triage"):
        settle(program, row.id, to="manager_codim", by=program.actor("manager_ccsmtl"))
    (role,) = asked(program, case_id, "find_successor")
    settle(program, role.id, to="manager_codim", by=program.actor("manager_ccsmtl"))
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
        then = standing(session, TODAY + timedelta(days=15))
        (task,) = session.execute(select(TASK.c.owed_by_id, TASK.c.state).where(TASK.c.id == UUID(row.item))).all()
        links = session.execute(
            text("select links from responsibility where id = :id"), {"id": task.owed_by_id}
        ).scalar_one()
        assert task.state == "open"
        assert [one.person_id for one in then.falls(read_links(links)).holders] == [program.people["manager_codim"]]


@pytest.mark.ci
def test_a_referral_that_was_begun_is_handed_on_or_sent_and_never_forgotten(program: Cast) -> None:
    with program.session() as session:
        first = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
        second = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    assert kinds(program, WORKER).count("draft") == 2
    case_id = leave(program, WORKER, "ccsmtl")
    rows = {UUID(row.item): row for row in asked(program, case_id, "send_drafts")}
    for somebody in ("manager_ccsmtl", "administrator", "coordinator"):
        with refused("holding.nobody_takes_it"):
            settle(program, rows[first].id, to=somebody)
    settle(program, rows[first].id, ended="to_the_coordinator", by=program.actor(WORKER))
    with program.session() as session:
        form, _ = referring.draft_of(session, first, by=program.actor("coordinator"), at=AT)
        assert form.family_name == ONDINE.family_name
        for somebody in (WORKER, "manager_ccsmtl", "administrator"):
            with refused("referral.unknown"):
                referring.draft_of(session, first, by=program.actor(somebody), at=AT)
        referring.send_referral(session, second, ONDINE, by=program.actor(WORKER), at=AT)
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
    assert [row.state for row in asked(program, case_id, "send_drafts")] == ["done", "done"]


def test_a_draft_that_is_thrown_away_has_its_reason_and_leaves_nothing(program: Cast) -> None:
    with program.session() as session:
        referral_id = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    case_id = leave(program, WORKER, "ccsmtl")
    (row,) = asked(program, case_id, "send_drafts")
    for somebody in ("coordinator", "manager_ccsmtl"):
        with refused("draft.unread"):
            settle(program, row.id, ended="thrown_away", note="It is old", by=program.actor(somebody))
    author = program.actor(WORKER)
    with refused("reason.missing"):
        settle(program, row.id, ended="thrown_away", by=author)
    settle(program, row.id, ended="thrown_away", note="Referred by somebody else already", by=author)
    with program.session() as session:
        found = session.execute(select(REFERRAL.c.state, REFERRAL.c.sealed).where(REFERRAL.c.id == referral_id)).one()
        assert (found.state, found.sealed) == ("abandoned", None)


def may_read(cast: Cast, referral_id: UUID) -> set[str]:
    """Who reads a draft, of its author and those who might want to."""
    found = set()
    for who in (WORKER, "coordinator", "manager_ccsmtl"):
        with cast.session() as session, suppress(Refusal):
            referring.draft_of(session, referral_id, by=cast.actor(who), at=AT)
            found.add(who)
    return found


def test_until_the_last_day_is_over_its_author_alone_says_what_becomes_of_a_draft(program: Cast) -> None:
    with program.session() as session:
        referral_id = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    case_id = leave(program, WORKER, "ccsmtl")
    (row,) = asked(program, case_id, "send_drafts")
    on_the_last_day = AT + timedelta(days=14)
    for somebody, at in (("coordinator", AT), ("manager_ccsmtl", AT), ("coordinator", on_the_last_day)):
        with refused("draft.authors"):
            settle(program, row.id, ended="to_the_coordinator", by=program.actor(somebody), at=at)
    assert may_read(program, referral_id) == {WORKER}
    assert endings.endings("draft", own=False, over=False) == ()
    settle(program, row.id, ended="to_the_coordinator", at=AFTER)
    assert may_read(program, referral_id) == {"coordinator"}


@pytest.mark.parametrize("whose", ["author", "coordinator"])
def test_a_departure_that_is_cancelled_gives_a_draft_back_to_its_author_alone(program: Cast, whose: str) -> None:
    with program.session() as session:
        kept = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
        sent = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    case_id = leave(program, WORKER, "ccsmtl")
    by, at = (program.actor(WORKER), AT) if whose == "author" else (program.actor("coordinator"), AFTER)
    for row in asked(program, case_id, "send_drafts"):
        settle(program, row.id, ended="to_the_coordinator", by=by, at=at)
    with program.session() as session:
        referring.send_referral(session, sent, ONDINE, by=program.actor("coordinator"), at=at)
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=at, reason="They stay")
    assert (may_read(program, kept), may_read(program, sent)) == ({WORKER}, set())
    with program.session() as session:
        waits = session.scalars(select(TASK.c.state).where(TASK.c.step == referring.UNFINISHED)).all()
    assert sorted(waits) == ["cancelled", "done"]
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=at, reason="They leave after all")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=at)
        gathering.gather(session, case_id, by=LOADING, at=at)
    states = {UUID(row.item): row.state for row in asked(program, case_id, "send_drafts")}
    assert states == {kept: "open", sent: "done"}, "it is in their hands again"


@pytest.mark.ci
def test_what_was_left_unfinished_is_whoevers_who_coordinates_and_is_asked_of_them_until_it_ends(program: Cast) -> None:
    with program.session() as session:
        first = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
        second = referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    case_id = leave(program, WORKER, "ccsmtl")
    for row in asked(program, case_id, "send_drafts"):
        settle(program, row.id, ended="to_the_coordinator", by=program.actor(WORKER))

    def waits() -> list[str]:
        with program.session() as session:
            found = select(TASK.c.state).where(TASK.c.step == referring.UNFINISHED).order_by(TASK.c.state)
            return list(session.scalars(found))

    assert waits() == ["open", "open"]
    # The coordinator who leaves has it no more, and hands it to nobody: the next one has it.
    leave(program, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=program.actor("manager_ccsmtl"))
    assert "draft" not in kinds(program, "coordinator")
    with program.session() as session:
        retention.sweep_drafts(session, by=LOADING, at=AT + timedelta(days=60))
    come_back(program, "officer", "ccsmtl", role="coordinator", starts_on=TODAY)
    now = Actor("coordinator", program.people["officer"], program.organizations["ccsmtl"])
    with program.session() as session:
        referring.send_referral(session, first, ONDINE, by=now, at=AT)
        referring.abandon_referral(session, second, by=now, at=AT)
    assert waits() == ["done", "done"]


@pytest.mark.ci
def test_no_day_that_passes_destroys_what_somebody_who_leaves_had_begun(program: Cast) -> None:
    with program.session() as session:
        referring.begin_referral(session, ONDINE, by=program.actor(WORKER), at=AT)
    leave(program, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    with program.session() as session:
        assert retention.sweep_drafts(session, by=LOADING, at=AT + timedelta(days=60)) == 0


# People to meet.


@pytest.mark.ci
def test_a_candidate_whom_the_leaver_was_to_meet_is_met_by_another(program: Cast) -> None:
    found = candidate(program, second=SECOND)
    assert kinds(program, WORKER).count("candidate") == 1
    assert kinds(program, SECOND, "codim").count("candidate") == 1
    case_id = leave(program, WORKER, "ccsmtl")
    (row,) = asked(program, case_id, "pass_on_candidates")
    settle(program, row.id, to=SECOND)
    assert who_meets(program, found) == (SECOND, None)
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
    assert not any("Candidate" in words for words in left(program, case_id))


@pytest.mark.ci
def test_a_candidate_with_nobody_to_meet_them_is_the_coordinators_to_name_anew(program: Cast) -> None:
    found = candidate(program)
    case_id = leave(program, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    (row,) = asked(program, case_id, "pass_on_candidates")
    settle(program, row.id, ended="left_vacant", note="Nobody has room this week")
    assert who_meets(program, found) == (None, None)
    with program.session() as session:
        state, worker = session.execute(
            text(
                "select p.state, w.ended_as from participant p join candidate_worker w on w.participant_id = p.id"
                " where p.id = :id"
            ),
            {"id": found},
        ).one()
        assert (state, worker) == ("candidate", "left")
        owed = session.execute(
            text(
                'select r.links from task t join responsibility r on r.id = t.owed_by_id join "case" c on c.id ='
                " t.case_id where c.participant_id = :id and t.step = 'make_contact'"
            ),
            {"id": found},
        ).scalar_one()
        assert owed == [{"role": "coordinator", "at": "*"}]


@pytest.mark.ci
def test_the_second_of_a_pair_who_leaves_is_replaced_and_the_first_stays(program: Cast) -> None:
    found = candidate(program, second=SECOND)
    case_id = leave(program, SECOND, "codim")
    (row,) = asked(program, case_id, "pass_on_candidates")
    with refused("assignment.same"):
        settle(program, row.id, to=WORKER)
    settle(program, row.id, to="without_mail")
    assert who_meets(program, found) == (WORKER, "without_mail")


def test_the_steps_of_a_worker_whom_the_candidate_bars_are_the_coordinators_again(program: Cast) -> None:
    found = candidate(program)
    with program.session() as session:
        barring.bar(session, found, program.people[WORKER], by=program.actor("coordinator"), at=AT)
    assert not any(kind in ("task", "candidate") for kind in kinds(program, WORKER))


@pytest.mark.ci
def test_whoever_referred_and_left_is_written_nothing_and_the_coordinator_tells_the_person(program: Cast) -> None:
    referral_id = refer(program, by=SECOND)
    leave(program, SECOND, "codim", last_day=TODAY, planned=False)
    found = triaged(program, referral_id, "forwarded")
    with program.session() as session:
        workers.forward(session, found, program.people[WORKER], by=program.actor("coordinator"), at=AT)
        assert participant_of(session, referral_id) == found
        case_id = session.execute(text('select id from "case" where participant_id = :id'), {"id": found}).scalar_one()
        act = DueAction(program.program_id, case_id, case_id, "tell_referrer", "tell_referrer")
        for _ in range(2):
            tell_referrer(session, act, LOADING, AT)
        assert referrer_is_told(session, act, AT)
        tasks = session.execute(select(TASK.c.title_en).where(TASK.c.step == TELL)).scalars().all()
        assert len(tasks) == 1
        assert "has left" in tasks[0]
        written = session.execute(
            text("select count(*) from notice where template = 'worker_named' and person_id = :id"),
            {"id": program.people[SECOND]},
        ).scalar_one()
        assert written == 0
