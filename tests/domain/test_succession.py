"""From one version of an agreement to the next: no day without one, no day with two, and what becomes of roles."""

from __future__ import annotations

from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.agreements import signed_files
from domain.agreements.agreements import (
    redraft_version,
    send_version,
    sign_here,
    sign_version,
    version_in_force,
    withdraw_version,
)
from domain.agreements.succession import begin, renew
from domain.agreements.terminations import end_version
from domain.agreements.version_text import Content, content_of
from domain.kernel.refusals import Refusal
from domain.people.people import end_tenure
from meetings import seating
from meetings.committees import PRINCIPAL, committee_of, membership
from models.agreement import AgreementVersion
from models.base import table_of
from models.outbox import Notice
from models.program import Tenure
from models.record import Event
from tests.agreeing import PDF, agreement_of, code_of, in_force, last_version, second_director, signed_on
from tests.cast import AT, SINCE, TODAY, Cast, program_file
from tests.meetings.sitting import give, seat

DAY = timedelta(days=1)
NEW_YEAR = date(2027, 1, 1)
_version = table_of(AgreementVersion)
_tenure = table_of(Tenure)


def row(session: Session, version_id: UUID) -> Any:
    return session.execute(select(_version).where(_version.c.id == version_id)).one()


def renewed(session: Session, cast: Cast, content: Content | None = None) -> UUID:
    """The next version, drafted from the one in force, then signed; with another text where one is given."""
    version_id = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    if content is not None:
        redraft_version(session, version_id, content, by=cast.actor("coordinator"), at=AT)
    signed_on(session, cast, version_id, day=TODAY, filed=True)
    return version_id


def begun(session: Session, cast: Cast, version_id: UUID, day: date = NEW_YEAR, **more: Any) -> None:
    begin(session, version_id, starts_on=day, by=cast.actor("coordinator"), at=AT, **more)


def numbers(session: Session, cast: Cast, *days: date) -> list[int | None]:
    place = cast.organizations["en-marge"]
    return [getattr(version_in_force(session, place, day), "n", None) for day in days]


def without(role: str) -> Content:
    """The agreement of En Marge without a role, or with another in its place."""
    whole = content_of(program_file().value, "en-marge")
    return Content(
        whole.notice_days, {k: v for k, v in whole.roles.items() if k != role}, whole.obligations, whole.terms
    )


def held_by(session: Session, cast: Cast, person: str) -> list[tuple[str, date, date | None]]:
    rows = session.execute(
        select(_tenure.c.role, _tenure.c.starts_on, _tenure.c.ends_on)
        .where(_tenure.c.person_id == cast.people[person])
        .order_by(_tenure.c.starts_on, _tenure.c.role)
    )
    return [(row.role, row.starts_on, row.ends_on) for row in rows]


# ------------------------------------------------------------------------------------------------------- renewing


def test_a_renewal_begins_with_the_text_that_is_in_force(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast)
        second = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        assert (row(session, second).n, row(session, second).state) == (2, "draft")
        assert row(session, second).digest == row(session, first).digest
        assert row(session, second).terms == row(session, first).terms


def test_no_version_takes_back_what_was_in_force_by_a_day_that_is_past(cast: Cast) -> None:
    with cast.session() as session:
        by, first = cast.actor("coordinator"), in_force(session, cast)
        second = renew(session, agreement_of(session, cast), by=by, at=AT)
        signed_on(session, cast, second, day=TODAY, filed=True)
        for day in (SINCE + DAY, TODAY - DAY):
            assert code_of(partial(begun, session, cast, second, day)) == "agreement.begins_in_the_past"
        end = partial(end_version, session, first, ends_on=TODAY - DAY, shorter_agreed=True, by=by, at=AT)
        for notice_on in (None, TODAY - 30 * DAY):
            assert code_of(partial(end, notice_on=notice_on)) == "agreement.ends_in_the_past"
        begun(session, cast, second, TODAY)
        assert numbers(session, cast, TODAY - DAY, TODAY) == [1, 2]


