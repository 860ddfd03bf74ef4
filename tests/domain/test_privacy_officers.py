"""Who looks at what others read is not chosen, sent away or shut out by those whose readings they look at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlmodel import Session

from domain.agreements import succession
from domain.departure import departures
from domain.departure.foreseeing import foresee_end
from domain.kernel.actors import Actor
from domain.people.absences import cancel_absence, record_absence
from domain.people.people import appoint, update_person
from domain.people.privacy_officers import refuse_end_of_access
from domain.roles.roles import standing
from domain.roles.sight import FOR_PRIVACY
from models.base import table_of
from models.program import Absence, Person, Tenure
from tests.api.doorway import letters
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import leave, record_protocols
from tests.refusing import refused

DAY = timedelta(days=1)
OFFICER = "privacy_officer"
_absence, _tenure = table_of(Absence), table_of(Tenure)


def away(session: Session, cast: Cast, name: str, deputy: str | None, by: Actor, **more: Any) -> UUID:
    """Record that one of the cast is away this week."""
    return record_absence(
        session,
        person_id=cast.people[name],
        deputy_id=cast.people[deputy] if deputy else None,
        by=by,
        at=AT,
        **{"starts_on": TODAY, "ends_on": TODAY + 4 * DAY, **more},
    )


def appointed(session: Session, cast: Cast, name: str, role: str, by: Actor, starts_on: date = TODAY) -> None:
    appoint(
        session,
        person_id=cast.people[name],
        role=role,
        organization_id=cast.organizations["ccsmtl"],
        starts_on=starts_on,
        by=by,
        at=AT,
    )


def vacated(session: Session, role: str) -> None:
    session.execute(text("update tenure set ends_on = :day where role = :role"), {"day": TODAY - DAY, "role": role})


def answers(session: Session, cast: Cast, day: date = TODAY) -> set[tuple[str, str, bool]]:
    """On whom what the privacy officer does falls: the person, the role, and whether they stand in."""
    names = {person: name for name, person in cast.people.items()}
    found = standing(session, day).falls(FOR_PRIVACY).holders
    return {(names[one.person_id], one.role, one.acting_for is not None) for one in found}


def tenure_of(session: Session, cast: Cast, name: str, role: str) -> UUID:
    where = (_tenure.c.person_id == cast.people[name], _tenure.c.role == role)
    found: UUID = session.scalars(select(_tenure.c.id).where(*where)).one()
    return found


def hats(cast: Cast) -> list[Actor]:
    """The coordinator under each hat that they can have, and who stands in for them."""
    coordinator, place, manager = (
        cast.people["coordinator"],
        cast.organizations["ccsmtl"],
        cast.people["manager_ccsmtl"],
    )
    return [
        cast.actor("coordinator"),
        Actor("manager", coordinator, place),
        Actor("manager", coordinator, place, manager),
        Actor("coordinator", cast.people["deputy"], place, coordinator),
        Actor("manager", cast.people["deputy"], place, coordinator),
    ]


# ------------------------------------------------------------------------------------------------------ being away


@pytest.mark.parametrize("deputy", ["coordinator", "director_ccsmtl", None])
@pytest.mark.parametrize("hat", range(5))
def test_the_coordination_never_says_that_the_privacy_officer_is_away(cast: Cast, deputy: str | None, hat: int) -> None:
    with cast.session() as session:
        with refused("absence.watched_over"):
            away(session, cast, OFFICER, deputy, hats(cast)[hat])
        assert session.scalar(select(func.count()).select_from(_absence)) == 0
        assert answers(session, cast) == {(OFFICER, OFFICER, False)}


def test_who_stands_in_for_the_coordinator_does_not_say_it_either_under_a_hat_of_their_own(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "coordinator", "manager_ccsmtl", cast.actor("coordinator"))
        with refused("absence.watched_over"):
            away(session, cast, OFFICER, "director_ccsmtl", cast.actor("manager_ccsmtl"))


@pytest.mark.parametrize("days", [(-9, -5), (20, 25)])
def test_nor_that_they_were_or_will_be_away(cast: Cast, days: tuple[int, int]) -> None:
    first, last = (TODAY + days_from_now * DAY for days_from_now in days)
    with cast.session() as session, refused("absence.watched_over"):
        away(session, cast, OFFICER, None, cast.actor("coordinator"), starts_on=first, ends_on=last)


def test_nor_that_one_who_becomes_the_privacy_officer_in_these_days_is_away(cast: Cast) -> None:
    with cast.session() as session:
        vacated(session, OFFICER)
        appointed(session, cast, "officer", OFFICER, LOADING, TODAY + 3 * DAY)
        with refused("absence.watched_over"):
            away(session, cast, "officer", None, cast.actor("coordinator"))
        away(session, cast, "officer", None, cast.actor("coordinator"), ends_on=TODAY + 2 * DAY)


def test_nor_that_who_stands_in_for_the_privacy_officer_is_away_meanwhile(cast: Cast) -> None:
    """Else both would be away, and the register of incidents would open to who said so."""
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        with refused("absence.watched_over"):
            away(session, cast, "director_ccsmtl", "coordinator", cast.actor("coordinator"))
        assert answers(session, cast) == {("director_ccsmtl", OFFICER, True)}
        later = {"starts_on": TODAY + 9 * DAY, "ends_on": TODAY + 9 * DAY}
        away(session, cast, "director_ccsmtl", None, cast.actor("coordinator"), **later)


def test_a_manager_of_theirs_says_it_and_the_privacy_officer_hears_of_it_by_letter_at_once(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor("manager_ccsmtl"))
        assert answers(session, cast) == {("director_ccsmtl", OFFICER, True)}
    (letter,) = letters(cast, OFFICER, "absence_recorded")
    for said in ("Jade Lapis", "27 novembre 2026", "Granit D’Or vous remplace", "annuler l’absence vous-même"):
        assert said in letter
    assert f"/people/{cast.people[OFFICER]}" in letter


def test_a_manager_who_also_coordinates_does_not_say_it(cast: Cast) -> None:
    with cast.session() as session:
        vacated(session, "manager")
        appointed(session, cast, "coordinator", "manager", LOADING)
        with refused("absence.watched_over"):
            away(session, cast, OFFICER, None, cast.actor("coordinator"))


def test_who_says_it_does_not_name_themselves(cast: Cast) -> None:
    """The director stands in for the manager, records it, and would look at what they read themselves."""
    director, place = cast.people["director_ccsmtl"], cast.organizations["ccsmtl"]
    with cast.session() as session:
        away(session, cast, "manager_ccsmtl", "director_ccsmtl", cast.actor("manager_ccsmtl"))
        by = Actor("manager", director, place, cast.people["manager_ccsmtl"])
        with refused("absence.names_oneself"):
            away(session, cast, OFFICER, "director_ccsmtl", by)
        away(session, cast, OFFICER, None, by)


def test_the_coordination_does_not_say_that_they_are_back_and_they_say_it_themselves(cast: Cast) -> None:
    with cast.session() as session:
        absence = away(session, cast, OFFICER, "director_ccsmtl", cast.actor("manager_ccsmtl"))
        with refused("absence.watched_over"):
            cancel_absence(session, absence, by=cast.actor("coordinator"), at=AT)
        assert answers(session, cast) == {("director_ccsmtl", OFFICER, True)}
        cancel_absence(session, absence, by=cast.actor(OFFICER), at=AT)
    with cast.session() as session:
        assert answers(session, cast) == {(OFFICER, OFFICER, False)}


@pytest.mark.parametrize("by", ["coordinator", "manager_em"])
def test_anyone_for_whom_another_records_an_absence_hears_of_it_by_letter(cast: Cast, by: str) -> None:
    with cast.session() as session:
        away(session, cast, "worker_em", None, cast.actor(by))
    (letter,) = letters(cast, "worker_em", "absence_recorded")
    assert cast.members[by].name in letter
    assert "Personne n’est nommé pour vous remplacer" in letter


def test_who_says_it_themselves_gets_no_letter(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, None, cast.actor(OFFICER))
    assert letters(cast, OFFICER, "absence_recorded") == []


# ------------------------------------------------------------------------------------------------- coming in as them


def moved(session: Session, cast: Cast, name: str, by: Actor, email: str = "ailleurs@example.org") -> None:
    """Write another e-mail address of one of the cast, and nothing else."""
    held = session.get_one(Person, (cast.program_id, cast.people[name]))
    kept = {field: getattr(held, field) for field in ("given_name", "family_name", "phone", "language")}
    update_person(session, held.id, **kept, email=email, by=by, at=AT)


@pytest.mark.parametrize("hat", range(5))
def test_the_coordination_never_changes_the_address_at_which_the_privacy_officer_gets_their_links(
    cast: Cast, hat: int
) -> None:
    with cast.session() as session:
        for email in ("ailleurs@example.org", ""):
            with refused("person.watched_over"):
                moved(session, cast, OFFICER, hats(cast)[hat], email)
    assert letters(cast, OFFICER, "address_changed") == []


@pytest.mark.parametrize("first", [TODAY, TODAY + 9 * DAY])
def test_nor_that_of_who_stands_in_for_them_today_or_will(cast: Cast, first: date) -> None:
    with cast.session() as session:
        days = {"starts_on": first, "ends_on": first + DAY}
        absence = away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER), **days)
        with refused("person.watched_over"):
            moved(session, cast, "director_ccsmtl", cast.actor("coordinator"))
        cancel_absence(session, absence, by=cast.actor(OFFICER), at=AT)
        moved(session, cast, "director_ccsmtl", cast.actor("coordinator"))


@pytest.mark.parametrize("by", [OFFICER, "manager_ccsmtl"])
def test_they_change_it_themselves_or_a_manager_does_and_alert_their_own_organization(cast: Cast, by: str) -> None:
    with cast.session() as session:
        moved(session, cast, OFFICER, cast.actor(by))
    (letter,) = letters(cast, OFFICER, "address_changed")
    assert "avisez sans attendre une personne gestionnaire ou directrice de votre organisme" in letter
    assert "la coordination" not in letter.partition("Bonjour")[2].partition("Si vous aviez")[0]


@pytest.mark.parametrize("hat", range(5))
def test_the_coordination_never_ends_the_access_of_the_privacy_officer_or_of_who_stands_in_for_them(
    cast: Cast, hat: int
) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        for name in (OFFICER, "director_ccsmtl"):
            with refused("access.watched_over"):
                refuse_end_of_access(session, cast.people[name], by=hats(cast)[hat], at=AT)
        refuse_end_of_access(session, cast.people[OFFICER], by=Actor("administrator", cast.people["worker_em"]), at=AT)


# ----------------------------------------------------------------------------------------------------- standing in


@pytest.mark.parametrize("by", [OFFICER, "manager_ccsmtl"])
def test_the_coordinator_stands_in_for_the_privacy_officer_for_nobody(cast: Cast, by: str) -> None:
    with cast.session() as session, refused("absence.unfit_deputy"):
        away(session, cast, OFFICER, "coordinator", cast.actor(by))


def test_the_coordinator_stands_in_neither_as_a_director_nor_as_a_deputys_deputy(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_codim", cast.actor(OFFICER))
        away(session, cast, "director_codim", "coordinator", cast.actor("director_codim"))
        assert answers(session, cast) == {("coordinator", "coordinator", False)}
        vacated(session, "director")
        appointed(session, cast, "coordinator", "director", LOADING)
        with refused("absence.unfit_deputy"):
            later = {"starts_on": TODAY + 9 * DAY, "ends_on": TODAY + 9 * DAY}
            away(session, cast, OFFICER, "coordinator", cast.actor(OFFICER), **later)


def test_a_deputy_who_comes_to_coordinate_meanwhile_no_longer_stands_in(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        vacated(session, "coordinator")
        appointed(session, cast, "director_ccsmtl", "coordinator", LOADING)
        assert answers(session, cast) == {("director_ccsmtl", "coordinator", False)}


@pytest.mark.parametrize("first", [TODAY - 9 * DAY, TODAY + 4 * DAY])
def test_nobody_names_a_deputy_who_is_away_on_one_of_these_days(cast: Cast, first: date) -> None:
    with cast.session() as session:
        days = {"starts_on": first, "ends_on": first + 9 * DAY}
        theirs = away(session, cast, "director_ccsmtl", None, cast.actor("director_ccsmtl"), **days)
        with refused("absence.deputy_away"):
            away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        with refused("absence.deputy_away"):
            away(session, cast, "manager_ccsmtl", "director_ccsmtl", cast.actor("manager_ccsmtl"))
        cancel_absence(session, theirs, by=cast.actor("director_ccsmtl"), at=AT)
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))


def test_with_the_officer_and_their_deputy_away_what_is_asked_of_them_still_falls_to_somebody(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        away(session, cast, "director_ccsmtl", None, cast.actor("director_ccsmtl"))
        assert answers(session, cast) == {("coordinator", "coordinator", False)}


@pytest.mark.parametrize("last", [TODAY - DAY, TODAY, TODAY + DAY])
@pytest.mark.parametrize("first", [TODAY, TODAY + 2 * DAY])
def test_the_coordination_does_not_end_the_role_in_which_another_stands_in_for_the_privacy_officer(
    cast: Cast, first: date, last: date
) -> None:
    """Else the register of incidents would be theirs on the next day."""
    record_protocols(cast)
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER), starts_on=first)
        held = tenure_of(session, cast, "director_ccsmtl", "director")
        for by in hats(cast):
            with refused("tenure.watched_over"):
                departures.end_role(session, held, ends_on=last, by=by, at=AT)
            with refused("tenure.watched_over"):
                foresee_end(session, held, ends_on=last, by=by, at=AT)
        assert answers(session, cast, TODAY + 2 * DAY) == {("director_ccsmtl", OFFICER, True)}
    with refused("tenure.watched_over"):
        leave(cast, "director_ccsmtl", "ccsmtl", last_day=TODAY)


def test_after_they_stand_in_the_coordination_ends_it_as_any_role(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        held = tenure_of(session, cast, "director_ccsmtl", "director")
        departures.end_role(session, held, ends_on=TODAY + 4 * DAY, by=cast.actor("coordinator"), at=AT)
    assert letters(cast, OFFICER, "deputy_lost") == []


def test_where_their_role_ends_all_the_same_the_officer_hears_of_it_and_the_register_still_leads_on(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        held = tenure_of(session, cast, "director_ccsmtl", "director")
        departures.end_role(session, held, ends_on=TODAY + DAY, by=cast.actor("manager_ccsmtl"), at=AT)
        assert answers(session, cast, TODAY + 2 * DAY) == {("coordinator", "coordinator", False)}
    (letter,) = letters(cast, OFFICER, "deputy_lost")
    for said in ("Granit D’Or devait vous remplacer", "À partir du 25 novembre 2026", "annulez votre absence"):
        assert said in letter


def test_the_officer_hears_also_where_their_deputy_is_away_in_their_turn(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        away(session, cast, "director_ccsmtl", None, cast.actor("director_ccsmtl"), starts_on=TODAY + DAY)
    (letter,) = letters(cast, OFFICER, "deputy_lost")
    assert "À partir du 24 novembre 2026" in letter


def test_the_coordination_does_not_have_who_stands_in_coordinate(cast: Cast) -> None:
    """Who coordinates never acts as the officer: it would be another way to send the deputy away."""
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        vacated(session, "coordinator")
        appointed(session, cast, "coordinator", "coordinator", LOADING, TODAY)
        with refused("tenure.stands_in"):
            appointed(session, cast, "director_ccsmtl", "coordinator", cast.actor("coordinator"), TODAY)


# ------------------------------------------------------------------------------------------------ holding the role


@pytest.mark.parametrize("name", ["coordinator", "manager_ccsmtl"])
def test_nobody_gives_themselves_the_privacy_officers_role(cast: Cast, name: str) -> None:
    with cast.session() as session:
        vacated(session, OFFICER)
        for by in (cast.actor(name), Actor("manager", cast.people["deputy"], acting_for=cast.people[name])):
            with refused("tenure.own_watch"):
                appointed(session, cast, name, OFFICER, by)
        appointed(session, cast, "officer", OFFICER, cast.actor(name))


def test_whom_the_coordination_just_named_settles_nothing_about_them_either(cast: Cast) -> None:
    """The coordinator would end the manager's role, and name somebody, real or not, to do it for them."""
    record_protocols(cast)
    days = 14
    with cast.session() as session:
        vacated(session, "manager")
        appointed(session, cast, "deputy", "manager", cast.actor("coordinator"))
        by = Actor("manager", cast.people["deputy"], cast.organizations["ccsmtl"])
        held, at = tenure_of(session, cast, OFFICER, OFFICER), AT + (days * DAY) - timedelta(minutes=1)
        person = session.get_one(Person, (cast.program_id, cast.people[OFFICER]))
        with refused("watch.named_lately"):
            departures.end_role(session, held, ends_on=TODAY, by=by, at=at)
        with refused("watch.named_lately"):
            away(session, cast, OFFICER, "director_ccsmtl", by)
        with refused("watch.named_lately"):
            refuse_end_of_access(session, person.id, by=by, at=at)
        away(session, cast, "worker_codim", None, by)
        refuse_end_of_access(session, person.id, by=by, at=AT + days * DAY)
        assert answers(session, cast) == {(OFFICER, OFFICER, False)}


