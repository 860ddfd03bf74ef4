"""An agreement is re-evaluated each year by the Joint Committee, with the record of that year, until it is renewed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.agreements import succession
from domain.agreements.terminations import end_version
from domain.casework import cases
from meetings import assembling, running, schedule
from meetings.agenda_items import PresentedItem, items_of
from meetings.reasons import in_words
from tests.agreeing import last_version, signed_on
from tests.cast import AT, TODAY, Cast
from tests.declared import record
from tests.domain.obligations.signed import agreement_of, hold, kept, put_in_force
from tests.meetings.agenda_application import meeting
from tests.meetings.sitting import seat_everyone

BEFORE, FIRST, SECOND, THIRD = date(2026, 12, 9), date(2027, 1, 19), date(2027, 6, 8), date(2028, 1, 18)
#: The partners whose agreement goes on without a last day; one other has one, and is renewed from 1 January 2028 on.
GO_ON = {"ccsmtl", "codim", "spvm", "marie-vincent", "en-marge"}
EVERY = GO_ON | {"anonyme"}
LAST = date(2028, 3, 31)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """Every agreement in force since January, one of them with a last day; four meetings of the Joint Committee."""
    with cast.session() as made:
        by = cast.actor("coordinator")
        seat_everyone(made, cast)
        put_in_force(made, cast)
        end_version(made, last_version(made, cast, "anonyme"), ends_on=LAST, by=by, at=AT)
        hold(made, cast, date(2026, 5, 12), {"en-marge": "absent", "codim": "present"})
        kept(made)
        starts = [datetime.combine(day, datetime.min.time().replace(hour=13)) for day in (BEFORE, FIRST, SECOND, THIRD)]
        schedule.plan_meetings(made, "joint", starts, by=by, at=AT)
        yield made


def drawn(session: Session, cast: Cast, day: date) -> dict[str, PresentedItem]:
    """The re-evaluations on the agenda of that day, by partner."""
    here = meeting(session, day)
    assembling.assemble(session, here, by=cast.actor("coordinator"), at=AT)
    places = {str(agreement_of(session, cast, place)): place for place in EVERY}
    found = [one for one in items_of(session, here) if one.kind == "agreement_year"]
    return {places[one.subject.partition("/")[0]]: one for one in found}


def sit(session: Session, cast: Cast, day: date, outcomes: dict[UUID, str]) -> None:
    """Hold the meeting of that day, with what becomes of some items; the others are carried over."""
    by, here = cast.actor("coordinator"), meeting(session, day)
    then = datetime.combine(day, datetime.min.time().replace(hour=19), tzinfo=UTC)
    running.open_meeting(session, here, by=by, at=then)
    for item, outcome in outcomes.items():
        running.treat(session, item, outcome, by=by, at=then)
    running.close_meeting(session, here, carry_rest=True, by=by, at=then + timedelta(hours=2))


@pytest.mark.ci
def test_nothing_comes_before_a_year_is_over_and_then_each_partner_with_the_record_of_it(
    cast: Cast, session: Session
) -> None:
    assert drawn(session, cast, BEFORE) == {}
    found = drawn(session, cast, FIRST)
    assert set(found) == EVERY
    one = found["en-marge"]
    assert (one.title_en, one.purpose) == ("Re-evaluate the agreement: En Marge 12-17", "decision")
    said = in_words(one.reasons, "en")
    assert "In force since January 5, 2026 without a last day" in said
    assert "another year of the agreement began on January 5, 2027." in said
    assert "The year up to January 4, 2027, periods of obligations: met " in said
    assert found["codim"].reasons != one.reasons, "each has its own year"
    assert "In force from January 5, 2026 to March 31, 2028: another year" in in_words(found["anonyme"].reasons, "en")


@pytest.mark.ci
def test_it_stays_until_the_committee_has_spoken_of_it_and_comes_back_a_year_later(
    cast: Cast, session: Session
) -> None:
    found = drawn(session, cast, FIRST)
    sit(session, cast, FIRST, {found[place].id: "treated" for place in EVERY - {"codim"}})
    again = drawn(session, cast, SECOND)
    assert set(again) == {"codim"}, "the meeting did not reach it"
    assert again["codim"].times_seen == 1
    sit(session, cast, SECOND, {again["codim"].id: "treated"})
    assert set(drawn(session, cast, THIRD)) == GO_ON, "the year in which its notice begins comes by its renewal"


def amended(session: Session, cast: Cast, place: str, starts_on: date) -> None:
    """Another version of a partner's agreement takes the place of the one in force on a day."""
    by = cast.actor("coordinator")
    second = succession.renew(session, agreement_of(session, cast, place), by=by, at=AT)
    signed_on(session, cast, second, place, TODAY, filed=True)
    succession.begin(session, second, starts_on=starts_on, by=by, at=AT)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("begins", "meets"), [(date(2027, 1, 5), FIRST), (date(2027, 3, 1), FIRST), (date(2027, 3, 1), SECOND)]
)
def test_an_amendment_neither_begins_the_year_anew_nor_settles_what_waits(
    cast: Cast, session: Session, begins: date, meets: date
) -> None:
    amended(session, cast, "codim", begins)
    for day, subject in ((meets, "2027-01-05"), (THIRD, "2028-01-05")):
        one = drawn(session, cast, day)["codim"]
        assert one.subject.endswith(subject)
        assert "In force " in in_words(one.reasons, "en")
        assert " January 5, 2026 " in in_words(one.reasons, "en")


@pytest.mark.ci
def test_a_year_that_ends_near_a_renewal_comes_by_it_and_the_next_one_comes_again(cast: Cast, session: Session) -> None:
    record(cast, "renewal")
    last, by = date(2027, 3, 31), cast.actor("coordinator")
    first = last_version(session, cast, "codim")
    end_version(session, first, ends_on=last, by=by, at=AT)
    cases.open_case(session, "renewal", agreement_version_id=first, by=by, at=AT)
    amended(session, cast, "codim", last + timedelta(days=1))
    assert "codim" not in drawn(session, cast, FIRST)
    assert "codim" not in drawn(session, cast, SECOND)
    assert drawn(session, cast, THIRD)["codim"].subject.endswith("2028-01-05")


@pytest.mark.ci
def test_a_year_in_which_the_agreement_lapsed_is_not_re_evaluated(cast: Cast, session: Session) -> None:
    last, by = AT - timedelta(days=1), cast.actor("coordinator")
    end_version(session, last_version(session, cast, "codim"), ends_on=last.date(), by=by, at=last)
    amended(session, cast, "codim", date(2027, 3, 1))
    assert "codim" not in drawn(session, cast, SECOND)


@pytest.mark.ci
def test_an_agreement_that_gets_a_near_last_day_meanwhile_leaves_the_agenda(cast: Cast, session: Session) -> None:
    assert "codim" in drawn(session, cast, FIRST)
    by = cast.actor("coordinator")
    end_version(session, last_version(session, cast, "codim"), ends_on=date(2027, 3, 31), by=by, at=AT)
    assert "codim" not in drawn(session, cast, FIRST)
