"""Follow-ups of somebody who leaves: offered, accepted or refused, never lost, and by number alone."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.accompaniment import barring, consents, proposals, states
from domain.agreements.version_text import content_of
from domain.casework import tasks
from domain.departure import current, ending, gathering, hand_overs, hand_overs_in_bulk, offers, parts_left, settling
from domain.follow_ups import assigning, locking
from domain.kernel.refusals import Refusal
from locales import show_day
from models.base import table_of
from models.departure import HandOver
from tests.agreeing import sharing_otherwise
from tests.api.application import client_for
from tests.cast import AT, LOADING, Cast, program_file
from tests.departing import asked, in_hand, leave, left, record_protocols, settle
from tests.following import SECOND, THIRD, WORKER, agreed, bar, consented, followed, parts, row_of
from tests.refusing import refused

HAND_OVER = table_of(HandOver)
LATER, AFTER = AT + timedelta(days=8), AT + timedelta(days=15)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


def follow(cast: Cast, number: str = "#2026-01", *, second: str | None = SECOND) -> UUID:
    with cast.session() as session:
        return followed(session, cast, number, second=second)


def offered(cast: Cast) -> list[tuple[str, str]]:
    with cast.session() as session:
        rows = session.execute(select(HAND_OVER.c.to_id, HAND_OVER.c.state).order_by(HAND_OVER.c.proposed_at))
        names = {person: name for name, person in cast.people.items()}
        return [(names[row.to_id], row.state) for row in rows]


def answer(cast: Cast, who: str, *, reason: str = "") -> None:
    with cast.session() as session:
        (row,) = offers.offered_to(session, cast.people[who])
        if reason:
            hand_overs.refuse(session, row.id, reason=reason, by=cast.actor(who), at=AT)
        else:
            hand_overs.accept(session, row.id, by=cast.actor(who), at=AT)


def primary(cast: Cast, follow_up_id: UUID) -> list[str]:
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        return [
            names[person]
            for kind, person, _, ends_on in parts(session, follow_up_id)
            if kind == "primary" and not ends_on
        ]


@pytest.mark.ci
def test_a_follow_up_is_in_hand_by_number_and_each_of_its_steps_is_asked_for(program: Cast) -> None:
    follow(program)
    assert ("follow_up", "Follow-up of #2026-01") in in_hand(program, WORKER, "ccsmtl")
    case_id = leave(program, WORKER, "ccsmtl")
    for name in ("tell_participant", "agree_on_way", "complete_notes", "write_summary", "hand_over_follow_ups"):
        assert len(asked(program, case_id, name)) == 1, name


@pytest.mark.ci
def test_the_way_is_agreed_with_one_participant_before_the_others_are_told(program: Cast) -> None:
    follow(program)
    follow(program, "#2026-02")
    case_id = leave(program, WORKER, "ccsmtl")
    told, _ = asked(program, case_id, "tell_participant")
    with program.session() as session:
        tasks.complete_task(session, told.id, by=program.actor(WORKER), at=AT)
    assert [row.state for row in asked(program, case_id, "agree_on_way")] == ["open", "planned"]
    (last,) = asked(program, case_id, "confirm_nothing_left")
    assert last.state == "planned", "the last check waits for each of them"


@pytest.mark.ci
def test_nothing_moves_before_the_successor_accepts(program: Cast) -> None:
    follow_up = follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    assert offered(program) == [(SECOND, "proposed")]
    assert primary(program, follow_up) == [WORKER]
    assert "Follow-up of #2026-01" in left(program, case_id)
    answer(program, SECOND)
    assert primary(program, follow_up) == [SECOND]
    assert "Follow-up of #2026-01" not in left(program, case_id)
    assert [row.state for row in asked(program, case_id, "hand_over_follow_ups")] == ["done"]


def test_whoever_is_offered_a_follow_up_is_told_that_it_waits_for_their_answer_and_by_when(program: Cast) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    settle(program, asked(program, case_id, "hand_over_follow_ups")[0].id, to=SECOND)
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people[SECOND])
        asked_of = text("select template, message from notice where person_id = :who and case_id = :case")
        rows = session.execute(asked_of, {"who": program.people[SECOND], "case": case_id}).all()
    assert [row.template for row in rows] == ["offered"], "nothing is in their hands yet"
    body = message_from_bytes(rows[0].message, policy=policy.default).get_body(("plain",))
    assert body is not None
    said = " ".join(body.get_content().split())
    assert show_day("fr", offer.answer_by) in said or show_day("en", offer.answer_by) in said, said


@pytest.mark.ci
def test_one_that_is_refused_stays_and_can_be_offered_to_another(program: Cast) -> None:
    follow_up = follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with refused("reason.missing"), program.session() as session:
        (row,) = offers.offered_to(session, program.people[SECOND])
        hand_overs.refuse(session, row.id, reason=" ", by=program.actor(SECOND), at=AT)
    answer(program, SECOND, reason="Too many already")
    settle(program, task.id, to="without_mail")
    assert set(offered(program)) == {(SECOND, "refused"), ("without_mail", "proposed")}
    assert primary(program, follow_up) == [WORKER]


@pytest.mark.ci
def test_what_was_offered_to_a_worker_whom_the_participant_bars_is_taken_back_without_a_word_to_them(
    program: Cast,
) -> None:
    follow_up = follow(program, second=None)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    second = client_for(program.database, program.people[SECOND])
    assert "offered to you" in second.get("/").text
    assert "#2026-01" in second.get("/handed-over").text
    with program.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        letters = "select count(*) from notice where person_id = :who"
        before = session.scalar(text(letters), {"who": program.people[SECOND]})
        barring.bar(session, participant_id, program.people[SECOND], by=program.actor("coordinator"), at=AT)
    assert offered(program) == [(SECOND, "withdrawn")]
    assert "offered to you" not in second.get("/").text
    assert "#2026-01" not in second.get("/handed-over").text
    with program.session() as session:
        assert session.scalar(text(letters), {"who": program.people[SECOND]}) == before
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    assert task.state == "open"
    settle(program, task.id, to="without_mail")
    answer(program, "without_mail")
    assert primary(program, follow_up) == ["without_mail"]
    other = client_for(program.database, program.people["without_mail"])
    assert "#2026-01" in other.get("/handed-over").text
    with program.session() as session:
        barring.bar(session, participant_id, program.people["without_mail"], by=program.actor("coordinator"), at=AT)
    assert "#2026-01" not in other.get("/handed-over").text, "what they were given before, too"


@pytest.mark.ci
def test_nobody_answers_what_was_offered_to_another(program: Cast) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session, refused("hand_over.unknown"):
        (row,) = offers.offered_to(session, program.people[SECOND])
        hand_overs.accept(session, row.id, by=program.actor(WORKER), at=AT)


@pytest.mark.ci
def test_whom_the_participant_barred_is_not_offered_it(program: Cast) -> None:
    follow_up = follow(program, second=None)
    with program.session() as session:
        bar(session, program, follow_up, program.people[SECOND])
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as session:
        fit = parts_left.fit_for(session, task, program.people[WORKER], AT)
        assert program.people[SECOND] not in [one.person_id for one in fit]
    with refused("assignment.barred"):
        settle(program, task.id, to=SECOND)


@pytest.mark.ci
def test_a_follow_up_goes_to_no_worker_of_an_organization_with_which_the_participant_does_not_share(
    program: Cast,
) -> None:
    made = follow(program, second=None)
    with program.session() as session:
        consented(session, program, made, "anonyme")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with refused("assignment.not_agreed"):
        settle(program, task.id, to=SECOND)
    with program.session() as session:
        thought_of = parts_left.considered_for(session, task, program.people[WORKER], AT)
        bars = {one.person_id: one.load.bars for one in thought_of}
        assert bars[program.people[SECOND]] == ("not_agreed",)
        assert [one.person_id for one in parts_left.fit_for(session, task, program.people[WORKER], AT)] == [
            program.people[THIRD]
        ]
    settle(program, task.id, to=THIRD)
    assert offered(program) == [(THIRD, "proposed")]


@pytest.mark.ci
def test_an_offer_cannot_be_taken_once_the_consent_to_share_has_ended_by_its_day(program: Cast) -> None:
    made = follow(program, second=None)
    with program.session() as session:
        consented(session, program, made, "codim", ends_on=AT.date())
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people[SECOND])
        with refused("assignment.not_agreed"):
            hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT + timedelta(days=1))
    assert primary(program, made) == [WORKER]


@pytest.mark.ci
def test_a_second_takes_over_from_the_worker_only_as_long_as_the_participant_agrees_to_it(program: Cast) -> None:
    made = follow(program)
    with program.session() as session:
        (_, with_codim) = consented(session, program, made, "codim")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        consents.withdraw(session, with_codim, by=program.actor("coordinator"), at=AT)
        (offer,) = offers.last_offers(session, case_id).values()
        assert offer.state == "withdrawn", "what is offered is taken back with the consent"
        assert offers.offered_to(session, program.people[SECOND]) == []
    with refused("assignment.not_agreed"):
        settle(program, task.id, to=SECOND)
    with program.session() as session:
        consented(session, program, made, "codim")
    settle(program, task.id, to=SECOND)
    answer(program, SECOND)
    assert primary(program, made) == [SECOND]


@pytest.mark.ci
def test_what_is_handed_over_to_another_organization_asks_its_terms_for_that_purpose(cast: Cast) -> None:
    record_protocols(cast)
    shares = content_of(program_file().value, "codim").terms.information_sharing
    assert shares is not None
    with cast.session() as session:
        named = [one.as_stored() for one in shares.purposes if one.key != "handover"]
        sharing_otherwise(session, cast, "codim", purposes=named)
        agreed(session, cast)
    follow(cast, second=None)
    case_id = leave(cast, WORKER, "ccsmtl")
    (task,) = asked(cast, case_id, "hand_over_follow_ups")
    with refused("assignment.not_shared"):
        settle(cast, task.id, to=SECOND)
    with cast.session() as session:  # a new participant may come to them all the same
        followed(session, cast, "#2026-09", worker=SECOND)


@pytest.mark.ci
def test_looking_at_whom_a_follow_up_could_be_offered_to_waits_for_nobody_who_is_changing_it(program: Cast) -> None:
    follow_up = follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as changing, program.session() as looking:
        locking.lock_follow_up(changing, follow_up, by=LOADING, at=AT)
        looking.execute(text("set local lock_timeout = '100ms'"))
        assert parts_left.fit_for(looking, task, program.people[WORKER], AT)


def test_the_second_of_the_pair_whom_the_participant_has_met_is_shown_first(program: Cast) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as session:
        first = parts_left.fit_for(session, task, program.people[WORKER], AT)[0]
        assert (first.person_id, first.met) == (program.people[SECOND], True)


@pytest.mark.ci
def test_silence_reaches_the_coordinator_once_and_the_offer_still_stands(program: Cast) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    found = []
    for at in (AT, LATER, LATER):
        with program.session() as session:
            found.append(offers.lapse(session, at, by=LOADING))
    assert found == [0, 1, 0]
    with program.session() as session:
        count = session.execute(text("select count(*) from task where step = 'hand_over.silent'")).scalar_one()
    assert count == 1
    assert offered(program) == [(SECOND, "proposed")]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("over", ["accepted", "offered to another", "left vacant"])
def test_of_silence_that_is_over_the_coordinator_is_asked_no_more(program: Cast, over: str) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        offers.lapse(session, LATER, by=LOADING)
        (offer,) = offers.offered_to(session, program.people[SECOND])
        if over == "accepted":
            hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=LATER)
    if over == "offered to another":
        settle(program, task.id, to=THIRD, at=LATER)
    if over == "left vacant":
        settle(program, task.id, ended="left_vacant", note="Nobody has room", at=LATER)
    with program.session() as session:
        assert offers.lapse(session, LATER, by=LOADING) == 0
        states = session.scalars(text("select state from task where step = 'hand_over.silent'")).all()
    assert states == ["cancelled"]


@pytest.mark.parametrize("number", [0, 1, 11])
@pytest.mark.ci
def test_the_dry_run_of_a_bulk_says_what_happens_and_a_second_run_changes_nothing(program: Cast, number: int) -> None:
    for place in range(number):
        follow(program, f"#2026-{place + 1:02}")
    case_id = leave(program, WORKER, "ccsmtl")
    receipts = []
    for dry in (True, False, False):
        with program.session() as session:
            receipts.append(
                hand_overs_in_bulk.propose_all(session, case_id, dry_run=dry, by=program.actor("coordinator"), at=AT)
            )
        assert len(offered(program)) == (0 if dry else number)
    assert receipts[0] == receipts[1]
    assert len(receipts[0]) == number
    assert {line.refused for line in receipts[2]} == ({"hand_over.waits"} if number else set())
    assert [line.to_id for line in receipts[2]] == [line.to_id for line in receipts[1]]


@pytest.mark.ci
def test_whoever_refused_a_follow_up_is_not_offered_it_by_the_bulk_again_and_the_coordinator_is_told(
    program: Cast,
) -> None:
    follow(program)
    case_id = leave(program, WORKER, "ccsmtl")
    by = program.actor("coordinator")

    def bulk() -> list[tuple[UUID | None, str]]:
        with program.session() as session:
            lines = hand_overs_in_bulk.propose_all(session, case_id, dry_run=False, by=by, at=AT)
            told = session.scalars(text("select person_id from notice where template = 'offer_refused'")).all()
        assert set(told) <= {by.person_id}
        assert len(told) == sum(state == "refused" for _, state in offered(program))
        return [(line.to_id, line.refused) for line in lines]

    assert bulk() == [(program.people[SECOND], "")], "they have met the participant"
    answer(program, SECOND, reason="Too many already")
    assert bulk() == [(program.people[THIRD], "")]
    answer(program, THIRD, reason="Away in summer")
    assert bulk() == [(None, "hand_over.all_refused")]
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    assert (SECOND, "proposed") in offered(program), "on its own, once they spoke with each other"


@pytest.mark.ci
def test_what_is_refused_for_one_holds_up_no_other_and_is_in_the_receipt(program: Cast) -> None:
    """One that its participant keeps from everybody, among others."""
    follow(program, "#2026-01", second=None)
    kept = follow(program, "#2026-02", second=None)
    with program.session() as session:
        for name in (SECOND, "without_mail", "worker_em"):
            bar(session, program, kept, program.people[name])
    case_id = leave(program, WORKER, "ccsmtl")
    with program.session() as session:
        lines = hand_overs_in_bulk.propose_all(session, case_id, dry_run=False, by=program.actor("coordinator"), at=AT)
    assert [(line.to_id is not None, line.refused) for line in lines] == [(True, ""), (False, "hand_over.nobody_fits")]
    assert len(offered(program)) == 1


@pytest.mark.ci
def test_what_nobody_took_over_by_the_last_day_is_a_visible_vacancy(program: Cast) -> None:
    follow_up = follow(program, second=None)
    case_id = leave(program, WORKER, "ccsmtl")
    with program.session() as session:
        for departure_id in current.due_to_end(session, AFTER):
            ending.end_departure(session, departure_id, by=LOADING, at=AFTER)
        gathering.gather(session, case_id, by=LOADING, at=AFTER)
        vacant = session.execute(
            text("select vacancy_task_id from follow_up where id = :id"), {"id": follow_up}
        ).scalar_one()
    assert vacant is not None
    assert primary(program, follow_up) == []


@pytest.mark.ci
@pytest.mark.parametrize("how", ["left vacant", "in other hands"])
def test_an_offer_that_nobody_can_answer_any_more_is_taken_back_and_whoever_was_offered_it_is_told(
    program: Cast, how: str
) -> None:
    follow_up, by = follow(program, second=None), program.actor("coordinator")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        if how == "left vacant":
            settling.settle_holding(session, task.id, ended_as="left_vacant", note="Nobody has room", by=by, at=AT)
        if how == "in other hands":
            leaver, other = program.people[WORKER], program.people[THIRD]
            assigning.assign_worker(session, follow_up, other, instead_of=leaver, by=by, at=AT)
            gathering.gather(session, case_id, by=LOADING, at=AT)
            offers.lapse(session, AT, by=LOADING)
        told = session.execute(
            text("select subject from notice where template = 'offer_taken_back' and person_id = :who"),
            {"who": program.people[SECOND]},
        ).scalars()
        assert ["#" in subject for subject in told] == [False], "once, and its subject calls nobody"
        fit = proposals.proposals(session, row_of(session, follow_up)["participant_id"], at=AT)
        assert {one.offered for one in fit} == {0.0}, "and it counts in nobody's load"
    assert offered(program) == [(SECOND, "withdrawn")]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("how", ["completed", "withdrew"])
def test_of_a_follow_up_that_ends_meanwhile_nothing_is_asked_any_more_and_anew_once_it_is_taken_up_again(
    program: Cast, how: str
) -> None:
    """Whoever withdrew is not told; and no departure waits for that for ever."""
    follow_up, by = follow(program), program.actor("coordinator")
    case_id = leave(program, WORKER, "ccsmtl")
    with program.session() as session:
        if how == "completed":
            states.complete(session, follow_up, participant_agrees=True, by=by, at=AT)
        else:
            states.deactivate(session, follow_up, how, by=by, at=AT)
        gathering.gather(session, case_id, by=LOADING, at=AT)
        assert gathering.gather(session, case_id, by=LOADING, at=AT) == 0, "once"
    of_it = ("tell_participant", "agree_on_way", "complete_notes", "write_summary", "hand_over_follow_ups")
    assert [[row.state for row in asked(program, case_id, name)] for name in of_it] == [["waived"]] * 4 + [["done"]]
    with program.session() as session:
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT)
        with refused("assignment.leaving"):
            assigning.assign_worker(session, follow_up, program.people[WORKER], by=by, at=AT)


def test_an_end_that_is_stated_leaves_a_vacancy_with_its_reason(program: Cast) -> None:
    follow_up = follow(program, second=None)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with pytest.raises(Refusal):
        settle(program, task.id, ended="left_vacant")
    settle(program, task.id, ended="left_vacant", note="Nobody has room before the holidays")
    assert primary(program, follow_up) == []
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
    states_ = [asked(program, case_id, step)[0].state for step in ("tell_participant", "agree_on_way")]
    assert states_ == ["open", "waived"], "nobody says how it was handed over where it was not"
