"""What a partner sees of participants goes by the terms of sharing in its agreement (AG-IS), and by their consent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from api.access.follow_ups import caseload_of
from api.access.permissions import Asker
from domain.accompaniment import consents, risks
from domain.agreements.version_text import content_of
from domain.follow_ups import assigning
from domain.kernel.refusals import Refusal
from domain.people.absences import record_absence
from domain.roles.roles import standing
from domain.terms.days import PARTICIPANT
from domain.terms.sharing import circle_of
from meetings import agenda_papers, schedule
from models.base import table_of
from models.follow_up import FollowUp
from models.meeting import Meeting
from tests.agreeing import sharing_otherwise
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Cast, program_file
from tests.following import SECOND, WORKER, agreed, consented, followed, known_as_somebody, left_without_consent, row_of
from tests.meetings.sitting import give, seat_everyone

_meeting = table_of(Meeting)
_follow_up = table_of(FollowUp)
DAY = timedelta(days=1)
CLINIC = datetime(2026, 12, 9, 9, 30)  # noqa: DTZ001 - local


def there(cast: Cast, place: str = "spvm", **terms: object) -> UUID:
    """A follow-up, every agreement in force and everyone seated; one agreement shares otherwise."""
    with cast.session() as session:
        sharing_otherwise(session, cast, place, **terms)
        agreed(session, cast)
        seat_everyone(session, cast)
        return followed(session, cast)


def without(part: str, *keys: str) -> dict[str, Any]:
    """The terms as the program has them, save what is named so."""
    listed = getattr(content_of(program_file().value, "spvm").terms.information_sharing, part)
    return {part: [one.as_stored() for one in listed if one.key not in keys]}


@pytest.mark.ci
def test_a_seat_on_the_clinical_committee_reads_of_participants_where_the_terms_name_it(cast: Cast) -> None:
    made = there(cast)
    assert signed_in(cast, "police").get(f"/follow-ups/{made}").status_code == 200


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    "terms",
    [
        without("bodies", "clinical"),
        without("information", "follow-up"),
        without("purposes", "follow-up"),
        {"starts_on": (TODAY + DAY).isoformat()},
        {"ends_on": (TODAY - DAY).isoformat()},
    ],
    ids=["another committee", "not this information", "not this purpose", "not yet", "no longer"],
)
def test_what_the_terms_do_not_share_is_not_there_for_a_partner(cast: Cast, terms: dict[str, Any]) -> None:
    made = there(cast, **terms)
    assert signed_in(cast, "police").get(f"/follow-ups/{made}").status_code == 404
    assert signed_in(cast, SECOND).get(f"/follow-ups/{made}").status_code == 200  # another partner's terms


@pytest.mark.ci
def test_the_days_of_the_terms_are_inclusive(cast: Cast) -> None:
    made = there(cast, starts_on=TODAY.isoformat(), ends_on=TODAY.isoformat())
    assert signed_in(cast, "police").get(f"/follow-ups/{made}").status_code == 200


@pytest.mark.ci
def test_who_a_participant_is_stays_closed_where_the_terms_share_only_the_number(cast: Cast) -> None:
    made = there(cast, **without("information", "contact"))
    with cast.session() as session:
        participant = session.scalars(select(_follow_up.c.participant_id).where(_follow_up.c.id == made)).one()
    at = f"/participants/{participant}"
    police, other = signed_in(cast, "police"), signed_in(cast, SECOND)
    assert police.get(at).status_code == other.get(at).status_code == 200
    assert police.post(f"{at}/identity", data={"purpose": "follow_up"}).status_code == 404
    # Of this one nothing nominative is kept, which is said to whoever may ask.
    assert other.post(f"{at}/identity", data={"purpose": "follow_up"}).status_code != 404


@pytest.mark.ci
def test_a_participant_is_given_to_no_worker_of_an_organization_that_is_not_told_who_they_are(cast: Cast) -> None:
    made = there(cast, "codim", **without("information", "contact"))
    with cast.session() as session, pytest.raises(Refusal) as refused:
        assigning.assign_worker(session, made, cast.people[SECOND], kind="second", by=cast.actor("coordinator"), at=AT)
    assert (refused.value.code, refused.value.source) == ("assignment.not_shared", "AG-IS")
    page = text_of(signed_in(cast, "coordinator").get(f"/follow-ups/{made}").text)
    assert "not in the terms of sharing" in page


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("information", "closed", "open_"),
    [
        ("risk", ("risk", "risk_to_others", "never_with_others"), "consents"),
        ("consent", ("consents",), "never_with_others"),
        ("admission", ("referrals", "criteria", "decisions", "meetings"), "consents"),
    ],
)
def test_each_kind_of_information_is_told_where_the_terms_name_it(
    cast: Cast, information: str, closed: tuple[str, ...], open_: str
) -> None:
    made = there(cast, **without("information", information))
    with cast.session() as session:
        consented(session, cast, made, "spvm", "codim")
        participant = row_of(session, made)["participant_id"]
        risks.assess(session, participant, "admission", "red", why={}, by=cast.actor(WORKER), at=AT)
    told = signed_in(cast, "police").get(f"/api/v1/participants/{participant}").json()
    assert not any(told[name] for name in closed)
    assert told[open_] not in (None, [])
    follow_up = signed_in(cast, "police").get(f"/api/v1/follow-ups/{made}").json()
    assert follow_up["never_with_others"] is (None if information == "risk" else False)
    everything = signed_in(cast, SECOND).get(f"/api/v1/participants/{participant}").json()
    assert everything["risk"] == "red"
    assert len([one for one in everything["consents"] if one["replaced_at"] is None]) == 3
    page = text_of(signed_in(cast, "police").get(f"/participants/{participant}").text)
    heading = {"risk": "Red: dangerous", "consent": "Sharing with a partner", "admission": "Criteria"}[information]
    assert heading not in page
    assert heading in text_of(signed_in(cast, SECOND).get(f"/participants/{participant}").text)


@pytest.mark.ci
def test_a_partner_that_the_participant_left_out_sees_nothing_of_them_whatever_its_terms_say(cast: Cast) -> None:
    made = there(cast)
    with cast.session() as session:
        consented(session, cast, made, "codim")
        participant = row_of(session, made)["participant_id"]
    doors = [f"/follow-ups/{made}", f"/participants/{participant}"]
    doors += [f"/api/v1{door}" for door in doors]
    police, other, worker = (signed_in(cast, name) for name in ("police", SECOND, WORKER))
    for door in doors:
        assert (police.get(door).status_code, other.get(door).status_code) == (404, 200), door
        assert worker.get(door).status_code == 200  # who accompanies them asks no consent to it
    asked = {"purpose": "urgent_help"}
    identity = f"/participants/{participant}/identity"
    assert police.post(identity, data=asked).status_code == 404
    assert other.post(identity, data=asked).status_code == 200
    assert police.post(f"/api/v1{identity}", json=asked).status_code == 404
    assert other.post(f"/api/v1{identity}", json=asked).json()["given_name"] == "Ondine"
    nobody = police.get(f"/api/v1/participants/{made}").json()  # no participant has this id
    assert police.get(f"/api/v1/participants/{participant}").json() == nobody


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("partner", "status"), [("anonyme", 200), ("spvm", 200), ("codim", 404)])
def test_who_sits_for_two_partners_sees_what_either_of_them_is_told(cast: Cast, partner: str, status: int) -> None:
    made = there(cast)
    with cast.session() as session:
        give(session, cast, "clinical", "anonyme", "police", "alternate")
        consented(session, cast, made, partner)
        participant = row_of(session, made)["participant_id"]
    police = signed_in(cast, "police")
    assert police.get(f"/follow-ups/{made}").status_code == status
    assert police.get(f"/participants/{participant}").status_code == status


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("deputy", "partners", "status"),
    [
        ("deputy", ("codim",), 404),
        ("deputy", ("codim", "en-marge"), 200),
        ("deputy", None, 200),  # whose organization they share with, as with every partner
        ("manager_em", ("codim",), 404),
        ("manager_ccsmtl", ("codim",), 200),  # within the organization that accompanies them
    ],
)
def test_acting_for_a_worker_opens_to_another_organization_what_the_participant_shares_with_it(
    cast: Cast, deputy: str, partners: tuple[str, ...] | None, status: int
) -> None:
    made = there(cast)
    with cast.session() as session:
        if partners is not None:
            consented(session, cast, made, *partners)
        else:
            known_as_somebody(session, row_of(session, made)["participant_id"])
        row = row_of(session, made)
        record_absence(
            session,
            person_id=cast.people[WORKER],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people[deputy],
            kinds=["tasks"],
            by=cast.actor(WORKER),
            at=AT,
        )
        asker = Asker(cast.people[deputy], standing(session, TODAY))
        listed = [each.id for each, _ in caseload_of(session, asker)]
    acting = signed_in(cast, deputy)
    file = f"/participants/{row['participant_id']}"
    for door in (f"/follow-ups/{made}", file, f"/api/v1/follow-ups/{made}", f"/api/v1{file}"):
        assert acting.get(door).status_code == status, door
    assert acting.post(f"{file}/identity").status_code == status
    assert listed == ([made] if status == 200 else [])
    assert signed_in(cast, WORKER).get(f"/follow-ups/{made}").status_code == 200


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("which", ["program", "sharing"])
def test_what_is_withdrawn_closes_the_doors_at_the_next_request_and_leaves_the_worker_theirs(
    cast: Cast, which: str
) -> None:
    made = there(cast)
    with cast.session() as session:
        in_program, with_police = consented(session, cast, made, "spvm")
    police, worker = signed_in(cast, "police"), signed_in(cast, WORKER)
    assert police.get(f"/follow-ups/{made}").status_code == 200
    with cast.session() as session:
        participant = row_of(session, made)["participant_id"]
        taken_back = in_program if which == "program" else with_police
        consents.withdraw(session, taken_back, by=cast.actor(WORKER), at=AT)
    assert police.get(f"/follow-ups/{made}").status_code == 404
    assert police.get(f"/participants/{participant}").status_code == 404
    assert worker.get(f"/follow-ups/{made}").status_code == 200
    assert signed_in(cast, "coordinator").get(f"/participants/{participant}").status_code == 200


@pytest.mark.ci
def test_without_a_consent_the_committee_sees_nothing_of_a_participant_and_one_that_ended_is_none(cast: Cast) -> None:
    made = there(cast)
    police, spvm = signed_in(cast, "police"), cast.organizations["spvm"]
    assert police.get(f"/follow-ups/{made}").status_code == 200
    with cast.session() as session:
        participant = row_of(session, made)["participant_id"]
        left_without_consent(session, participant)
        assert circle_of(session, participant, TODAY).withholds(spvm, PARTICIPANT) == "consent"
    assert police.get(f"/follow-ups/{made}").status_code == 404
    with cast.session() as session:
        consented(session, cast, made, "spvm", ends_on=TODAY)
        assert circle_of(session, participant, TODAY).agrees_to(spvm)
        assert not circle_of(session, participant, TODAY + DAY).agrees_to(spvm)


@pytest.mark.ci
def test_the_file_says_to_who_keeps_it_with_whom_it_is_not_shared(cast: Cast) -> None:
    made = there(cast)
    with cast.session() as session:
        consented(session, cast, made, "codim", "spvm", "marie-vincent")
        participant = row_of(session, made)["participant_id"]
    for name, told in (("coordinator", True), (WORKER, True), ("police", False)):
        page = text_of(signed_in(cast, name).get(f"/participants/{participant}").text)
        assert ("Not shared with En Marge 12-17, L’Anonyme." in page) is told, name


@pytest.mark.ci
def test_the_clinics_agenda_goes_to_such_a_seat_as_to_a_guest(cast: Cast) -> None:
    there(cast, **without("information", "number"))
    with cast.session() as session:
        schedule.plan_meetings(session, "clinical", [CLINIC], by=cast.actor("coordinator"), at=AT)
        here = session.scalars(select(_meeting.c.id)).one()
        read = {reader.person_id: reader.audience for reader in agenda_papers.readers_of(session, here)}
    assert read[cast.people["police"]] == "invited"
    assert read[cast.people[SECOND]] == "partners"


@pytest.mark.ci
def test_the_agreements_page_says_in_which_committees_and_until_when(cast: Cast) -> None:
    there(cast, ends_on="2027-03-31")
    client = signed_in(cast, "coordinator")
    program = client.get("/program").text
    at = next(part.split('"')[0] for part in program.split('href="')[1:] if part.startswith("/program/agreements/"))
    assert "Clinical Committee" in text_of(client.get(at).text)
