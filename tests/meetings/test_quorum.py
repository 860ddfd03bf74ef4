"""The quorum: seats, organizations and seats that must be filled, at one moment."""

import json
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.program_committees import Quorum
from meetings.committees import CommitteeSeat
from meetings.quorum import Filled, in_words, rule_in_words, rule_of, standing
from models.committee import KeptQuorum
from models.minutes import QuorumStanding
from models.written import as_json, from_json

ROOT = UUID("6f9f3c0e-0000-4000-8000-000000000000")
AT = datetime(2027, 2, 17, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seat(key: str, organization: str, *, voting: bool = True, committee: str = "clinical") -> CommitteeSeat:
    return CommitteeSeat(
        program_id=ROOT,
        id=uuid5(ROOT, f"{committee}.{key}"),
        committee_id=uuid5(ROOT, committee),
        committee=committee,
        key=key,
        organization_id=uuid5(ROOT, organization),
        organization=organization,
        role="youth_worker",
        title_fr=f"Siège {key}",
        title_en=f"Seat {key}",
        voting=voting,
        starts_on=None,
        ends_on=None,
        ended_since=None,
    )


HOST, CODIM, EN_MARGE, ANONYME = (seat(key, key) for key in ("host", "codim", "en-marge", "anonyme"))
COORDINATION = seat("coordination", "host")
RESEARCH = seat("research", "host", voting=False)
SEATS = (HOST, CODIM, EN_MARGE, ANONYME, RESEARCH, COORDINATION)
RULE = Quorum(seats=4, organizations=3, must=("coordination",))


def filled(*seats: CommitteeSeat, state: str = "present") -> list[Filled]:
    return [Filled(one.id, state) for one in seats]


def french(stood: QuorumStanding, seats: tuple[CommitteeSeat, ...] = ()) -> str:
    return in_words(stood, "fr", seats).replace("\N{NO-BREAK SPACE}", " ")


def test_enough_seats_of_enough_organizations_with_the_one_that_must_be_there_are_a_quorum() -> None:
    stood = standing(RULE, SEATS, filled(HOST, CODIM, EN_MARGE, COORDINATION), AT)
    assert stood == QuorumStanding(
        is_met=True,
        is_declared=True,
        seats_present=4,
        seats_needed=4,
        organizations_present=3,
        organizations_needed=3,
        present=("clinical.host", "clinical.codim", "clinical.en-marge", "clinical.coordination"),
    )


def test_three_seats_where_four_are_needed_are_none() -> None:
    stood = standing(RULE, SEATS, filled(CODIM, EN_MARGE, COORDINATION), AT)
    assert (stood.is_met, stood.seats_present, stood.missing_must) == (False, 3, ())


def test_four_seats_of_two_organizations_are_none_where_three_are_needed() -> None:
    second = seat("second", "codim")
    stood = standing(RULE, (*SEATS, second), filled(HOST, COORDINATION, CODIM, second), AT)
    assert (stood.is_met, stood.seats_present, stood.organizations_present) == (False, 4, 2)


def test_without_the_seat_that_must_be_filled_there_is_none_however_many_sit() -> None:
    stood = standing(RULE, SEATS, filled(HOST, CODIM, EN_MARGE, ANONYME), AT)
    assert (stood.is_met, stood.seats_present, stood.missing_must) == (False, 4, ("coordination",))


def test_a_seat_that_must_be_filled_need_not_vote() -> None:
    rule = Quorum(seats=2, must=("research",))
    stood = standing(rule, SEATS, filled(HOST, CODIM, RESEARCH), AT)
    assert (stood.is_met, stood.seats_present) == (True, 2)


def test_a_seat_without_a_vote_does_not_count_nor_does_its_organization() -> None:
    stood = standing(Quorum(seats=2, organizations=2), SEATS, filled(CODIM, RESEARCH), AT)
    assert (stood.is_met, stood.seats_present, stood.organizations_present) == (False, 1, 1)


def test_an_alternate_counts_once_when_the_principal_came_too() -> None:
    both = [*filled(CODIM), *filled(CODIM, state="alternate"), *filled(HOST)]
    stood = standing(Quorum(seats=3), SEATS, both, AT)
    assert (stood.is_met, stood.seats_present) == (False, 2)


@pytest.mark.parametrize(
    ("state", "counts"),
    [("present", 1), ("remote", 1), ("alternate", 1), ("excused", 0), ("absent", 0), ("unrecorded", 0)],
)
def test_only_a_seat_at_which_somebody_sits_counts(state: str, counts: int) -> None:
    assert standing(Quorum(seats=1), SEATS, filled(CODIM, state=state), AT).seats_present == counts


@pytest.mark.parametrize(
    ("arrived", "left", "counts"),
    [
        (None, None, 1),
        (AT, None, 1),
        (AT + HOUR, None, 0),
        (None, AT + HOUR, 1),
        (None, AT, 0),
        (None, AT - HOUR, 0),
        (AT - HOUR, AT + HOUR, 1),
        (AT - 2 * HOUR, AT - HOUR, 0),
    ],
)
def test_who_has_not_come_yet_or_has_left_does_not_count(
    arrived: datetime | None, left: datetime | None, counts: int
) -> None:
    stood = standing(Quorum(seats=1), SEATS, [Filled(CODIM.id, "present", arrived, left)], AT)
    assert stood.seats_present == counts


def test_a_quorum_lost_in_the_middle_says_who_left() -> None:
    attendance = [*filled(HOST, EN_MARGE, COORDINATION), Filled(CODIM.id, "remote", left_at=AT)]
    before, after = (standing(RULE, SEATS, attendance, at) for at in (AT - HOUR, AT))
    assert (before.is_met, before.left) == (True, ())
    assert (after.is_met, after.left) == (False, ("clinical.codim",))


def test_a_seat_that_the_principal_left_to_the_alternate_is_still_filled() -> None:
    attendance = [Filled(CODIM.id, "present", left_at=AT), Filled(CODIM.id, "alternate", arrived_at=AT)]
    stood = standing(Quorum(seats=1), SEATS, attendance, AT)
    assert (stood.is_met, stood.left) == (True, ())


def test_attendance_on_a_seat_that_the_committee_does_not_have_that_day_counts_for_nothing() -> None:
    stood = standing(Quorum(seats=2), (HOST,), filled(HOST, CODIM), AT)
    assert (stood.is_met, stood.seats_present, stood.present) == (False, 1, ("clinical.host",))


def test_a_derived_committee_counts_by_the_seats_that_it_takes() -> None:
    manager = seat("codim", "codim", committee="steering")
    secretary = seat("coordination", "host", voting=False, committee="steering")
    joint = (manager, secretary, CODIM, COORDINATION)
    stood = standing(
        Quorum(seats=2, organizations=1, must=("coordination",)), joint, filled(manager, CODIM, secretary), AT
    )
    assert (stood.is_met, stood.seats_present, stood.organizations_present) == (True, 2, 1)


def test_without_a_declared_rule_a_quorum_is_always_met_and_says_that_none_is_declared() -> None:
    stood = standing(rule_of({}), SEATS, [], AT)
    assert (stood.is_met, stood.is_declared, stood.seats_needed) == (True, False, 0)
    assert in_words(stood, "en") == "No quorum is declared for this committee; 0 voting seats filled."
    assert french(stood).startswith("Aucun quorum n’est déclaré pour ce comité.")


def test_a_rule_is_read_back_from_what_the_committee_keeps() -> None:
    assert rule_of(cast("KeptQuorum", RULE.model_dump(mode="json", exclude_none=True))) == RULE


def test_a_standing_is_said_in_both_languages() -> None:
    met = standing(RULE, SEATS, filled(HOST, CODIM, EN_MARGE, COORDINATION), AT)
    assert in_words(met, "en") == "Quorum: 4 voting seats (4 needed), of 3 organizations (3 needed)."
    assert french(met) == ("Quorum atteint : 4 sièges avec droit de vote (4 requis), de 3 organismes (3 requis).")
    simple = standing(Quorum(seats=1), SEATS, filled(HOST), AT)
    assert in_words(simple, "en") == "Quorum: 1 voting seat (1 needed)."
    assert french(simple) == "Quorum atteint : 1 siège avec droit de vote (1 requis)."


def test_what_is_missing_is_said_in_both_languages() -> None:
    stood = standing(RULE, SEATS, filled(CODIM), AT)
    assert in_words(stood, "en", SEATS) == (
        "No quorum. Missing: 3 voting seats, 2 organizations and the seat “Seat coordination”."
    )
    assert french(stood, SEATS) == (
        "Pas de quorum. Il manque : 3 sièges avec droit de vote, 2 organismes et le siège « Siège coordination »."
    )
    assert "“coordination”" in in_words(stood, "en")


states = st.sampled_from(["present", "remote", "alternate", "excused", "absent", "unrecorded"])
moments = st.none() | st.integers(-3, 3).map(lambda hours: AT + hours * HOUR)
attendances = st.lists(st.builds(Filled, st.sampled_from([one.id for one in SEATS]), states, moments, moments))
rules = st.builds(
    Quorum,
    seats=st.integers(1, 6),
    organizations=st.integers(0, 5),
    must=st.sets(st.sampled_from([one.key for one in SEATS])).map(lambda keys: tuple(sorted(keys))),
)


@given(rules, attendances)
def test_what_is_stamped_is_read_back_the_same(rule: Quorum, attendance: list[Filled]) -> None:
    stood = standing(rule, SEATS, attendance, AT)
    assert from_json(QuorumStanding, json.loads(json.dumps(as_json(stood)))) == stood


@given(rules, attendances, st.sampled_from([one.id for one in SEATS]))
def test_one_more_who_sits_never_loses_a_quorum(rule: Quorum, attendance: list[Filled], more: UUID) -> None:
    before = standing(rule, SEATS, attendance, AT)
    after = standing(rule, SEATS, [*attendance, Filled(more, "present")], AT)
    assert after.is_met >= before.is_met
    assert before.seats_present <= after.seats_present <= before.seats_present + 1


@pytest.mark.ci
@given(rules, attendances)
def test_a_quorum_is_met_exactly_where_nothing_is_missing(rule: Quorum, attendance: list[Filled]) -> None:
    stood = standing(rule, SEATS, attendance, AT)
    lacks = stood.seats_present < rule.seats or stood.organizations_present < rule.organizations
    assert stood.is_met == (not lacks and not stood.missing_must)
    assert ("No quorum" in in_words(stood, "en")) != stood.is_met
    assert not set(stood.present) & set(stood.left)


def test_a_rule_is_told_in_both_languages() -> None:
    rule = Quorum(seats=4, organizations=3, must=("coordination",))
    assert rule_in_words(rule, "en", SEATS) == (
        "At least, for a quorum: 4 voting seats, 3 organizations and the seat “Seat coordination”."
    )
    assert rule_in_words(Quorum(seats=1), "en") == "At least, for a quorum: 1 voting seat."
    assert rule_in_words(None, "en") == "No quorum is declared for this committee: those present decide."
    french = rule_in_words(rule, "fr", SEATS).replace("\N{NO-BREAK SPACE}", " ")
    assert french == (
        "Pour atteindre le quorum, il faut au moins : 4 sièges avec droit de vote, 3 organismes et le siège"
        " « Siège coordination »."
    )
