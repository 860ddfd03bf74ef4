"""The round of beginnings: what begins by itself begins when it is due, once, also after the round was long down."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from domain.agreements.agreements import send_version, start_version
from domain.agreements.terminations import end_version
from domain.casework import cases, protocol_of
from domain.declarations import Protocol
from domain.kernel.refusals import Refusal
from domain.loading.loading import load
from domain.people.people import appoint, end_tenure
from domain.roles.roles import standing
from flows import beginnings
from models.base import table_of
from models.casework import Case, ProtocolVersion
from models.program import Organization
from tests.cast import AT, LOADING, TODAY, Cast, onboarding, without_spvm
from tests.declared import DECLARED_ALONE, YEARLY_TALK, record, record_text
from tests.domain.test_agreements import another, content, draft_of, signed, started
from tests.flows.support import Clock, means_of

_case = table_of(Case)
_organization = table_of(Organization)

MONTREAL = ZoneInfo("America/Toronto")
YOUTH_WORKERS_AT = {"ccsmtl", "codim", "anonyme"}
"""Where somebody is a youth worker on the tests' day; at En Marge somebody is from 7 December on."""


def local(day: date, hour: int = 6, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MONTREAL)


def run(cast: Cast, at: datetime) -> int:
    return beginnings.begin(means_of(cast, Clock(at)), cast.program_id, "test")


def begun(cast: Cast, protocol: str) -> list[tuple[str, str]]:
    """The cases of a protocol as (organization's key or "", period), in order."""
    keys = {place: key for key, place in cast.organizations.items()}
    with cast.session() as session:
        rows = session.execute(select(_case.c.organization_id, _case.c.period).where(_case.c.protocol == protocol))
        return sorted((keys.get(row.organization_id, ""), row.period) for row in rows)


def in_force_until(cast: Cast, last: date, place: str = "en-marge", director: str = "director_em") -> UUID:
    """Sign the drafted agreement of an organization and start it today, to a last day."""
    with cast.session() as session:
        version = draft_of(session, cast, place)
        send_version(session, version, by=cast.actor("coordinator"), at=AT)
        signed(session, cast, version, director)
        start_version(session, version, starts_on=TODAY, ends_on=last, by=cast.actor("coordinator"), at=AT)
    return version


# ------------------------------------------------------------------------------------------------------ each quarter


def test_a_quarters_report_begins_on_the_quarters_last_local_day_and_only_once(cast: Cast) -> None:
    record(cast, "financial_report")
    assert run(cast, local(date(2026, 12, 30))) == 0
    assert run(cast, local(date(2026, 12, 31), 5)) == 1
    assert begun(cast, "financial_report") == [("", "2026-Q4")]
    assert run(cast, local(date(2026, 12, 31), 18)) == 0
    assert run(cast, local(date(2027, 1, 1))) == 0
    assert begun(cast, "financial_report") == [("", "2026-Q4")]


def test_the_day_is_the_programs_own_and_not_that_of_utc(cast: Cast) -> None:
    record(cast, "financial_report")
    assert run(cast, datetime(2026, 12, 31, 3, 0, tzinfo=UTC)) == 0, "it is the 30th still in Montréal"
    assert run(cast, datetime(2027, 1, 1, 3, 0, tzinfo=UTC)) == 1, "it is the 31st still, and the round had not run"


def test_after_months_down_every_quarter_that_was_missed_begins_once_each(cast: Cast) -> None:
    record(cast, "financial_report")
    assert run(cast, local(date(2027, 8, 12))) == 3
    assert begun(cast, "financial_report") == [("", "2026-Q4"), ("", "2027-Q1"), ("", "2027-Q2")]
    assert run(cast, local(date(2027, 8, 13))) == 0


def test_a_program_owes_no_report_of_quarters_that_were_over_before_it_followed_the_procedure(cast: Cast) -> None:
    record(cast, "financial_report", at=AT)
    assert run(cast, AT) == 0
    assert begun(cast, "financial_report") == []


@pytest.mark.ci
def test_what_was_missed_for_more_than_a_year_is_left(cast: Cast) -> None:
    record(cast, "financial_report")
    run(cast, local(date(2030, 2, 1)))
    assert [period for _, period in begun(cast, "financial_report")] == ["2029-Q1", "2029-Q2", "2029-Q3", "2029-Q4"]