def test_an_agreements_next_version_does_not_take_the_role_from_who_stands_in_for_them(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, OFFICER, "director_ccsmtl", cast.actor(OFFICER))
        held = session.get_one(Tenure, (cast.program_id, tenure_of(session, cast, "director_ccsmtl", "director")))
        with refused("tenure.watched_over"):
            succession._hand_on(
                session, held, "second_representative", TODAY + DAY, by=cast.actor("coordinator"), at=AT
            )
        assert held.ends_on is None


@pytest.mark.parametrize("name", ["director_em", "manager_em"])
def test_the_coordinator_does_not_name_themselves_the_deputy_of_who_signs_or_approves(cast: Cast, name: str) -> None:
    with cast.session() as session:
        for by in (cast.actor("coordinator"), hats(cast)[3]):
            with refused("absence.names_coordinator"):
                away(session, cast, name, "coordinator", by)
        away(session, cast, name, None, cast.actor("coordinator"))


@pytest.mark.parametrize("role", ["director", "manager", "second_representative"])
@pytest.mark.parametrize("name", ["coordinator", "manager_em"])
def test_nobody_gives_themselves_a_role_that_signs_for_an_organization(cast: Cast, name: str, role: str) -> None:
    """The coordinator would appoint themselves at a partner, and sign its agreement for both sides."""
    with cast.session() as session:
        vacated(session, role)
        for by in (cast.actor(name), Actor("coordinator", cast.people["deputy"], acting_for=cast.people[name])):
            with refused("tenure.own_signature"):
                appointed(session, cast, name, role, by)
        appointed(session, cast, name, role, cast.actor("manager_ccsmtl"))


