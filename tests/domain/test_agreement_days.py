"""What an agreement's dates allow: new assignments to its last day in Montréal; nothing under way stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.agreements.agreements import redraft_version, start_version
from domain.agreements.succession import renew
from domain.agreements.terminations import end_version
from domain.agreements.version_text import RoleText, content_of
from domain.casework import vacancies
from domain.casework.cases import open_case
from domain.kernel.refusals import Refusal
from domain.people.people import appoint, end_tenure
from domain.roles.roles import standing
from domain.terms.days import lapsed_on, not_sharing
from tests.agreeing import agreement_of, code_of, in_force, last_version, signed_on
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, SINCE, TODAY, Cast, program_file

DAY = timedelta(days=1)
LAST = date(2026, 12, 31)
#: A moment before midnight of the last day in Montréal, which is the next day already by UTC, and one after it.
BEFORE_MIDNIGHT, AFTER_MIDNIGHT = datetime(2027, 1, 1, 4, 59, tzinfo=UTC), datetime(2027, 1, 1, 5, 1, tzinfo=UTC)


def given(session: Session, cast: Cast, role: str, starts_on: date) -> None:
    appoint(
        session,
        person_id=cast.people["police"],
        role=role,
        organization_id=cast.organizations["en-marge"],
        starts_on=starts_on,
        ends_on=starts_on,
        by=cast.actor("coordinator"),
        at=AT,
    )


def opened(session: Session, cast: Cast, at: datetime) -> None:
    open_case(
        session,
        "onboarding",
        subject_id=cast.people["worker_em"],
        organization_id=cast.organizations["en-marge"],
        by=cast.actor("coordinator"),
        at=at,
    )


@pytest.mark.parametrize("state", ["draft", "sent", "signed"])
def test_what_was_never_in_force_gates_nothing(cast: Cast, state: str) -> None:
    with cast.session() as session:
        if state != "draft":
            signed_on(session, cast, last_version(session, cast))
        assert lapsed_on(session, cast.organizations["en-marge"], TODAY) is None
        given(session, cast, "second_representative", TODAY)
        opened(session, cast, AT)


def test_an_agreement_that_lapsed_elsewhere_stops_nobody_here(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, "anonyme", until=TODAY - DAY)
        opened(session, cast, AT)


def test_a_case_is_opened_until_midnight_of_the_last_day_in_montreal_and_not_after(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=LAST)
        with session.begin_nested() as tried:
            opened(session, cast, BEFORE_MIDNIGHT)
            tried.rollback()
        with pytest.raises(Refusal) as refused:
            opened(session, cast, AFTER_MIDNIGHT)
        assert refused.value.code == "agreement.lapsed"
        assert refused.value.facts == {"last": "2026-12-31", "day": "2027-01-01"}


def test_a_role_is_given_to_the_last_day_and_not_from_the_next_on(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=LAST)
        given(session, cast, "second_representative", LAST)
        assert code_of(lambda: given(session, cast, "youth_worker", LAST + DAY)) == "agreement.lapsed"
        # Before there was any agreement nothing was gated, and is not afterwards.
        given(session, cast, "youth_worker", SINCE - DAY)


def test_whoever_brings_an_agreement_back_can_be_named_after_it_lapsed(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=TODAY - DAY)
        assert code_of(lambda: given(session, cast, "manager", TODAY)) == "agreement.lapsed"
        # The draft that would follow creates the role of the director, who signs it.
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        assert code_of(lambda: given(session, cast, "director", TODAY)) == "tenure.one_holder"


def test_what_is_open_goes_on_after_the_agreement_has_lapsed(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=LAST)
    case_id = open_onboarding(cast)
    after = datetime(2027, 2, 1, 15, 0, tzinfo=UTC)
    complete(cast, case_id, "introduce_program", at=after)
    with cast.session() as session:
        assert step(session, case_id, "introduce_program")["state"] == "done"


def test_a_next_version_in_force_lets_new_work_begin_again(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=TODAY - 10 * DAY)
        assert lapsed_on(session, cast.organizations["en-marge"], TODAY) == TODAY - 10 * DAY
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        assert code_of(lambda: opened(session, cast, AT)) == "agreement.lapsed"  # a draft is no agreement
        in_force(session, cast, since=TODAY)
        opened(session, cast, AT)


# ----------------------------------------------------------------------------------------------- what is for partners


def test_what_circulates_among_partners_goes_by_the_agreement_on_the_day_and_its_terms(cast: Cast) -> None:
    organizations = cast.organizations
    outside = {organizations[key] for key, one in program_file().value.organizations.items() if one.kind == "outside"}
    with cast.session() as session:
        assert outside
        assert not_sharing(session, TODAY) == outside  # drafts take nothing from anybody
        in_force(session, cast, until=LAST)
        version = last_version(session, cast, "anonyme")
        content = content_of(program_file().value, "anonyme")
        without = replace(content, terms=content.terms.model_copy(update={"information_sharing": None}))
        redraft_version(session, version, without, by=cast.actor("coordinator"), at=AT)
        in_force(session, cast, "anonyme")
        in_force(session, cast, "codim")
        assert not_sharing(session, LAST) == outside | {organizations["anonyme"]}
        assert not_sharing(session, LAST + DAY) == outside | {organizations["anonyme"], organizations["en-marge"]}


# ----------------------------------------------------------------------------- which text says what roles there are


def vacant(session: Session, cast: Cast, day: date) -> set[str]:
    """The roles of En Marge that too few hold on a day."""
    found = vacancies.find(session, standing(session, day))
    return {one.role for one in found if one.organization_id == cast.organizations["en-marge"] and one.kind == "role"}


def two_workers(session: Session, cast: Cast) -> UUID:
    """Draft the next version: two youth workers where there was one, and a petty cash besides."""
    second = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    said = content_of(program_file().value, "en-marge")
    cash = RoleText("petty_cash_holder")
    worker = said.roles["youth_worker"]._replace(headcount=2)
    roles = {**said.roles, "youth_worker": worker, "petty_cash_holder": cash}
    redraft_version(session, second, replace(said, roles=roles), by=cast.actor("coordinator"), at=AT)
    return second


@pytest.mark.ci
def test_a_text_says_who_is_wanted_from_the_day_on_which_it_is_in_force_and_never_as_a_draft(cast: Cast) -> None:
    """Nor once it is signed and set to begin: until the day before, the one in force says it."""
    by, there, more = cast.actor("coordinator"), date(2026, 12, 7), {"youth_worker", "petty_cash_holder"}
    with cast.session() as session:
        first = in_force(session, cast)
        before = vacant(session, cast, there)
        assert not before & more, "the one who is promised is there"
        second = two_workers(session, cast)
        assert vacant(session, cast, there) == before
        assert code_of(lambda: given(session, cast, "petty_cash_holder", TODAY)) == "role.not_in_agreement"
        signed_on(session, cast, second)
        end_version(session, first, ends_on=LAST, by=by, at=AT)
        start_version(session, second, starts_on=LAST + DAY, by=by, at=AT)
        assert vacant(session, cast, LAST) == before
        assert code_of(lambda: given(session, cast, "petty_cash_holder", LAST)) == "role.not_in_agreement"
        assert vacant(session, cast, LAST + DAY) == before | more
        given(session, cast, "petty_cash_holder", LAST + DAY)


def test_where_nothing_was_signed_yet_the_draft_says_who_is_wanted(cast: Cast) -> None:
    with cast.session() as session:
        before = vacant(session, cast, TODAY)
        said = content_of(program_file().value, "en-marge")
        roles = {**said.roles, "manager": said.roles["manager"]._replace(headcount=2)}
        redraft_version(
            session, last_version(session, cast), replace(said, roles=roles), by=cast.actor("coordinator"), at=AT
        )
        assert vacant(session, cast, TODAY) == before | {"manager"}
        # The first text to come says it of the days before it too.
        in_force(session, cast, since=date(2026, 12, 7))
        assert vacant(session, cast, TODAY) == before | {"manager"}
        given(session, cast, "second_representative", TODAY)


def test_who_signs_an_agreement_anew_is_appointed_also_after_it_was_ended(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=TODAY - 2 * DAY)
        director = next(one for one in standing(session, TODAY).holding("director", cast.organizations["en-marge"]))
        end_tenure(session, director.id, ends_on=TODAY - DAY, by=cast.actor("coordinator"), at=AT)
        given(session, cast, "director", TODAY)
        assert code_of(lambda: given(session, cast, "petty_cash_holder", TODAY)) == "agreement.lapsed"