def test_the_due_days_count_from_the_quarters_end(cast: Cast) -> None:
    record(cast, "financial_report")
    run(cast, local(date(2026, 12, 31)))
    with cast.session() as session:
        case = session.scalars(select(Case).where(_case.c.protocol == "financial_report")).one()
        assert case.anchors == {"quarter_end": date(2026, 12, 31)}
        assert (case.subject_kind, case.subject_id, case.organization_id, case.once) == ("program", None, None, True)
        assert (case.opened_by, case.opened_as) == (None, "rounds")


# --------------------------------------------------------------------------------------------------------- each year


def test_next_years_plan_begins_sixty_days_before_it(cast: Cast) -> None:
    record(cast, "communication_plan", at=datetime(2026, 6, 1, tzinfo=UTC))
    assert run(cast, local(date(2026, 6, 1))) == 1, "this year's, which is not over"
    assert run(cast, local(date(2026, 11, 1))) == 0
    assert run(cast, local(date(2026, 11, 2))) == 1
    assert begun(cast, "communication_plan") == [("", "2026"), ("", "2027")]


def test_a_program_that_starts_in_november_begins_next_years_plan_and_not_this_years(cast: Cast) -> None:
    record(cast, "communication_plan")
    run(cast, AT)
    assert begun(cast, "communication_plan") == [("", "2027")]


@pytest.mark.ci
def test_each_organization_with_youth_workers_has_its_year_and_no_other(cast: Cast) -> None:
    record(cast, "compassion_fatigue")
    run(cast, AT)
    assert begun(cast, "compassion_fatigue") == [(place, "2026") for place in sorted(YOUTH_WORKERS_AT)]


@pytest.mark.ci
def test_an_organization_gets_its_case_when_it_gets_its_first_youth_worker_in_midyear(cast: Cast) -> None:
    record(cast, "compassion_fatigue")
    run(cast, AT)
    assert run(cast, local(date(2026, 12, 7))) == 1, "somebody begins at En Marge that day"
    assert ("en-marge", "2026") in begun(cast, "compassion_fatigue")


@pytest.mark.ci
def test_an_organization_that_left_begins_nothing_more(cast: Cast) -> None:
    record(cast, "compassion_fatigue")
    with cast.session() as session:
        session.execute(
            update(_organization)
            .where(_organization.c.id == cast.organizations["codim"])
            .values(ends_on=date(2026, 12, 31))
        )
    run(cast, local(date(2027, 1, 4)))
    assert ("codim", "2027") not in begun(cast, "compassion_fatigue")
    assert ("ccsmtl", "2027") in begun(cast, "compassion_fatigue")


# ------------------------------------------------------------------------------------------------------- each person


@pytest.mark.ci
def test_what_is_about_youth_workers_begins_for_each_who_is_one_in_the_period_that_day(cast: Cast) -> None:
    record_text(cast, YEARLY_TALK)
    assert run(cast, local(date(2026, 11, 30))) == 0
    assert run(cast, local(date(2026, 12, 1))) == 3
    assert run(cast, local(date(2026, 12, 7))) == 1, "somebody begins that day"
    with cast.session() as session:
        tenure = next(t for t in standing(session, TODAY).roles_of(cast.people["worker_codim"]))
        end_tenure(session, tenure.id, ends_on=date(2027, 6, 30), by=cast.actor("coordinator"), at=AT)
        appoint(
            session,
            person_id=cast.people["worker_codim"],
            role="youth_worker",
            organization_id=cast.organizations["anonyme"],
            starts_on=date(2027, 7, 1),
            by=cast.actor("coordinator"),
            at=AT,
        )
    run(cast, local(date(2027, 12, 1)))
    with cast.session() as session:
        rows = session.execute(
            select(_case.c.organization_id, _case.c.period).where(_case.c.subject_id == cast.people["worker_codim"])
        ).all()
    assert {(row.organization_id, row.period) for row in rows} == {
        (cast.organizations["codim"], "2026"),
        (cast.organizations["anonyme"], "2027"),
    }


