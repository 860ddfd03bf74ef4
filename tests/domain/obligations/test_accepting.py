"""Proof is accepted by somebody else: given is not met, and nobody accepts what they gave or owe, under any hat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Thread
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.casework import asking
from domain.casework.tasks import needed_reason
from domain.declarations.checks.rule import GIVE
from domain.kernel.actors import Actor
from domain.obligations import accepting, attestations, proofs, reading, to_accept
from domain.obligations.to_accept import ACCEPT, GIVE_AGAIN
from domain.people import absences
from domain.roles.roles import standing
from models.base import table_of
from models.obligation import Acceptance
from models.record import Event
from tests.agreeing import PDF, code_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.obligations.files import LOCKED, UNREADABLE
from tests.domain.obligations.signed import findings, kept, period, put_in_force, tasks

_word = table_of(Acceptance)
_event = table_of(Event)

DAY: Final = timedelta(days=1)
LATE: Final = AT + timedelta(days=28)
WHY: Final = "La date manque."


def _judge(cast: Cast) -> None:
    with cast.session() as made:
        put_in_force(made, cast, "ccsmtl", "en-marge", "codim", "anonyme")
        kept(made)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which four agreements are in force, and were judged once."""
    arranged(cast, _judge)
    with cast.session() as made:
        yield made


def give(
    session: Session, cast: Cast, place: str = "en-marge", key: str = "AG-P4", *, by: Actor | None = None
) -> tuple[UUID, UUID]:
    """Give a document for a clause; the ids of the period and of the document."""
    one = period(session, cast, place, key)
    giver = by or cast.actor("manager_em")
    return one["id"], attestations.add_document(
        session, one["id"], "bilan.pdf", PDF, effective_on=TODAY, by=giver, at=AT
    )


def holders(session: Session, period_id: UUID) -> set[UUID]:
    """On whom it falls to look at what was given for a period."""
    (asked,) = asking.open_ones(session, ACCEPT, period_id)
    return {holder.person_id for holder in standing(session, TODAY).falls(asked.links).holders}