def test_an_agreement_that_lapsed_is_followed_from_today_on_and_no_sooner(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=TODAY - 9 * DAY)
        second = renewed(session, cast)
        assert code_of(partial(begun, session, cast, second, TODAY - DAY)) == "agreement.begins_in_the_past"
        begun(session, cast, second, TODAY)
        assert numbers(session, cast, TODAY - 9 * DAY, TODAY) == [1, 2]


def test_an_agreement_ends_today_at_the_earliest_whatever_both_sides_say_of_the_notice(cast: Cast) -> None:
    """What was owed until now stays owed: who ends it does not free the partner of the days before."""
    with cast.session() as session:
        first = in_force(session, cast)
        assert code_of(lambda: leaves(session, cast, first, TODAY - DAY)) == "agreement.ends_in_the_past"
        assert numbers(session, cast, TODAY - DAY, TODAY + DAY) == [1, 1]
        leaves(session, cast, first, TODAY)
        assert numbers(session, cast, TODAY, TODAY + DAY) == [1, None]


def test_nothing_is_renewed_while_a_version_may_still_be_rewritten(cast: Cast) -> None:
    with cast.session() as session:
        agreement = agreement_of(session, cast)
        by = cast.actor("coordinator")
        assert code_of(lambda: renew(session, agreement, by=by, at=AT)) == "agreement.on_its_way"
        send_version(session, last_version(session, cast), by=by, at=AT)
        assert code_of(lambda: renew(session, agreement, by=by, at=AT)) == "agreement.on_its_way"
        withdraw_version(session, last_version(session, cast), by=by, at=AT)
        signed_on(session, cast, last_version(session, cast), filed=True)
        begun(session, cast, last_version(session, cast), TODAY)
        renew(session, agreement, by=by, at=AT)
        assert code_of(lambda: renew(session, agreement, by=by, at=AT)) == "agreement.on_its_way"