def test_somebody_who_begins_after_a_period_has_no_case_of_it(cast: Cast) -> None:
    record_text(cast, YEARLY_TALK)
    with cast.session() as session:
        tenure = next(t for t in standing(session, date(2026, 12, 7)).roles_of(cast.people["worker_em"]))
        end_tenure(session, tenure.id, ends_on=date(2026, 12, 8), by=cast.actor("coordinator"), at=AT)
        appoint(
            session,
            person_id=cast.people["worker_em"],
            role="youth_worker",
            organization_id=cast.organizations["codim"],
            starts_on=date(2027, 1, 15),
            by=cast.actor("coordinator"),
            at=AT,
        )
    run(cast, local(date(2027, 1, 20)))
    with cast.session() as session:
        had = session.scalars(select(_case.c.period).where(_case.c.subject_id == cast.people["worker_em"])).all()
    assert had == []
    assert len(begun(cast, "yearly_talk")) == 3


# -------------------------------------------------------------------------------------------- each agreement's version


def test_a_renewal_begins_at_the_notice_before_the_last_day_once_for_the_version(cast: Cast) -> None:
    record(cast, "renewal")
    last = date(2027, 6, 30)  # its agreement asks for ninety days of notice
    version = in_force_until(cast, last)
    assert run(cast, local(last - timedelta(days=91))) == 0
    assert run(cast, local(last - timedelta(days=90))) == 1
    assert run(cast, local(last)) == 0
    with cast.session() as session:
        case = session.scalars(select(Case).where(_case.c.protocol == "renewal")).one()
    assert (case.subject_kind, case.agreement_version_id, case.period) == ("agreement_version", version, "")
    assert case.organization_id == cast.organizations["en-marge"]
    assert case.anchors == {"notice": date(2027, 4, 1), "last_day": date(2027, 6, 30)}


def test_a_renewal_that_was_missed_for_months_begins_also_after_the_last_day(cast: Cast) -> None:
    record(cast, "renewal")
    in_force_until(cast, date(2027, 6, 30))
    assert run(cast, local(date(2027, 9, 1))) == 1
    assert run(cast, local(date(2027, 9, 2))) == 0


def test_a_later_version_that_is_only_signed_does_not_hold_the_renewal_up(cast: Cast) -> None:
    """It would begin by nobody's hand: its renewal has it begin."""
    record(cast, "renewal")
    first = in_force_until(cast, date(2027, 6, 30))
    with cast.session() as session:
        following = another(session, first, content(), cast)
        send_version(session, following, by=cast.actor("coordinator"), at=AT)
        assert signed(session, cast, following) == "signed"
    assert run(cast, local(date(2027, 6, 1))) == 1


def test_nothing_is_renewed_where_a_later_version_is_set_to_begin(cast: Cast) -> None:
    record(cast, "renewal")
    first = in_force_until(cast, date(2027, 6, 30))
    with cast.session() as session:
        following = another(session, first, content(), cast)
        send_version(session, following, by=cast.actor("coordinator"), at=AT)
        assert signed(session, cast, following) == "signed"
        started(session, cast, following, date(2027, 7, 1))
    assert run(cast, local(date(2027, 6, 1))) == 0


@pytest.mark.ci
def test_nothing_is_renewed_of_a_partner_that_leaves_with_notice_or_is_no_longer_in_the_file(cast: Cast) -> None:
    record(cast, "renewal")
    by, last = cast.actor("coordinator"), date(2027, 6, 30)
    version = in_force_until(cast, last, "anonyme", "director_la")
    in_force_until(cast, last, "spvm", "director_spvm")
    stays = in_force_until(cast, last)
    with cast.session() as session:
        end_version(session, version, ends_on=last - timedelta(days=1), notice_on=TODAY, by=by, at=AT)
        load(session, without_spvm(), [onboarding()], by=LOADING, at=AT)
    assert run(cast, local(date(2027, 6, 1))) == 1
    with cast.session() as session:
        assert session.scalars(select(_case.c.agreement_version_id).where(_case.c.protocol == "renewal")).all() == [
            stays
        ]


def test_a_draft_of_the_next_version_does_not_hold_the_renewal_up(cast: Cast) -> None:
    record(cast, "renewal")
    first = in_force_until(cast, date(2027, 6, 30))
    with cast.session() as session:
        another(session, first, content(), cast)
    assert run(cast, local(date(2027, 6, 1))) == 1


