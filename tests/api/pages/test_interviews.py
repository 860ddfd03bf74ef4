"""The interviews of a recruiting on their page: two sheets, the mark, and who may see and write them. GV-8."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Table, select, text

from domain.casework import cases, tasks
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Cast
from tests.departing import CASE, TASK, asked, leave, record_protocols, settle
from tests.following import agreed

ENGLISH = {"Accept-Language": "en"}
GOOD = {"applicant": "1", "leadership": "60", "clinical": "80", "note": "Calm under pressure"}


@pytest.fixture
def recruiting(cast: Cast) -> UUID:
    """Somebody is looked for at En Marge."""
    record_protocols(cast)
    with cast.session() as session:
        return cases.open_case(
            session, "recruiting", organization_id=cast.organizations["en-marge"], by=cast.actor("manager_em"), at=AT
        )


def write(cast: Cast, case_id: UUID, who: str, **changed: str) -> tuple[int, str]:
    answer = signed_in(cast, who).post(
        f"/cases/{case_id}/interviews", data={**GOOD, **changed}, headers=ENGLISH, follow_redirects=True
    )
    return answer.status_code, text_of(answer.text)


@pytest.mark.ci
def test_two_sheets_make_a_mark_of_forty_and_sixty_and_say_who_passes(cast: Cast, recruiting: UUID) -> None:
    assert (
        "No interview is recorded"
        in signed_in(cast, "manager_em").get(f"/cases/{recruiting}/interviews", headers=ENGLISH).text
    )
    status, page = write(cast, recruiting, "manager_em")
    assert (status, "one sheet is missing" in page, "Calm under pressure" in page) == (200, True, True)
    _, page = write(cast, recruiting, "coordinator", leadership="70", clinical="68")
    # 0.4 * 60 + 0.6 * 80 = 72.0 and 0.4 * 70 + 0.6 * 68 = 68.8: 70.4 between them.
    assert "passes 70.4 out of 100" in page
    write(cast, recruiting, "manager_em", applicant="2", leadership="69", clinical="69")
    _, page = write(cast, recruiting, "coordinator", applicant="2", leadership="70", clinical="70")
    assert "does not pass 69.5 out of 100" in page


def test_ones_own_sheet_written_again_replaces_it_and_nobody_elses(cast: Cast, recruiting: UUID) -> None:
    write(cast, recruiting, "manager_em")
    write(cast, recruiting, "manager_em", clinical="90", note="Heard again")
    with cast.session() as session:
        rows = session.execute(text("select clinical, note, version from interview")).all()
    assert rows == [(90, "Heard again", 2)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("applicant", "0"),
        ("applicant", "100"),
        ("leadership", "101"),
        ("clinical", "-1"),
        ("clinical", "x"),
        ("note", " "),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_typed_still_there(
    cast: Cast, recruiting: UUID, field: str, value: str
) -> None:
    answer = signed_in(cast, "manager_em").post(
        f"/cases/{recruiting}/interviews", data={**GOOD, field: value}, headers=ENGLISH
    )
    assert answer.status_code in (409, 422)
    assert "This was not done" in answer.text
    if field != "note":
        assert "Calm under pressure" in answer.text
    with cast.session() as session:
        assert session.scalar(text("select count(*) from interview")) == 0


@pytest.mark.parametrize("who", ["manager_codim", "worker_ccsmtl", "police"])
def test_the_sheets_are_nothing_to_strangers(cast: Cast, recruiting: UUID, who: str) -> None:
    assert signed_in(cast, who).get(f"/cases/{recruiting}/interviews").status_code == 404
    assert write(cast, recruiting, who)[0] == 404


@pytest.mark.parametrize("place", ["codim", "ccsmtl"])
@pytest.mark.ci
def test_once_the_only_coordinator_has_gone_a_recruiting_goes_on_with_the_director_of_their_organization(
    cast: Cast, place: str
) -> None:
    """Also at that organization itself, whose one manager cannot approve what they asked; a director interviews too."""
    record_protocols(cast)
    who = f"manager_{place}"
    with cast.session() as session:
        agreed(session, cast)
        case_id = cases.open_case(
            session, "recruiting", organization_id=cast.organizations[place], by=cast.actor(who), at=AT
        )
    leave(cast, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=cast.actor("manager_ccsmtl"))
    assert [write(cast, case_id, one)[0] for one in (who, f"director_{place}")] == [200, 200]
    for step in ("agree_on_criteria", "post_position", "hold_interviews", "choose_person"):
        (done,) = asked(cast, case_id, step)
        with cast.session() as session:
            tasks.complete_task(session, done.id, by=cast.actor(who), at=AT, note="Done")

    def posts(by: str, path: str, table: Table, thing_id: UUID, **fields: str) -> int:
        with cast.session() as session:
            seen = session.execute(select(table.c.version).where(table.c.id == thing_id)).scalar_one()
        asking = signed_in(cast, by).post(path, data={"seen": seen, **fields}, follow_redirects=False)
        return asking.status_code

    (task,) = asked(cast, case_id, "choose_person")
    approval = f"/tasks/{task.id}/approval"
    assert posts(who, approval, TASK, task.id) != 303, "nobody approves their own"
    assert posts("director_ccsmtl", approval, TASK, task.id) == 303
    assert [row.state for row in asked(cast, case_id, "choose_person")] == ["done"]
    assert posts("director_ccsmtl", f"/cases/{case_id}/cancellation", CASE, case_id, reason="No budget") == 303


@pytest.mark.ci
def test_the_page_is_reached_from_the_case_and_a_departure_from_its_own(cast: Cast, recruiting: UUID) -> None:
    manager = signed_in(cast, "manager_em")
    assert f"/cases/{recruiting}/interviews" in manager.get(f"/cases/{recruiting}").text
    case_id = leave(cast, "worker_codim", "codim")
    led = signed_in(cast, "coordinator").get(f"/cases/{case_id}")
    assert led.headers["location"] == f"/departures/{case_id}"
    assert signed_in(cast, "coordinator").get(f"/cases/{case_id}/interviews").status_code == 409


@pytest.mark.ci
def test_naming_nobody_but_looking_for_somebody_leads_to_a_recruiting_with_this_page(cast: Cast) -> None:
    record_protocols(cast)
    case_id = leave(cast, "worker_codim", "codim")
    settle(cast, asked(cast, case_id, "find_successor")[0].id, ended="recruiting")
    with cast.session() as session:
        found = session.execute(text("select id from \"case\" where protocol = 'recruiting'")).scalar_one()
    assert signed_in(cast, "manager_codim").get(f"/cases/{found}/interviews").status_code == 200