def test_another_text_is_drafted_where_one_director_signed_and_the_other_asks_for_a_change(cast: Cast) -> None:
    """What carries a signature cannot be taken back: without another version, nothing could be done any more."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        second_director(session, cast)
        first = last_version(session, cast)
        send_version(session, first, by=by, at=AT)
        sign_version(session, first, director_id=cast.people["director_em"], signed_on=TODAY, by=by, at=AT)
        assert row(session, first).state == "sent"
        assert code_of(lambda: withdraw_version(session, first, by=by, at=AT)) == "agreement.text_stands"
        second = renew(session, agreement_of(session, cast), by=by, at=AT)
        redraft_version(session, second, without("second_representative"), by=by, at=AT)
        assert (row(session, first).state, row(session, second).state) == ("sent", "draft")


def test_a_partner_who_stays_after_all_may_sign_another_text_than_the_one_that_was_called_off(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        first = in_force(session, cast)
        whole = content_of(program_file().value, "en-marge")
        second = renewed(session, cast, Content(60, whole.roles, whole.obligations, whole.terms))
        begun(session, cast, second)
        leaves(session, cast, first, NEW_YEAR - 10 * DAY)
        third = renew(session, agreement_of(session, cast), by=by, at=AT)
        # What was signed last is nearer to what they want than what was in force.
        assert (row(session, third).n, row(session, third).digest) == (3, row(session, second).digest)
        signed_on(session, cast, third, day=TODAY, filed=True)
        begun(session, cast, third, NEW_YEAR - 9 * DAY)
        assert numbers(session, cast, NEW_YEAR - 10 * DAY, NEW_YEAR - 9 * DAY, NEW_YEAR) == [1, 3, 3]


def test_the_next_version_takes_the_place_of_the_one_in_force_in_one_act(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast)
        begun(session, cast, renewed(session, cast))
        assert numbers(session, cast, SINCE, NEW_YEAR - DAY, NEW_YEAR, NEW_YEAR + 900 * DAY) == [1, 1, 2, 2]
        assert (row(session, first).state, row(session, first).ends_on) == ("ended", NEW_YEAR - DAY)


def test_the_next_version_begins_the_day_after_a_last_day_that_is_settled(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=NEW_YEAR - DAY)
        second = renewed(session, cast)
        assert code_of(lambda: begun(session, cast, second, NEW_YEAR + DAY)) == "agreement.gap"
        begun(session, cast, second)
        assert numbers(session, cast, NEW_YEAR - DAY, NEW_YEAR) == [1, 2]


@pytest.mark.parametrize("starts_on", [NEW_YEAR - DAY, TODAY])
def test_the_next_version_ends_the_one_in_force_the_day_before_also_where_that_was_to_end_later(
    cast: Cast, starts_on: date
) -> None:
    with cast.session() as session:
        first = in_force(session, cast, until=NEW_YEAR + 30 * DAY)
        second = renewed(session, cast)
        begun(session, cast, second, starts_on)
        assert numbers(session, cast, starts_on - DAY, starts_on, NEW_YEAR + 31 * DAY) == [1, 2, 2]
        assert row(session, first).ends_on == starts_on - DAY


def test_the_next_version_begins_on_no_day_of_one_that_is_over(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast, until=TODAY - 30 * DAY)
        second = renewed(session, cast)
        assert code_of(lambda: begun(session, cast, second, TODAY - 40 * DAY)) == "agreement.two_in_force"
        assert row(session, first).ends_on == TODAY - 30 * DAY


def test_an_agreement_that_lapsed_begins_again_on_any_later_day(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, until=TODAY - 30 * DAY)
        begun(session, cast, renewed(session, cast), NEW_YEAR)
        assert numbers(session, cast, TODAY - 30 * DAY, TODAY, NEW_YEAR) == [1, None, 2]


def test_what_was_signed_on_paper_is_in_force_with_the_file_of_each_signature_alone(cast: Cast) -> None:
    """A director who signed here needs none: the record holds the text in front of them."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        first, deputy = last_version(session, cast), second_director(session, cast)
        send_version(session, first, by=by, at=AT)
        sign_here(session, first, has_read=True, by=cast.actor("director_em"), at=AT)
        sign_version(session, first, director_id=deputy, signed_on=TODAY, by=by, at=AT)
        add = partial(signed_files.add, session, first, name="entente.pdf", content=PDF, by=by, at=AT)
        add(director_id=cast.people["director_em"])
        assert code_of(lambda: begun(session, cast, first, TODAY)) == "agreement.unfiled"
        add(director_id=deputy)
        begun(session, cast, first, TODAY)
        assert row(session, first).state == "in_force"


def test_a_version_with_a_last_day_of_its_own_is_followed_on_the_next(cast: Cast) -> None:
    with cast.session() as session:
        first = last_version(session, cast)
        signed_on(session, cast, first, filed=True)
        begun(session, cast, first, SINCE, ends_on=NEW_YEAR - DAY)
        assert row(session, first).state == "in_force"
        begun(session, cast, renewed(session, cast), NEW_YEAR)
        assert numbers(session, cast, NEW_YEAR - DAY, NEW_YEAR) == [1, 2]
        assert row(session, first).ends_on == NEW_YEAR - DAY


def test_a_version_cannot_begin_before_the_one_whose_place_it_takes(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast, since=TODAY)
        second = renewed(session, cast)
        assert code_of(lambda: begun(session, cast, second, TODAY)) == "agreement.two_in_force"
        assert numbers(session, cast, TODAY) == [1]


def test_an_unsigned_version_ends_nothing(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast)
        second = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    with cast.session() as session, pytest.raises(Refusal):
        begun(session, cast, second)
    with cast.session() as session:
        assert numbers(session, cast, NEW_YEAR) == [1]


# --------------------------------------------------------------------------------------------- leaving in mid-year