def test_an_agreement_without_a_last_day_is_not_renewed_by_itself(cast: Cast) -> None:
    record(cast, "renewal")
    with cast.session() as session:
        version = draft_of(session, cast)
        send_version(session, version, by=cast.actor("coordinator"), at=AT)
        signed(session, cast, version)
        started(session, cast, version, TODAY)
    assert run(cast, local(date(2027, 11, 1))) == 0


# --------------------------------------------------------------------------------------------- once, whoever opens it


def test_what_was_opened_by_hand_before_it_was_due_does_not_begin_again(cast: Cast) -> None:
    record(cast, "financial_report")
    with cast.session() as session:
        cases.open_case(session, "financial_report", period="2026-Q4", by=cast.actor("coordinator"), at=AT)
    assert run(cast, local(date(2026, 12, 31))) == 0


def test_what_was_cancelled_does_not_begin_again_and_can_only_be_reopened(cast: Cast) -> None:
    record(cast, "financial_report")
    by = cast.actor("coordinator")
    with cast.session() as session:
        case_id = cases.open_case(session, "financial_report", period="2026-Q4", by=by, at=AT)
        cases.cancel_case(session, case_id, by=by, at=AT, reason="Le bailleur n’en veut pas.")
    assert run(cast, local(date(2026, 12, 31))) == 0
    with cast.session() as session, pytest.raises(Refusal) as refused:
        cases.open_case(session, "financial_report", period="2026-Q4", by=by, at=AT)
    assert refused.value.code == "case.had_already"
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=by, at=AT, reason="Il en veut.")


def test_the_database_itself_holds_one_case_for_a_subject_and_period(cast: Cast) -> None:
    record(cast, "financial_report")
    with cast.session() as session:
        case_id = cases.open_case(session, "financial_report", period="2026-Q4", by=cast.actor("coordinator"), at=AT)
        row = dict(session.execute(select(_case).where(_case.c.id == case_id)).mappings().one())
    for state, ended_at in (("open", None), ("closed", AT)):
        again = _case.insert().values({**row, "id": UUID(int=7), "state": state, "ended_at": ended_at})
        with cast.session() as session, pytest.raises(IntegrityError, match=r"begun_once|one_open_case"):
            session.execute(again)


def test_two_rounds_at_once_open_one_case(cast: Cast) -> None:
    record(cast, "financial_report", "communication_plan")
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(run(cast, local(date(2026, 12, 31))))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 2
    assert begun(cast, "financial_report") == [("", "2026-Q4")]


@pytest.mark.ci
def test_what_cannot_open_does_not_hold_up_the_others_and_is_tried_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(cast, *DECLARED_ALONE)
    really = cases.open_case

    def refusing(session: object, key: str, **given: object) -> UUID:
        if key == "communication_plan":
            raise Refusal("trial", "Not now.")
        return really(session, key, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(cases, "open_case", refusing)
    assert run(cast, AT) == len(YOUTH_WORKERS_AT)
    monkeypatch.undo()
    assert run(cast, AT + timedelta(days=1)) == 1
    assert begun(cast, "communication_plan") == [("", "2027")]


def test_a_protocol_that_cannot_be_read_holds_up_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an older version, which has what this one does not know."""
    record(cast, "communication_plan")
    record(cast, "financial_report")
    real = protocol_of

    def old(version: ProtocolVersion) -> Protocol:
        if version.key == "communication_plan":
            raise KeyError("of old")
        return real(version)

    monkeypatch.setattr(beginnings, "protocol_of", old)
    with pytest.raises(KeyError):
        run(cast, local(date(2026, 12, 31)))
    assert begun(cast, "financial_report") == [("", "2026-Q4")]
    monkeypatch.undo()
    assert run(cast, local(date(2026, 12, 31))) > 0
    assert begun(cast, "communication_plan") != []


def test_the_other_program_begins_its_own_and_nothing_crosses(cast: Cast) -> None:
    record(cast, "financial_report")
    record(cast.other, "financial_report")
    run(cast, local(date(2026, 12, 31)))
    assert begun(cast.other, "financial_report") == []
    run(cast.other, local(date(2026, 12, 31)))
    assert begun(cast.other, "financial_report") == [("", "2026-Q4")]
