"""A partner’s yearly statement: what counts, what does not, and what was taken as proof."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.casework.versions import record_protocol
from domain.departure.departures import open_departure
from domain.obligations.accepting import accept
from domain.obligations.attestations import add_document, attest
from domain.people.people import appoint, end_tenure
from flows.protocols import PROTOCOLS, read_protocol
from meetings.documents.statement import Days, PartnerStatement
from meetings.statements.partner import partner_statement, years
from models.base import table_of
from models.obligation import ObligationFinding, ObligationPeriod
from models.program import Organization, Role, Tenure
from tests.agreeing import code_of, in_force
from tests.cast import AT, LOADING, SINCE, TODAY, Cast
from tests.domain.obligations.signed import agreement_of, hold, kept, period, put_in_force
from tests.meetings.sitting import give, seat_everyone

_organization = table_of(Organization)
_role = table_of(Role)
_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_tenure = table_of(Tenure)

#: In February of the next year: the year is over, and so are the days of grace.
LATER = datetime(2027, 2, 15, 14, 0, tzinfo=UTC)
EVERYONE = ("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme")


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    with cast.session() as made:
        seat_everyone(made, cast)
        yield made


def of(session: Session, cast: Cast, place: str = "en-marge", year: int = 2026, at: datetime = AT) -> PartnerStatement:
    return partner_statement(session, cast.organizations[place], year, at=at)


def meet(session: Session, cast: Cast, day: date, state: str, *, quorate: bool = True) -> None:
    hold(session, cast, day, {**dict.fromkeys(EVERYONE, "present"), "en-marge": state}, quorate=quorate)


def state_of(statement: PartnerStatement, clause: str) -> list[str]:
    return [one.state for line in statement.clauses if line.clause == clause for one in line.periods]


# ------------------------------------------------------------------------------------------------ seats and roles


def test_seats_say_who_held_them_and_how_each_meeting_that_counts_was_attended(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    for day, state in (
        (date(2026, 2, 10), "present"),
        (date(2026, 5, 12), "alternate"),
        (date(2026, 8, 11), "excused"),
        (date(2026, 11, 10), "absent"),
    ):
        meet(session, cast, day, state)
    meet(session, cast, date(2026, 9, 8), "absent", quorate=False)
    steering = next(one for one in of(session, cast).seats if one.committee.fr == "Comité directeur")
    assert (steering.held, steering.sat, steering.alternate, steering.excused, steering.absent) == (4, 1, 1, 1, 1)
    assert steering.not_counted == 1, "adjourned without quorum"
    assert steering.principals == ("Perle Obsidienne",)
    assert steering.alternates == ("Soufre Tungstène",)


def test_whoever_held_a_seat_before_the_year_is_not_named(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    give(session, cast, "clinical", "marie-vincent", "specialist", since=SINCE, until=date(2025, 12, 31))
    clinical = next(one for one in of(session, cast, "marie-vincent").seats if one.committee.fr == "Comité clinique")
    assert clinical.principals == ()


def test_a_role_says_who_held_it_when_and_the_days_on_which_nobody_did(session: Session, cast: Cast) -> None:
    put_in_force(session, cast, "codim")
    person = cast.people["worker_codim"]
    by = cast.actor("coordinator")
    held = session.scalar(select(_tenure.c.id).where(_tenure.c.person_id == person))
    assert held is not None
    end_tenure(session, held, ends_on=date(2026, 11, 13), by=by, at=datetime(2026, 11, 2, 15, 0, tzinfo=UTC))
    post = next(one for one in of(session, cast, "codim").posts if one.role.en == "Youth worker")
    assert post.holders == (("Garnet Schist", Days(starts_on=date(2026, 1, 5), ends_on=date(2026, 11, 13))),)
    assert post.empty_days == (TODAY - date(2026, 11, 13)).days * post.headcount


def test_who_was_to_hold_a_role_and_never_began_is_not_named_in_it(session: Session, cast: Cast) -> None:
    put_in_force(session, cast, "codim")
    record_protocol(session, read_protocol(PROTOCOLS["departure"].file), by=LOADING, at=AT)
    by = cast.actor("coordinator")
    place: dict[str, Any] = {"person_id": cast.people["specialist"], "organization_id": cast.organizations["codim"]}
    appoint(session, **place, role="youth_worker", starts_on=date(2026, 12, 7), by=by, at=AT)
    open_departure(session, **place, last_day=TODAY, planned=False, by=by, at=AT)
    worker = next(one for one in of(session, cast, "codim", at=LATER).posts if one.role.en == "Youth worker")
    assert [name for name, _ in worker.holders] == ["Garnet Schist"]


def test_an_agreement_signed_in_july_counts_nothing_of_january_to_june(session: Session, cast: Cast) -> None:
    put_in_force(session, cast, "en-marge", since=date(2026, 7, 1))
    meet(session, cast, date(2026, 5, 12), "absent")
    meet(session, cast, date(2026, 9, 8), "present")
    kept(session)
    found = of(session, cast)
    assert found.covered == (Days(starts_on=date(2026, 7, 1), ends_on=TODAY),)
    steering = next(one for one in found.seats if one.committee.fr == "Comité directeur")
    assert (steering.held, steering.sat, steering.absent) == (1, 1, 0)
    worker = next(one for one in found.posts if one.role.en == "Youth worker")
    assert worker.promised_days == (TODAY - date(2026, 7, 1)).days + 1
    sit = next(line for line in found.clauses if line.clause == "AG-M1")
    assert [proof.on for proof in sit.periods[0].proofs] == [date(2026, 9, 8)]
    assert sit.periods[0].days.starts_on == date(2026, 7, 1)


def test_an_organization_that_left_in_mid_year_is_told_of_up_to_its_last_day_and_for_good(
    session: Session, cast: Cast
) -> None:
    in_force(session, cast, "en-marge", since=date(2026, 1, 5), until=date(2026, 6, 30))
    session.execute(update(_organization).where(_organization.c.key == "en-marge").values(ends_on=date(2026, 6, 30)))
    meet(session, cast, date(2026, 5, 12), "present")
    meet(session, cast, date(2026, 9, 8), "absent")
    kept(session)
    found = of(session, cast)
    assert found.is_final
    assert found.covered == (Days(starts_on=date(2026, 1, 5), ends_on=date(2026, 6, 30)),)
    assert all((seat.absent, seat.unrecorded) == (0, 0) for seat in found.seats)
    post = next(one for one in found.posts if one.role.en == "Manager")
    assert post.holders[0][1].ends_on == date(2026, 6, 30)
    assert state_of(found, "AG-M1") == ["met"]
    assert code_of(lambda: of(session, cast, year=2027, at=LATER)) == "statement.no_agreement"


def test_a_role_that_was_renamed_is_called_by_its_new_name(session: Session, cast: Cast) -> None:
    put_in_force(session, cast, "en-marge")
    kept(session)
    session.execute(
        update(_role).where(_role.c.key == "youth_worker").values(title_fr="Intervenant·e pivot", title_en="Key worker")
    )
    found = of(session, cast)
    assert "Key worker" in {post.role.en for post in found.posts}
    assert "Key worker" in {clause.owner.en for clause in found.clauses}
    assert "Youth worker" not in str(found)


# ---------------------------------------------------------------------------------------------------- obligations


@pytest.mark.ci
def test_an_obligation_says_how_it_stood_and_each_thing_that_was_counted(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    meet(session, cast, date(2026, 5, 12), "present")
    meet(session, cast, date(2026, 8, 11), "absent")
    kept(session)
    promoted = period(session, cast, "en-marge", "AG-P4")["id"]
    manager = cast.actor("manager_em")
    given = add_document(session, promoted, "soiree.txt", b"Fait.", effective_on=date(2026, 3, 3), by=manager, at=AT)
    accept(session, promoted, given, by=cast.actor("coordinator"), at=AT)
    attest(session, period(session, cast, "en-marge", "AG-P2")["id"], "held", by=manager, at=AT)
    found = of(session, cast)
    lines = {line.clause: line.periods[0] for line in found.clauses}
    assert [(one.what.fr, one.on, one.counts, one.why) for one in lines["AG-M1"].proofs] == [
        ("Comité directeur", date(2026, 5, 12), True, "present"),
        ("Comité directeur", date(2026, 8, 11), True, "absent"),
    ]
    assert [(one.what.en, one.on, one.why) for one in lines["AG-P4"].proofs] == [
        ("Document submitted on November 23, 2026", date(2026, 3, 3), "in_period")
    ]
    assert [(one.what.en, one.why) for one in lines["AG-P2"].proofs] == [("Manager", "given")]
    assert (lines["AG-P4"].state, lines["AG-P2"].state) == ("met", "given")
    (shown,) = lines["AG-P4"].proofs
    assert shown.hands.en == (
        "submitted by Perle Obsidienne on November 23, 2026, accepted by Agate Améthyste on November 23, 2026"
    )
    assert [one.hands.fr for one in lines["AG-P2"].proofs] == ["remis par Perle Obsidienne le 23 novembre 2026"]
    assert found.states()["given"] == 1


@pytest.mark.ci
def test_how_many_people_a_partner_referred_stays_in_the_program(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    kept(session)
    referred = period(session, cast, "en-marge", "AG-P1")
    found = {
        "numbers": {"counted": 2, "wanted": 1},
        "facts": [{"kind": "count", "id": "referrals", "on": "", "counts": True, "why": "2"}],
    }
    # As it will be found once referrals are counted: the state changes, and the number with it.
    session.execute(update(_period).where(_period.c.id == referred["id"]).values(state="met", finding=2))
    session.execute(
        insert(_finding).values(
            program_id=cast.program_id,
            id=uuid4(),
            period_id=referred["id"],
            n=2,
            obligation_id=referred["obligation_id"],
            state="met",
            on=TODAY,
            found=found,
            evaluated_at=AT,
        )
    )
    line = next(one for one in of(session, cast).clauses if one.clause == "AG-P1")
    stands = line.periods[0]
    assert (stands.state, stands.numbers, stands.proofs, stands.is_apart) == ("met", {}, (), True)


@pytest.mark.ci
def test_what_goes_on_over_new_year_stands_in_a_closed_year_as_it_stood_on_its_last_day(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, cast)
    kept(session)
    before = state_of(of(session, cast), "AG-D1")
    assert before == ["nothing_recorded"], "a public stand, once: nobody has given it yet"
    director = cast.actor("director_em")
    kept(session, LATER)
    public = period(session, cast, "en-marge", "AG-D1")["id"]
    given = add_document(session, public, "tribune.txt", b"Dit.", effective_on=date(2027, 2, 1), by=director, at=LATER)
    accept(session, public, given, by=cast.actor("coordinator"), at=LATER)
    assert state_of(of(session, cast, year=2026, at=LATER), "AG-D1") == before
    assert state_of(of(session, cast, year=2027, at=LATER), "AG-D1") == ["met"]


@pytest.mark.ci
def test_proof_in_the_days_of_grace_counts_for_the_year_that_ended(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    january = datetime(2027, 1, 15, 14, 0, tzinfo=UTC)
    kept(session, january)
    promoted = session.scalar(
        select(_period.c.id).where(
            _period.c.agreement_id == agreement_of(session, cast, "en-marge"),
            _period.c.key == "AG-P4",
            _period.c.period_starts == date(2026, 1, 1),
        )
    )
    assert promoted is not None
    given = add_document(
        session, promoted, "a.txt", b"Fait.", effective_on=date(2026, 12, 1), by=cast.actor("manager_em"), at=january
    )
    accept(session, promoted, given, by=cast.actor("coordinator"), at=january)
    found = of(session, cast, at=january)
    assert found.is_final
    assert state_of(found, "AG-P4") == ["met"]


@pytest.mark.ci
def test_the_proof_of_another_period_stands_with_that_one(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    kept(session)
    one, by = period(session, cast, "en-marge", "AG-P4"), cast.actor("manager_em")
    for day in (date(2025, 12, 1), date(2026, 11, 1)):
        add_document(session, one["id"], "a.txt", b"Fait.", effective_on=day, by=by, at=AT)
    (clause,) = [clause for clause in of(session, cast).clauses if clause.clause == "AG-P4"]
    assert [proof.why for proof in clause.periods[0].proofs] == ["given"]


# --------------------------------------------------------------------------------------------- resources and years


def test_resources_are_those_that_the_agreement_names(session: Session, cast: Cast) -> None:
    put_in_force(session, cast)
    found = of(session, cast)
    assert [(one.kind, one.brings.en) for one in found.resources] == [
        ("human", "One full-time youth worker"),
        ("service", "Shelter at any hour of the year"),
    ]
    assert found.director == "Corail Mica"
    assert [(one.n, one.signed_by) for one in found.versions] == [(1, ("Corail Mica",))]


def test_there_is_no_statement_of_a_year_to_come_nor_of_one_without_an_agreement(session: Session, cast: Cast) -> None:
    assert code_of(lambda: of(session, cast)) == "statement.no_agreement", "a draft obliges nobody"
    put_in_force(session, cast, "en-marge")
    assert code_of(lambda: of(session, cast, year=2027)) == "statement.to_come"
    for year in (1899, 2025, 0, -1):
        assert code_of(lambda year=year: of(session, cast, year=year)) == "statement.no_agreement"  # type: ignore[misc]
    assert years(session, cast.organizations["en-marge"], TODAY) == [2026]
    assert years(session, cast.organizations["en-marge"], date(2027, 3, 1)) == [2027, 2026]
    assert years(session, cast.organizations["codim"], TODAY) == []


def test_an_organization_of_another_program_is_none_of_this_one(session: Session, cast: Cast) -> None:
    other = cast.other.organizations["en-marge"]
    assert code_of(lambda: partner_statement(session, other, 2026, at=AT)) == "organization.unknown"