def test_an_organization_leaves_in_mid_year_with_the_notice_of_its_agreement(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version = in_force(session, cast)
        days = row(session, version).notice_days
        soonest = TODAY + days * DAY

        def end(day: date, **more: Any) -> None:
            end_version(session, version, ends_on=day, notice_on=TODAY, by=by, at=AT, **more)

        with pytest.raises(Refusal) as refused:
            end(soonest - DAY)
        assert refused.value.code == "agreement.short_notice"
        assert refused.value.facts == {"days": days, "soonest": soonest.isoformat()}
        assert code_of(lambda: end_version(session, version, ends_on=soonest, notice_on=TODAY + DAY, by=by, at=AT)) == (
            "agreement.day_to_come"
        )
        end(soonest - DAY, shorter_agreed=True)
        assert numbers(session, cast, soonest - DAY, soonest) == [1, None]
        event = table_of(Event)
        told = session.execute(select(event).where(event.c.verb == "agreement.ended")).one()
        assert told.facts["notice_on"] == TODAY.isoformat()
        assert told.facts["shorter_agreed"] is True


def test_notice_ends_the_partnership_also_where_its_next_version_was_set_to_begin(cast: Cast) -> None:
    """That one was to begin without an end, and the one in force has its last day by it: it comes sooner."""
    with cast.session() as session:
        first = in_force(session, cast)
        second = renewed(session, cast)
        begun(session, cast, second)
        sooner = NEW_YEAR - 10 * DAY
        leaves(session, cast, first, sooner)
        assert numbers(session, cast, sooner, sooner + DAY, NEW_YEAR, NEW_YEAR + 900 * DAY) == [1, None, None, None]
        assert (row(session, second).state, row(session, second).starts_on) == ("signed", None)
        event = table_of(Event)
        told = session.execute(select(event).where(event.c.verb == "agreement.called_off")).one()
        assert (told.subject_id, told.facts) == (second, {"number": 2, "was": NEW_YEAR.isoformat()})
        # It is the same partner, where they change their mind.
        begun(session, cast, second, sooner + DAY)
        assert numbers(session, cast, sooner, sooner + DAY) == [1, 2]


def test_notice_by_a_version_that_has_not_begun_ends_the_one_in_force(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast)
        second = renewed(session, cast)
        begun(session, cast, second)
        leaves(session, cast, second, NEW_YEAR - DAY)
        assert numbers(session, cast, NEW_YEAR - DAY, NEW_YEAR) == [1, None]
        assert row(session, second).state == "signed"
        event = table_of(Event)
        told = select(event.c.subject_id).where(event.c.verb == "agreement.ended", event.c.facts.has_key("notice_on"))
        assert set(session.scalars(told)) == {first}


def test_notice_under_a_version_that_is_in_force_on_the_last_day_ends_that_one_and_calls_off_nothing(
    cast: Cast,
) -> None:
    with cast.session() as session:
        in_force(session, cast)
        second = renewed(session, cast)
        begun(session, cast, second)
        leaves(session, cast, second, NEW_YEAR + 60 * DAY)
        assert numbers(session, cast, NEW_YEAR - DAY, NEW_YEAR, NEW_YEAR + 61 * DAY) == [1, 2, None]


def test_a_first_version_does_not_begin_where_its_partner_leaves_before(cast: Cast) -> None:
    """Nothing is in force that could end, and no notice is owed: the directors, and who manages there, are told."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        first = last_version(session, cast)
        signed_on(session, cast, first, day=TODAY, filed=True)
        begun(session, cast, first)

        def end(day: date, notice_on: date = TODAY) -> None:
            end_version(session, first, ends_on=day, notice_on=notice_on, by=by, at=AT)

        assert code_of(lambda: end(TODAY - DAY)) == "agreement.ends_first"
        assert code_of(lambda: end(TODAY, TODAY + DAY)) == "agreement.day_to_come"
        end(NEW_YEAR - DAY)
        assert (row(session, first).state, row(session, first).starts_on) == ("signed", None)
        assert numbers(session, cast, NEW_YEAR) == [None]
        notice = table_of(Notice)
        told = session.execute(select(notice).where(notice.c.template == "agreement_not_to_begin")).all()
        assert {one.person_id for one in told} == {cast.people["director_em"], cast.people["manager_em"]}
        assert all("2027" in str(message_from_bytes(one.message, policy=default).get_body(("plain",))) for one in told)
        # A day that was mistaken is put right so, as is a change of mind.
        begun(session, cast, first, TODAY)
        assert numbers(session, cast, TODAY, NEW_YEAR) == [1, 1]


def test_a_version_after_a_lapse_does_not_begin_where_its_partner_leaves_before(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast, until=TODAY - DAY)
        second = renewed(session, cast)
        begun(session, cast, second)
        leaves(session, cast, second, TODAY)
        assert (row(session, second).state, row(session, first).ends_on) == ("signed", TODAY - DAY)


def test_a_version_whose_last_day_is_past_is_not_ended_again(cast: Cast) -> None:
    with cast.session() as session:
        first = in_force(session, cast, until=TODAY - DAY)
        assert code_of(lambda: leaves(session, cast, first, TODAY - 2 * DAY)) == "agreement.not_now"


def leaves(session: Session, cast: Cast, version_id: UUID, last: date) -> None:
    """One side gives notice today, and both settle on a last day."""
    by = cast.actor("coordinator")
    end_version(session, version_id, ends_on=last, notice_on=TODAY, shorter_agreed=True, by=by, at=AT)


# ---------------------------------------------------------------------------------------------------- renamed roles


def test_a_version_does_not_begin_while_a_role_that_it_drops_is_held(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast)
        second = renewed(session, cast, without("second_representative"))
        with pytest.raises(Refusal) as refused:
            begun(session, cast, second)
        assert refused.value.code == "agreement.role_held"
        assert refused.value.facts == {"people": 1}


def test_it_begins_once_whoever_held_the_role_no_longer_does(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast)
        second = renewed(session, cast, without("second_representative"))
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["deputy"])).one()
        end_tenure(session, held, ends_on=NEW_YEAR - DAY, by=cast.actor("coordinator"), at=AT)
        begun(session, cast, second)
        assert numbers(session, cast, NEW_YEAR) == [2]


def test_a_role_becomes_another_on_the_day_of_the_new_version_and_its_seat_is_vacant_from_then_on(cast: Cast) -> None:
    whole = content_of(program_file().value, "en-marge")
    roles = {
        **without("youth_worker").roles,
        "specialized_resource": whole.roles["youth_worker"]._replace(role="specialized_resource"),
    }
    other = Content(whole.notice_days, roles, whole.obligations, whole.terms)
    with cast.session() as session:
        in_force(session, cast)
        give(session, cast, "clinical", "en-marge", "worker_em")
        second = renewed(session, cast, other)
        wrong = {"youth_worker": "police_representative"}
        assert code_of(lambda: begun(session, cast, second, becomes=wrong)) == "role.unknown_kind"
        begun(session, cast, second, NEW_YEAR, becomes={"youth_worker": "specialized_resource"})
        first_day = date(2026, 12, 7)
        assert held_by(session, cast, "worker_em") == [
            ("youth_worker", first_day, NEW_YEAR - DAY),
            ("specialized_resource", NEW_YEAR, None),
        ]
        # Nobody else's role at the organization, and nobody of another one.
        assert held_by(session, cast, "manager_em") == [("manager", SINCE, None)]
        assert held_by(session, cast, "worker_codim") == [("youth_worker", SINCE, None)]
        assert seating.end_with_roles(session, by=cast.actor("coordinator"), at=AT) == 1
        clinical, place = committee_of(session, "clinical").id, seat(session, "clinical", "en-marge")
        principals = [
            membership(session, clinical).holders(place, day, PRINCIPAL) for day in (NEW_YEAR - DAY, NEW_YEAR)
        ]
        assert principals == [(cast.people["worker_em"],), ()]