def test_what_is_given_is_to_be_looked_at_and_met_once_the_coordinator_accepted_it(
    cast: Cast, session: Session
) -> None:
    period_id, document = give(session, cast)
    one = period(session, cast, "en-marge", "AG-P4")
    assert (one["state"], one["found"]["facts"][0]["why"]) == ("given", "given")
    (task,) = tasks(session, ACCEPT)
    assert (task["state"], task["item"], task["next_check"] is not None) == ("open", str(period_id), True)
    assert holders(session, period_id) == {cast.people["coordinator"]}
    accepting.accept(session, period_id, document, by=cast.actor("coordinator"), at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "met"
    assert findings(session, period_id) == ["at_risk", "given", "met"]
    (task,) = tasks(session, ACCEPT)
    assert (task["state"], task["done_by"]) == ("done", cast.people["coordinator"])
    (shown,) = reading.documents_of(session, one["agreement_id"], "AG-P4")
    assert (shown.added_by, shown.added_as) == (cast.people["manager_em"], "manager")
    assert (shown.looked_at_as, shown.looked_at_by, shown.looked_at) == ("accepted", cast.people["coordinator"], AT)
    verbs = session.scalars(select(_event.c.verb).where(_event.c.subject_id == period_id)).all()
    assert "obligation.proof_accepted" in verbs


def test_returned_proof_is_the_givers_again_and_what_is_given_anew_is_looked_at_anew(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    period_id, document = give(session, cast)
    back = partial(accepting.give_back, session, period_id, document, by=by, at=AT)
    assert code_of(partial(back, reason="  ")) == "reason.missing"
    back(reason=WHY)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "at_risk"
    (again,) = asking.open_ones(session, GIVE_AGAIN, period_id)
    assert standing(session, TODAY).falls(again.links).on(cast.people["manager_em"]) is not None
    assert asking.open_ones(session, ACCEPT, period_id) == []
    kept(session)
    assert asking.open_ones(session, ACCEPT, period_id) == [], "what was returned waits for nobody"
    attestations.add_document(
        session, period_id, "bilan.pdf", PDF, effective_on=TODAY, by=cast.actor("manager_em"), at=AT
    )
    assert asking.open_ones(session, GIVE_AGAIN, period_id) == []
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "given"
    assert len(asking.open_ones(session, ACCEPT, period_id)) == 1


@pytest.mark.ci
def test_what_was_accepted_or_returned_by_mistake_is_looked_at_again_and_both_words_are_kept(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    period_id, document = give(session, cast)
    accepting.accept(session, period_id, document, by=by, at=AT)
    assert code_of(partial(accepting.accept, session, period_id, document, by=by, at=AT)) == "proof.not_waiting"
    accepting.give_back(session, period_id, document, reason=WHY, by=by, at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] != "met"
    accepting.accept(session, period_id, document, by=by, at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "met"
    assert asking.open_ones(session, GIVE_AGAIN, period_id) == []
    words = session.execute(select(_word.c.said, _word.c.superseded_at)).all()
    assert sorted(row.said for row in words) == ["accepted", "accepted", "returned"]
    assert [row.superseded_at is None for row in words].count(True) == 1


@pytest.mark.ci
def test_what_is_withdrawn_waits_for_nobody(cast: Cast, session: Session) -> None:
    period_id, document = give(session, cast)
    attestations.withdraw_document(session, document, reason="Mauvais fichier", by=cast.actor("manager_em"), at=AT)
    assert [task["state"] for task in tasks(session, ACCEPT)] == ["cancelled"]
    assert (
        code_of(partial(accepting.accept, session, period_id, document, by=cast.actor("coordinator"), at=AT))
        == "proof.unknown"
    )


@pytest.mark.ci
def test_what_was_returned_and_then_taken_back_is_asked_for_once(cast: Cast, session: Session) -> None:
    by = cast.actor("manager_em")
    period_id, document = give(session, cast)
    accepting.give_back(session, period_id, document, reason=WHY, by=cast.actor("coordinator"), at=AT)
    attestations.withdraw_document(session, document, reason="Mauvais fichier", by=by, at=AT)
    asked = {step: [one.id for one in asking.open_ones(session, step, period_id)] for step in (GIVE, GIVE_AGAIN)}
    assert (len(asked[GIVE]), asked[GIVE_AGAIN]) == (1, [])
    # One that is of another year answers nothing of this one.
    attestations.add_document(session, period_id, "bilan.pdf", PDF, effective_on=TODAY - 400 * DAY, by=by, at=AT)
    assert [one.id for one in asking.open_ones(session, GIVE, period_id)] == asked[GIVE]


@pytest.mark.ci
def test_one_who_takes_a_document_back_and_one_who_accepts_it_at_once_take_turns(
    cast: Cast, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who held the document and then waited for their turn waited for one who waited for them."""
    period_id, document = give(session, cast)
    session.commit()
    told: list[str] = []

    def accepts() -> None:
        with cast.session() as other:
            accept = partial(accepting.accept, other, period_id, document, by=cast.actor("coordinator"), at=AT)
            told.append(code_of(accept))

    meanwhile = Thread(target=accepts)

    def while_another_accepts(reason: str) -> str:
        meanwhile.start()
        meanwhile.join(2)  # long enough to come to wait
        return needed_reason(reason)

    monkeypatch.setattr("domain.obligations.attestations.needed_reason", while_another_accepts)
    attestations.withdraw_document(session, document, reason="Mauvais fichier", by=cast.actor("manager_em"), at=AT)
    session.commit()
    meanwhile.join(20)
    assert told == ["proof.unknown"]


def test_what_the_coordination_owes_is_accepted_by_the_manager_whom_the_agreement_names(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    period_id, document = give(session, cast, "ccsmtl", "GV-6.report", by=by)
    assert holders(session, period_id) == {cast.people["manager_em"]}
    for who, code in (
        (by, "proof.own"),
        (cast.actor("manager_ccsmtl"), "proof.not_yours"),
        (cast.actor("director_ccsmtl"), "proof.not_yours"),
        (cast.actor("manager_codim"), "proof.not_yours"),
    ):
        assert code_of(partial(accepting.accept, session, period_id, document, by=who, at=AT)) == code
    accepting.accept(session, period_id, document, by=cast.actor("manager_em"), at=AT)
    assert period(session, cast, "ccsmtl", "GV-6.report")["state"] == "met"


def test_where_the_one_who_would_accept_may_not_it_falls_to_the_next_and_comes_back(
    cast: Cast, session: Session
) -> None:
    """The manager named acts for the coordinator, who is away: what the coordinator owes is not theirs to accept."""
    period_id, document = give(session, cast, "ccsmtl", "GV-6.report", by=cast.actor("coordinator"))
    absence = absences.record_absence(
        session,
        person_id=cast.people["coordinator"],
        starts_on=TODAY,
        ends_on=TODAY,
        deputy_id=cast.people["manager_em"],
        by=cast.actor("manager_ccsmtl"),
        at=AT,
    )
    kept(session)
    asked = holders(session, period_id)
    assert cast.people["manager_em"] not in asked
    assert asked
    for by in (
        cast.actor("manager_em"),
        Actor("coordinator", cast.people["manager_em"], cast.organizations["ccsmtl"], cast.people["coordinator"]),
    ):
        assert code_of(partial(accepting.accept, session, period_id, document, by=by, at=AT)) == "proof.own"
    absences.cancel_absence(session, absence, by=cast.actor("manager_ccsmtl"), at=AT)
    kept(session, AT + DAY)
    assert holders(session, period_id) == {cast.people["manager_em"]}


def test_nobody_accepts_what_they_gave_for_a_partner_nor_what_they_gave_as_a_deputy(
    cast: Cast, session: Session
) -> None:
    coordinator = cast.actor("coordinator")
    period_id, document = give(session, cast, by=coordinator)
    assert holders(session, period_id) == {cast.people["manager_codim"]}, "of another partner, by name"
    assert code_of(partial(accepting.accept, session, period_id, document, by=coordinator, at=AT)) == "proof.own"
    deputy = Actor("manager", cast.people["coordinator"], cast.organizations["codim"], cast.people["manager_codim"])
    other_id, other = give(session, cast, "codim", by=deputy)
    assert code_of(partial(accepting.accept, session, other_id, other, by=coordinator, at=AT)) == "proof.own"


@pytest.mark.parametrize(
    ("key", "who", "acts_for"),
    [
        ("AG-X1:manager", "manager_em", None),  # owes it
        ("AG-X1:manager", "researcher", "manager_em"),  # acts for one who owes it
        ("AG-P4", "deputy", None),  # works for the partner that owes it
        ("AG-P4", "director_em", None),
        ("AG-P4", "researcher", "director_em"),
    ],
)
def test_who_owes_a_clause_accepts_nothing_of_it_under_the_coordinators_hat(
    cast: Cast, session: Session, key: str, who: str, acts_for: str | None
) -> None:
    giver = cast.actor("director_em") if who != "director_em" else cast.actor("manager_em")
    period_id, document = give(session, cast, key=key, by=giver)
    away = cast.people[acts_for] if acts_for else None
    by = Actor("coordinator", cast.people[who], cast.organizations["ccsmtl"], away)
    assert code_of(partial(accepting.accept, session, period_id, document, by=by, at=AT)) == "proof.own"


@pytest.mark.ci
def test_the_programs_own_hand_accepts_nothing(cast: Cast, session: Session) -> None:
    period_id, document = give(session, cast)
    assert (
        code_of(partial(accepting.accept, session, period_id, document, by=Actor.system("rounds"), at=AT))
        == "proof.own"
    )


# ------------------------------------------------------------------------------------------------------- attestations


def test_what_somebody_states_of_themselves_is_accepted_and_what_they_state_of_another_counts(
    cast: Cast, session: Session
) -> None:
    kept(session, LATE)
    own, of_another = period(session, cast, "en-marge", "AG-P2"), period(session, cast, "en-marge", "AG-M2")
    attestations.attest(session, own["id"], "held", by=cast.actor("manager_em"), at=LATE)
    attestations.attest(session, of_another["id"], "held", by=cast.actor("director_em"), at=LATE)
    assert period(session, cast, "en-marge", "AG-M2")["state"] == "met", "the director states it of the manager"
    stated = period(session, cast, "en-marge", "AG-P2")
    assert stated["state"] == "given"
    word = UUID(stated["found"]["facts"][0]["id"])
    accepting.give_back(session, own["id"], word, reason=WHY, by=cast.actor("coordinator"), at=LATE)
    assert period(session, cast, "en-marge", "AG-P2")["state"] not in ("met", "given")
    (again,) = asking.open_ones(session, GIVE_AGAIN, own["id"])
    assert standing(session, TODAY).falls(again.links).on(cast.people["manager_em"]) is not None
    attestations.attest(session, own["id"], "held", by=cast.actor("manager_em"), at=LATE)
    anew = UUID(period(session, cast, "en-marge", "AG-P2")["found"]["facts"][0]["id"])
    accepting.accept(session, own["id"], anew, by=cast.actor("coordinator"), at=LATE)
    assert period(session, cast, "en-marge", "AG-P2")["state"] == "met"


@pytest.mark.ci
def test_the_manager_who_states_it_as_the_directors_deputy_states_it_of_themselves(
    cast: Cast, session: Session
) -> None:
    kept(session, LATE)
    one = period(session, cast, "en-marge", "AG-M2")
    by = Actor("director", cast.people["manager_em"], cast.organizations["en-marge"], cast.people["director_em"])
    attestations.attest(session, one["id"], "held", by=by, at=LATE)
    assert period(session, cast, "en-marge", "AG-M2")["state"] == "given"


@pytest.mark.ci
def test_that_it_did_not_hold_needs_nobodys_word_and_what_the_coordination_owes_is_accepted_elsewhere(
    cast: Cast, session: Session
) -> None:
    kept(session, LATE)
    one = period(session, cast, "en-marge", "AG-P2")
    attestations.attest(
        session, one["id"], "not_held", note="Personne n’est libre.", by=cast.actor("manager_em"), at=LATE
    )
    assert period(session, cast, "en-marge", "AG-P2")["found"]["facts"][0]["why"] == "not_held"
    owed = period(session, cast, "ccsmtl", "GV-5.links")
    attestations.attest(session, owed["id"], "held", by=cast.actor("manager_ccsmtl"), at=LATE)
    stated = period(session, cast, "ccsmtl", "GV-5.links")
    assert stated["state"] == "given", "the manager of the coordination's own organization states it"
    word = UUID(stated["found"]["facts"][0]["id"])
    accepting.accept(session, owed["id"], word, by=cast.actor("manager_em"), at=LATE)
    assert period(session, cast, "ccsmtl", "GV-5.links")["state"] == "met"


@pytest.mark.ci
def test_proof_given_in_time_and_looked_at_after_the_last_day_is_no_partners_miss(cast: Cast, session: Session) -> None:
    give(session, cast)
    long_after = datetime(2027, 6, 1, 14, 0, tzinfo=UTC)
    kept(session, long_after)
    rows = reading.lately(session, long_after.date(), organization_ids=[cast.organizations["en-marge"]])
    mine = [row for row in rows if row.key == "AG-P4" and row.ends_on == date(2026, 12, 31)]
    assert [row.state for row in mine] == ["given"]
    assert len(asking.open_ones(session, ACCEPT)) == 1


# ------------------------------------------------------------------------------------------------------ what is a proof


@pytest.mark.parametrize(("name", "content", "code"), UNREADABLE)
def test_an_empty_or_unreadable_file_is_no_proof(
    cast: Cast, session: Session, name: str, content: bytes, code: str
) -> None:
    one = period(session, cast, "en-marge", "AG-P4")
    by = cast.actor("manager_em")
    add = partial(attestations.add_document, session, one["id"], name, content, effective_on=TODAY, by=by, at=AT)
    assert code_of(add) == f"document.{code}"
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "at_risk"


def test_a_file_that_opens_without_a_password_is_read_whatever_it_forbids(cast: Cast, session: Session) -> None:
    one, by = period(session, cast, "en-marge", "AG-P4"), cast.actor("manager_em")
    for name, content in LOCKED.items():
        if name.startswith("open"):
            attestations.add_document(session, one["id"], name, content, effective_on=TODAY, by=by, at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "given"


def test_who_may_accept_is_asked_of_the_day(cast: Cast, session: Session) -> None:
    period_id, _ = give(session, cast)
    row = to_accept.period_judged(session, period_id)
    assert row is not None
    asked = to_accept.falls_on(session, row, standing(session, TODAY))
    assert asked.on(cast.people["coordinator"]) is not None
    assert asked.on(cast.people["manager_codim"]) is None
    assert proofs.givers(session, to_accept.waiting(row)) == {cast.people["manager_em"]}
