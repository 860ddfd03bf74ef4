"""Who holds which role on which day: appointing, ending, absences with deputies, and on whom a duty then falls."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from domain.casework import vacancies
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.loading.loading import load
from domain.people.absences import cancel_absence, record_absence
from domain.people.people import add_person, appoint, end_tenure, folded
from domain.roles.roles import standing
from models.base import table_of
from models.casework import Link
from models.program import Absence, Organization, Person, Tenure
from models.record import Event
from tests.casework import open_onboarding, steps
from tests.cast import ARRIVAL, AT, LOADING, SINCE, TODAY, Cast, edited, onboarding

DAY = timedelta(days=1)
_tenure = table_of(Tenure)
_person = table_of(Person)
_absence = table_of(Absence)


def appointing(session: Session, cast: Cast, name: str, role: str, place: str, **days: date) -> UUID:
    """Appoint one of the cast, by the coordinator, from today unless told."""
    return appoint(
        session,
        person_id=cast.people[name],
        role=role,
        organization_id=cast.organizations[place],
        by=cast.actor("coordinator"),
        at=AT,
        **{"starts_on": TODAY, **days},
    )


def away(session: Session, cast: Cast, name: str, deputy: str | None, **more: Any) -> UUID:
    """Record that one of the cast is absent this week."""
    return record_absence(
        session,
        person_id=cast.people[name],
        deputy_id=cast.people[deputy] if deputy else None,
        by=cast.actor("coordinator"),
        at=AT,
        **{"starts_on": TODAY, "ends_on": TODAY + 4 * DAY, **more},
    )


def ending(session: Session, cast: Cast, name: str, role: str, last: date) -> None:
    """End the one tenure of this person in this role."""
    tenure = session.scalars(
        select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name], _tenure.c.role == role)
    ).one()
    end_tenure(session, tenure, ends_on=last, by=cast.actor("coordinator"), at=AT)


def chain(cast: Cast, *links: tuple[str, str]) -> list[Link]:
    """A chain of roles at organizations; "*" is anywhere."""
    return [Link(role, str(cast.organizations[at]) if at != "*" else at) for role, at in links]


def on_whom(session: Session, cast: Cast, links: list[Link], day: date = TODAY, kind: str = "tasks") -> list[str]:
    """The short names of those on whom a duty with this chain falls on a day."""
    names = {person: name for name, person in cast.people.items()}
    return sorted(names[holder.person_id] for holder in standing(session, day).falls(links, kind=kind).holders)


def refusal(act: Callable[[], object]) -> str:
    """The code with which a rule refuses an act."""
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code


MANAGER_EM = (("manager", "en-marge"), ("coordinator", "*"))


# ------------------------------------------------------------------------------------------------ appointing


def test_an_appointment_holds_from_its_first_day_to_its_last_and_stays_answerable(cast: Cast) -> None:
    with cast.session() as session:
        appointing(session, cast, "deputy", "youth_worker", "en-marge", starts_on=TODAY, ends_on=TODAY + DAY)
    with cast.session() as session:
        links = chain(cast, ("youth_worker", "en-marge"))
        days = [TODAY - DAY, TODAY, TODAY + DAY, TODAY + 2 * DAY]
        assert [on_whom(session, cast, links, day) for day in days] == [[], ["deputy"], ["deputy"], []]


@pytest.mark.parametrize(
    ("name", "role", "place", "code"),
    [
        ("deputy", "youth_worker", "spvm", "role.not_in_agreement"),
        ("deputy", "astronaut", "en-marge", "role.unknown"),
        ("deputy", "manager", "en-marge", "tenure.one_holder"),
        ("deputy", "second_representative", "en-marge", "tenure.held_already"),
        ("manager_em", "manager", "en-marge", "tenure.held_already"),
        ("police", "police_representative", "mobilis", "role.not_in_agreement"),
    ],
)
def test_an_appointment_that_cannot_be_is_refused(cast: Cast, name: str, role: str, place: str, code: str) -> None:
    with cast.session() as session:
        before = session.scalar(select(func.count()).select_from(_tenure))
        assert refusal(lambda: appointing(session, cast, name, role, place)) == code
        assert session.scalar(select(func.count()).select_from(_tenure)) == before


def test_nobody_is_appointed_backwards_in_time(cast: Cast) -> None:
    with cast.session() as session:
        wrong = {"starts_on": TODAY, "ends_on": TODAY - DAY}
        assert refusal(lambda: appointing(session, cast, "deputy", "manager", "en-marge", **wrong)) == (
            "tenure.ends_first"
        )


def test_people_and_organizations_of_another_program_do_not_exist_here(cast: Cast) -> None:
    def appointed(session: Session, person_id: UUID, organization_id: UUID) -> str:
        return refusal(
            lambda: appoint(
                session,
                person_id=person_id,
                role="second_representative",
                organization_id=organization_id,
                starts_on=TODAY,
                by=cast.actor("coordinator"),
                at=AT,
            )
        )

    with cast.session() as session:
        theirs, ours = cast.other, cast
        assert appointed(session, theirs.people["worker_em"], ours.organizations["codim"]) == "person.unknown"
        assert appointed(session, ours.people["worker_em"], theirs.organizations["codim"]) == "organization.unknown"
        assert appointed(session, uuid4(), ours.organizations["codim"]) == "person.unknown"


def test_an_outside_body_has_the_roles_of_its_seats(cast: Cast) -> None:
    with cast.session() as session:
        appointing(session, cast, "police", "police_representative", "spal")
        assert on_whom(session, cast, chain(cast, ("police_representative", "spal"))) == ["police"]


def test_a_successor_begins_the_day_after_the_last_and_not_on_it(cast: Cast) -> None:
    with cast.session() as session:
        ending(session, cast, "manager_em", "manager", TODAY)
        same_day = lambda: appointing(session, cast, "deputy", "manager", "en-marge")  # noqa: E731
        assert refusal(same_day) == "tenure.one_holder"
        appointing(session, cast, "deputy", "manager", "en-marge", starts_on=TODAY + DAY)
        links = chain(cast, ("manager", "en-marge"))
        assert on_whom(session, cast, links) == ["manager_em"]
        assert on_whom(session, cast, links, TODAY + DAY) == ["deputy"]


def test_one_holder_counts_for_the_days_before_an_appointment_to_come_too(cast: Cast) -> None:
    with cast.session() as session:
        ending(session, cast, "manager_em", "manager", TODAY)
        appointing(session, cast, "worker_em", "manager", "en-marge", starts_on=TODAY + 10 * DAY)
        open_end = lambda: appointing(session, cast, "deputy", "manager", "en-marge", starts_on=TODAY + DAY)  # noqa: E731
        assert refusal(open_end) == "tenure.one_holder"
        days = {"starts_on": TODAY + DAY, "ends_on": TODAY + 9 * DAY}
        appointing(session, cast, "deputy", "manager", "en-marge", **days)


def test_a_role_without_single_holder_is_held_by_several_at_once(cast: Cast) -> None:
    with cast.session() as session:
        appointing(session, cast, "worker_codim", "second_representative", "en-marge")
        links = chain(cast, ("second_representative", "en-marge"))
        assert on_whom(session, cast, links) == ["deputy", "worker_codim"]


def test_a_successor_overlaps_with_the_one_who_leaves_though_the_agreement_promises_one(cast: Cast) -> None:
    """They hand over together, and the number that an agreement names is what it promises: fewer is a vacancy."""
    with cast.session() as session:
        appointing(session, cast, "deputy", "youth_worker", "codim")
        assert on_whom(session, cast, chain(cast, ("youth_worker", "codim"))) == ["deputy", "worker_codim"]
        assert "youth_worker" not in vacant_at(session, cast, "codim", TODAY)
        for name in ("deputy", "worker_codim"):
            ending(session, cast, name, "youth_worker", TODAY)
        assert "youth_worker" in vacant_at(session, cast, "codim", TODAY + DAY)


def vacant_at(session: Session, cast: Cast, place: str, day: date) -> set[str]:
    """The roles of an organization's agreement that fewer hold on a day than it promises."""
    found = vacancies.find(session, standing(session, day))
    return {one.role for one in found if one.kind == "role" and one.organization_id == cast.organizations[place]}


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do several acts at the same instant; "done", or the code of the refusal, of each, sorted."""
    together, told = threading.Barrier(len(acts), timeout=20), list[str]()

    def one(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
            told.append("done")
        except Refusal as refused:
            told.append(refused.code)
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion on the answers
            told.append(repr(error))

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def test_of_two_who_fill_one_place_at_the_same_instant_the_second_is_told(cast: Cast) -> None:
    with cast.session() as session:
        ending(session, cast, "manager_em", "manager", TODAY - DAY)

    def by(name: str) -> Callable[[], object]:
        def act() -> None:
            with cast.session() as session:
                appointing(session, cast, name, "manager", "en-marge")

        return act

    assert at_once(by("deputy"), by("worker_codim")) == ["done", "tenure.one_holder"]


def test_one_person_appointed_twice_at_the_same_instant_is_appointed_once(cast: Cast) -> None:
    def act() -> None:
        with cast.session() as session:
            appointing(session, cast, "police", "second_representative", "spvm")

    assert at_once(act, act) == ["done", "tenure.held_already"]


# --------------------------------------------------------------------------------------- whom a duty falls on


def test_a_duty_falls_on_the_holder_at_that_organization_alone(cast: Cast) -> None:
    with cast.session() as session:
        for name, place in (("manager_em", "en-marge"), ("manager_la", "anonyme"), ("manager_codim", "codim")):
            assert on_whom(session, cast, chain(cast, ("manager", place))) == [name]


def test_the_same_role_at_two_organizations_reaches_one_person_as_each_ones(cast: Cast) -> None:
    with cast.session() as session:
        today = standing(session, TODAY)
        for place in ("spvm", "marie-vincent"):
            (holder,) = today.falls(chain(cast, ("manager", place))).holders
            assert (holder.person_id, holder.organization_id) == (cast.people["manager_two"], cast.organizations[place])
        # Leaving one of the two takes that one's domain away, and no others.
        tenure = session.scalars(
            select(_tenure.c.id).where(
                _tenure.c.person_id == cast.people["manager_two"],
                _tenure.c.organization_id == cast.organizations["spvm"],
            )
        ).one()
        end_tenure(session, tenure, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
        tomorrow = TODAY + DAY
        assert on_whom(session, cast, chain(cast, ("manager", "spvm")), tomorrow) == []
        assert on_whom(session, cast, chain(cast, ("manager", "marie-vincent")), tomorrow) == ["manager_two"]


def test_a_role_that_nobody_holds_is_vacant_and_its_duties_fall_on_the_next(cast: Cast) -> None:
    with cast.session() as session:
        ending(session, cast, "manager_em", "manager", TODAY - DAY)
        falls = standing(session, TODAY).falls(chain(cast, *MANAGER_EM))
        assert falls.vacant
        assert on_whom(session, cast, chain(cast, *MANAGER_EM)) == ["coordinator"]
        nobody = standing(session, TODAY).falls(chain(cast, ("manager", "en-marge")))
        assert (nobody.holders, nobody.vacant) == ((), True)


def test_a_vacancy_shows_on_the_board_in_the_transaction_that_makes_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)

    def vacant(session: Session) -> dict[tuple[str, str], list[UUID]]:
        """Each vacant role, and the tasks that fall to it."""
        today = standing(session, TODAY)
        found = [one for one in vacancies.find(session, today) if one.kind == "role"]
        falling = vacancies.falling(session, today, found, reader=cast.people["coordinator"])
        assert {one: one.tasks for one in found if one.tasks} == {one: len(tasks) for one, tasks in falling.items()}
        return {(one.role, one.organization): [task.id for task in falling.get(one, [])] for one in found}

    with cast.session() as session:
        before = vacant(session)
        ending(session, cast, "manager_em", "manager", TODAY - DAY)
        after = vacant(session)
        manager = ("manager", "En Marge 12-17")
        assert after.keys() - before.keys() == {manager}
        mine = [row for row in steps(session, case_id).values() if row["state"] == "open"]
        assert after[manager]
        assert sorted(after[manager]) == sorted(
            row["id"] for row in mine if onboarding().value.by_id[row["step"]].by == "manager"
        )
        appointing(session, cast, "deputy", "manager", "en-marge")
        assert vacant(session) == before


def test_who_held_a_role_is_answerable_after_they_left(cast: Cast) -> None:
    with cast.session() as session:
        ending(session, cast, "manager_em", "manager", TODAY)
    with cast.session() as session:
        links = chain(cast, ("manager", "en-marge"))
        assert on_whom(session, cast, links, TODAY - 100 * DAY) == ["manager_em"]
        assert on_whom(session, cast, links, TODAY + 100 * DAY) == []
        left = session.execute(select(_person).where(_person.c.id == cast.people["manager_em"])).one()
        assert left.family_name == "Obsidienne"


def test_an_appointment_does_not_end_before_it_began(cast: Cast) -> None:
    with cast.session() as session:
        code = refusal(lambda: ending(session, cast, "manager_em", "manager", SINCE - DAY))
        assert code == "tenure.ends_first"
        unknown = lambda: end_tenure(session, uuid4(), ends_on=TODAY, by=LOADING, at=AT)  # noqa: E731
        assert refusal(unknown) == "tenure.unknown"


def test_an_end_is_not_put_off_onto_days_that_a_successor_or_they_themselves_have(cast: Cast) -> None:
    with cast.session() as session:
        first = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()

        def last_day(day: date) -> None:
            end_tenure(session, first, ends_on=day, by=cast.actor("coordinator"), at=AT)

        last_day(TODAY)
        last_day(TODAY + 3 * DAY)  # nobody has these days: an end may be put off
        last_day(TODAY)
        appointing(session, cast, "deputy", "manager", "en-marge", starts_on=TODAY + 5 * DAY)
        assert refusal(lambda: last_day(TODAY + 5 * DAY)) == "tenure.one_holder"
        last_day(TODAY + 4 * DAY)
        assert on_whom(session, cast, chain(cast, ("manager", "en-marge")), TODAY + 5 * DAY) == ["deputy"]

        again = appointing(session, cast, "police", "second_representative", "spvm", ends_on=TODAY + DAY)
        appointing(session, cast, "police", "second_representative", "spvm", starts_on=TODAY + 9 * DAY)
        put_off = lambda: end_tenure(session, again, ends_on=TODAY + 9 * DAY, by=LOADING, at=AT)  # noqa: E731
        assert refusal(put_off) == "tenure.held_already"


def test_renaming_a_role_changes_nobody(cast: Cast) -> None:
    renamed = edited(("en: Manager}", "en: Team lead}"))
    with cast.session() as session:
        before = standing(session, TODAY).tenures
        held = {(tenure.person_id, tenure.role, tenure.organization_id) for tenure in before}
        found = load(session, renamed, [onboarding()], by=cast.actor("coordinator"), at=AT)
        assert [change.in_language("en") for change in found] == ["The role “Manager” is now called “Team lead”."]
        after = standing(session, TODAY).tenures
        assert {(tenure.person_id, tenure.role, tenure.organization_id) for tenure in after} == held
        assert on_whom(session, cast, chain(cast, ("manager", "en-marge"))) == ["manager_em"]


def test_a_worker_to_come_holds_nothing_until_the_arrival(cast: Cast) -> None:
    links = chain(cast, ("youth_worker", "en-marge"))
    with cast.session() as session:
        assert on_whom(session, cast, links, ARRIVAL - DAY) == []
        assert on_whom(session, cast, links, ARRIVAL) == ["worker_em"]


# ---------------------------------------------------------------------------------------------------- absences


def test_during_an_absence_the_deputy_acts_for_the_absent_one_and_then_no_more(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", "deputy")
        (holder,) = standing(session, TODAY).falls(chain(cast, *MANAGER_EM)).holders
        assert (holder.person_id, holder.acting_for) == (cast.people["deputy"], cast.people["manager_em"])
        assert (holder.role, holder.organization_id) == ("manager", cast.organizations["en-marge"])
        days = [TODAY - DAY, TODAY, TODAY + 4 * DAY, TODAY + 5 * DAY]
        found = [on_whom(session, cast, chain(cast, *MANAGER_EM), day) for day in days]
        assert found == [["manager_em"], ["deputy"], ["deputy"], ["manager_em"]]


def test_a_deputy_who_is_away_has_a_deputy_too(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", "deputy")
        away(session, cast, "deputy", "second_deputy")
        (holder,) = standing(session, TODAY).falls(chain(cast, *MANAGER_EM)).holders
        assert (holder.person_id, holder.acting_for) == (cast.people["second_deputy"], cast.people["manager_em"])


def test_deputies_who_name_each_other_leave_the_duty_to_the_next_in_the_chain(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", "deputy")
        assert refusal(lambda: away(session, cast, "deputy", "manager_em")) == "absence.deputy_away"
        theirs = away(session, cast, "deputy", None)
        named = _absence.update().where(_absence.c.id == theirs).values(deputy_id=cast.people["manager_em"])
        session.execute(named)
        falls = standing(session, TODAY).falls(chain(cast, *MANAGER_EM))
        assert falls.vacant
        assert on_whom(session, cast, chain(cast, *MANAGER_EM)) == ["coordinator"]


def test_an_absence_without_deputy_hands_the_duty_on_and_the_role_is_not_vacant_for_that(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", None)
        today = standing(session, TODAY)
        assert on_whom(session, cast, chain(cast, *MANAGER_EM)) == ["coordinator"]
        assert not today.has_nobody(chain(cast, *MANAGER_EM)[0])


def test_a_deputy_acts_only_in_what_they_were_given(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", "deputy", kinds=("approvals",))
        links = chain(cast, *MANAGER_EM)
        assert on_whom(session, cast, links, kind="approvals") == ["deputy"]
        assert on_whom(session, cast, links, kind="tasks") == ["coordinator"]


def test_a_deputy_who_has_left_the_program_acts_for_nobody(cast: Cast) -> None:
    with cast.session() as session:
        away(session, cast, "manager_em", "deputy")
        ending(session, cast, "deputy", "second_representative", TODAY)
        links = chain(cast, *MANAGER_EM)
        assert on_whom(session, cast, links, TODAY) == ["deputy"]
        assert on_whom(session, cast, links, TODAY + DAY) == ["coordinator"]


def test_an_absence_that_is_called_off_is_over_and_another_may_be_recorded(cast: Cast) -> None:
    with cast.session() as session:
        absence = away(session, cast, "manager_em", "deputy")
        assert refusal(lambda: away(session, cast, "manager_em", None)) == "absence.recorded_already"
        cancel_absence(session, absence, by=cast.actor("manager_em"), at=AT)
        assert on_whom(session, cast, chain(cast, *MANAGER_EM)) == ["manager_em"]
        again = lambda: cancel_absence(session, absence, by=cast.actor("manager_em"), at=AT)  # noqa: E731
        assert refusal(again) == "absence.unknown"
        away(session, cast, "manager_em", None)


@pytest.mark.parametrize(
    ("deputy", "more", "code"),
    [
        ("manager_em", {}, "absence.own_deputy"),
        ("deputy", {"ends_on": TODAY - DAY}, "absence.ends_first"),
        ("deputy", {"kinds": ()}, "absence.kinds"),
        ("deputy", {"kinds": ("tasks", "signatures")}, "absence.kinds"),
    ],
)
def test_an_absence_that_cannot_be_is_refused(cast: Cast, deputy: str, more: dict[str, Any], code: str) -> None:
    with cast.session() as session:
        assert refusal(lambda: away(session, cast, "manager_em", deputy, **more)) == code
        assert session.scalar(select(func.count()).select_from(table_of(Absence))) == 0


def test_the_deputy_of_another_program_is_not_known_here(cast: Cast) -> None:
    with cast.session() as session:
        theirs = cast.other.people["manager_em"]
        code = refusal(
            lambda: record_absence(
                session,
                person_id=cast.people["manager_em"],
                starts_on=TODAY,
                ends_on=TODAY,
                deputy_id=theirs,
                by=cast.actor("coordinator"),
                at=AT,
            )
        )
        assert code == "person.unknown"


# ------------------------------------------------------------------------------------ people, and what ends


@pytest.mark.parametrize(
    ("given_name", "family_name", "shown", "sorts_as"),
    [
        ("Anne", "O'Malachite", "Anne O'Malachite", "o'malachite anne"),
        ("  Éloïse ", "D’Agate\n Noire", "Éloïse D’Agate Noire", "d’agate noire eloise"),
        ("Jean-🪨", "<script>alert(1)</script>", "Jean-🪨 <script>alert(1)</script>", None),
    ],
)
def test_a_name_is_kept_as_its_owner_writes_it(
    cast: Cast, given_name: str, family_name: str, shown: str, sorts_as: str | None
) -> None:
    with cast.session() as session:
        person_id = add_person(
            session,
            given_name=given_name,
            family_name=family_name,
            email=None,
            language="fr",
            by=cast.actor("coordinator"),
            at=AT,
        )
    with cast.session() as session:
        kept = session.get_one(Person, (cast.program_id, person_id))
        assert kept.name == shown
        assert sorts_as in (None, kept.sort_key)


def test_names_sort_without_accents_and_case() -> None:
    assert sorted(["Zinc", "Étain", "acier", "Émeraude"], key=folded) == ["acier", "Émeraude", "Étain", "Zinc"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"given_name": " "}, "person.name"),
        ({"family_name": "N" * 81}, "person.name"),
        ({"family_name": "Nickel\u202e"}, "person.name"),
        ({"language": "de"}, "person.language"),
        ({"email": "née@codim.example"}, "mail.address"),
        ({"email": "nickel@codim.example\r\nBcc: a@b.example"}, "mail.address"),
    ],
)
def test_a_person_whom_no_letter_or_list_could_name_is_refused(cast: Cast, wrong: dict[str, Any], code: str) -> None:
    right = {"given_name": "Neige", "family_name": "Nickel", "email": None, "language": "fr"}
    with cast.session() as session:
        before = session.scalar(select(func.count()).select_from(_person))
        adding = lambda: add_person(session, **(right | wrong), by=LOADING, at=AT)  # noqa: E731
        assert refusal(adding) == code
        assert session.scalar(select(func.count()).select_from(_person)) == before


def test_each_act_on_people_is_told_with_its_author_and_its_moment_and_without_a_name(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        person_id = add_person(
            session, given_name="Neige", family_name="Nickel", email="n@codim.example", language="fr", by=by, at=AT
        )
        tenure = appoint(
            session,
            person_id=person_id,
            role="second_representative",
            organization_id=cast.organizations["codim"],
            starts_on=TODAY,
            by=by,
            at=AT,
        )
        end_tenure(session, tenure, ends_on=TODAY + DAY, by=by, at=AT)
        event = table_of(Event)
        lines = session.execute(select(event).where(event.c.subject_id == person_id).order_by(event.c.n)).all()
        assert [line.verb for line in lines] == ["person.added", "tenure.started", "tenure.ended"]
        assert {(line.actor_id, line.actor_as, line.at) for line in lines} == {(by.person_id, "coordinator", AT)}
        told = " ".join(str(line.facts) for line in lines)
        assert "Nickel" not in told
        assert "codim.example" not in told


def test_nobody_is_appointed_at_an_organization_whose_part_has_ended(cast: Cast) -> None:
    with cast.session() as session:
        ended = session.get_one(Organization, (cast.program_id, cast.organizations["codim"]))
        ended.ends_on = TODAY
        session.flush()
        to_come = lambda: appointing(session, cast, "deputy", "second_representative", "codim")  # noqa: E731
        assert refusal(to_come) == "organization.ended"
        assert on_whom(session, cast, chain(cast, ("manager", "codim")), TODAY) == ["manager_codim"]
        assert on_whom(session, cast, chain(cast, ("manager", "codim")), TODAY + DAY) == []


def test_the_cast_wears_only_its_own_hats(cast: Cast) -> None:
    assert cast.actor("manager_two", organization="spvm") == Actor(
        "manager", cast.people["manager_two"], cast.organizations["spvm"]
    )
    with pytest.raises(ValueError, match="2 such hats"):
        cast.actor("manager_two")
    with pytest.raises(ValueError, match="0 such hats"):
        cast.actor("coordinator", "manager")