@pytest.mark.parametrize("last", [TODAY - DAY, TODAY, TODAY + 30 * DAY])
def test_the_coordination_does_not_end_the_privacy_officers_role(cast: Cast, last: date) -> None:
    record_protocols(cast)
    with cast.session() as session:
        held = tenure_of(session, cast, OFFICER, OFFICER)
        for by in hats(cast):
            with refused("tenure.watched_over"):
                departures.end_role(session, held, ends_on=last, by=by, at=AT)
        assert answers(session, cast) == {(OFFICER, OFFICER, False)}


@pytest.mark.parametrize("planned", [True, False])
def test_nor_by_the_way_of_their_departure(cast: Cast, planned: bool) -> None:
    record_protocols(cast)
    with refused("tenure.watched_over"):
        leave(cast, OFFICER, "ccsmtl", last_day=TODAY, planned=planned)


@pytest.mark.parametrize("by", [OFFICER, "manager_ccsmtl"])
def test_they_leave_by_themselves_or_by_a_manager_of_theirs(cast: Cast, by: str) -> None:
    record_protocols(cast)
    leave(cast, OFFICER, "ccsmtl", last_day=TODAY, by=cast.actor(by))
    with cast.session() as session:
        assert answers(session, cast, TODAY + DAY) == {("coordinator", "coordinator", False)}


def test_nor_where_no_agreement_gives_their_organization_a_manager_and_they_still_leave_by_themselves(
    cast: Cast,
) -> None:
    """The coordinator could bring that about, by an agreement without the role."""
    record_protocols(cast)
    with cast.session() as session:
        session.execute(text("delete from agreement_role where role = 'manager'"))
        held = tenure_of(session, cast, OFFICER, OFFICER)
        with refused("tenure.watched_over"):
            departures.end_role(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
    leave(cast, OFFICER, "ccsmtl", last_day=TODAY, by=cast.actor(OFFICER))
