"""What a partner sees and is given of participants goes by the terms of sharing in its agreement (AG-IS)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from duties.agreements import content_of
from duties.follow_ups import assigning
from duties.refusals import Refusal
from meetings import agenda_papers, schedule
from models.base import table_of
from models.follow_up import FollowUp
from models.meeting import Meeting
from tests.agreeing import sharing_otherwise
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Cast, program_file
from tests.following import SECOND, agreed, followed
from tests.meetings.sitting import seat_everyone

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
    listed = content_of(program_file().value, "spvm").terms["information_sharing"][part]
    return {part: [one for one in listed if one["key"] not in keys]}


def test_a_seat_on_the_clinical_committee_reads_of_participants_where_the_terms_name_it(cast: Cast) -> None:
    made = there(cast)
    assert signed_in(cast, "police").get(f"/follow-ups/{made}").status_code == 200


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


def test_the_days_of_the_terms_are_inclusive(cast: Cast) -> None:
    made = there(cast, starts_on=TODAY.isoformat(), ends_on=TODAY.isoformat())
    assert signed_in(cast, "police").get(f"/follow-ups/{made}").status_code == 200


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


def test_a_participant_is_given_to_no_worker_of_an_organization_that_is_not_told_who_they_are(cast: Cast) -> None:
    made = there(cast, "codim", **without("information", "contact"))
    with cast.session() as session, pytest.raises(Refusal) as refused:
        assigning.assign(session, made, cast.people[SECOND], kind="second", by=cast.actor("coordinator"), at=AT)
    assert (refused.value.code, refused.value.source) == ("assignment.not_shared", "AG-IS")
    page = text_of(signed_in(cast, "coordinator").get(f"/follow-ups/{made}").text)
    assert "not in the terms of sharing" in page


def test_the_clinics_agenda_goes_to_such_a_seat_as_to_a_guest(cast: Cast) -> None:
    there(cast, **without("information", "number"))
    with cast.session() as session:
        schedule.plan_meetings(session, "clinical", [CLINIC], by=cast.actor("coordinator"), at=AT)
        here = session.scalars(select(_meeting.c.id)).one()
        read = {reader.person_id: reader.audience for reader in agenda_papers.readers_of(session, here)}
    assert read[cast.people["police"]] == "invited"
    assert read[cast.people[SECOND]] == "partners"


def test_the_agreements_page_says_in_which_committees_and_until_when(cast: Cast) -> None:
    there(cast, ends_on="2027-03-31")
    client = signed_in(cast, "coordinator")
    program = client.get("/program").text
    at = next(part.split('"')[0] for part in program.split('href="')[1:] if part.startswith("/program/agreements/"))
    assert "Clinical Committee" in text_of(client.get(at).text)
