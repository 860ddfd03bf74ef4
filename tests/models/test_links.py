"""The links of a chain, as they are stored and as they are read."""

from uuid import UUID

import pytest

from models.casework import Link, read_links, written_links

PLACE = "11111111-1111-4111-8111-111111111111"
PERSON = "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize(
    ("link", "stored"),
    [
        (Link("coordinator"), {"role": "coordinator", "at": "*"}),
        (Link("manager", PLACE), {"role": "manager", "at": PLACE}),
        (Link("manager", "having:director"), {"role": "manager", "at": "having:director"}),
        (
            Link("youth_worker", PLACE, UUID(PERSON), alone=True),
            {"role": "youth_worker", "at": PLACE, "person": PERSON, "alone": True},
        ),
        (
            Link("youth_worker", PLACE, UUID(PERSON), passes=(UUID(PLACE), UUID(PERSON))),
            {"role": "youth_worker", "at": PLACE, "person": PERSON, "passes": [PLACE, PERSON]},
        ),
        (Link("manager", approves=True), {"role": "manager", "at": "*", "approves": True}),
    ],
)
def test_a_link_is_stored_as_what_it_says_and_nothing_more(link: Link, stored: dict[str, object]) -> None:
    """A chain is found by a digest of what is stored: another form would make it another chain."""
    assert written_links([link]) == [stored]
    assert read_links([stored]) == [link]
