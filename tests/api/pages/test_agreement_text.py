"""A draft rewritten on its page and over JSON: what it may say, what it may not, and that only drafts are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.agreements.succession import renew
from domain.agreements.version_text import Content, RoleText, content_of_version
from models.base import table_of
from models.program import Tenure
from tests.agreeing import agreement_of, in_force, last_version, signed_on
from tests.api.pages.looking import fields_of, signed_in, text_of
from tests.cast import AT, TODAY, Cast

_tenure = table_of(Tenure)


@pytest.fixture
def here(cast: Cast) -> str:
    """The page on which the next version of En Marge's agreement is rewritten: the first one is in force."""
    with cast.session() as session:
        in_force(session, cast)
        agreement_id = agreement_of(session, cast)
        renew(session, agreement_id, by=cast.actor("coordinator"), at=AT)
    return f"/program/agreements/{agreement_id}/versions/2/text"


def content(cast: Cast) -> Content:
    with cast.session() as session:
        return content_of_version(session, last_version(session, cast))


@pytest.mark.ci
def test_a_form_that_nobody_touched_changes_nothing(cast: Cast, here: str) -> None:
    client, before = signed_in(cast, "coordinator"), content(cast)
    page = client.get(here).text
    assert here in client.get(here.removesuffix("/versions/2/text")).text  # it is one link away
    assert client.post(here, data=fields_of(page, here)).status_code == 303
    assert content(cast).digest == before.digest


@pytest.mark.ci
def test_everything_of_a_draft_can_be_said_otherwise(cast: Cast, here: str) -> None:
    client = signed_in(cast, "coordinator")
    fields = fields_of(client.get(here).text, here)
    fields["notice"] = ["60"]
    place = fields["role"].index("youth_worker")
    fields["people"][place], fields["hours"][place] = "2", "17,5"
    fields["keeps"].remove("AG-P3")
    fields["owed_fr"][fields["owed"].index("AG-P4")] = "Faire connaître le programme deux fois l’an."
    fields["clause_title_fr"][-1], fields["clause_title_en"][-1] = "Langue", "Language"
    fields["clause_fr"][-1], fields["clause_en"][-1] = "Les deux textes valent.", "Both texts count."
    for name in ("clause_title_fr", "clause_title_en", "clause_fr", "clause_en"):
        fields[name][0] = ""
    fields["resource_fr"][0] = fields["resource_en"][0] = ""
    fields["information"].remove("contact")
    fields["last"] = ["2027-06-30"]
    assert client.post(here, data=fields).status_code == 303
    said = content(cast)
    assert said.notice_days == 60
    assert said.roles["youth_worker"] == RoleText("youth_worker", 2, 17.5)
    assert "AG-P3" not in said.obligations
    assert said.obligations["AG-P4"].text_fr == "Faire connaître le programme deux fois l’an."
    assert said.obligations["AG-P4"].check_kind == "document"
    assert [one.key for one in said.terms.clauses][-1] == "own-1"
    assert "duration" not in {one.key for one in said.terms.clauses}
    assert len(said.terms.resources) == 1
    sharing = said.terms.information_sharing
    assert sharing is not None
    assert "contact" not in {one.key for one in sharing.information}
    assert (sharing.starts_on, sharing.ends_on) == (None, "2027-06-30")
    shown = text_of(client.get(here.removesuffix("/versions/2/text")).text)
    assert "No longer owed, AG-P3" in shown
    assert "No longer in the terms of sharing: Name and contact details" in shown
    assert "Last day: June 30, 2027" in shown
    # What was left out is offered again, and comes back as it was.
    fields["keeps"].append("AG-P3")
    fields["information"].append("contact")
    fields["seen"] = fields_of(client.get(here).text, here)["seen"]
    assert client.post(here, data=fields).status_code == 303
    assert "AG-P3" in content(cast).obligations


@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("notice", ["soon"], "Write a whole number."),
        ("hours", ["90"], "at most 60"),
        ("people", ["0"], "An agreement creates one role at least."),
        ("owed_en", [""], "Write it in French and in English"),
        ("bodies", [], "one of each at least"),
        ("last", ["2026-02-30"], "Write the day"),
    ],
)
def test_what_cannot_stand_in_an_agreement_is_refused_and_what_was_typed_stays(
    cast: Cast, here: str, name: str, values: list[str], said: str
) -> None:
    client, before = signed_in(cast, "coordinator"), content(cast).digest
    fields = fields_of(client.get(here).text, here)
    fields["clause_fr"][0] = "Ce qui est tapé reste."
    fields[name] = values * len(fields[name]) if name in ("hours", "people", "owed_en") else values
    answer = client.post(here, data=fields)
    assert answer.status_code in (409, 422)
    assert said in text_of(answer.text)
    assert "Ce qui est tapé reste." in answer.text
    assert content(cast).digest == before


def test_what_a_role_owes_goes_with_the_role(cast: Cast, here: str) -> None:
    client = signed_in(cast, "coordinator")
    fields = fields_of(client.get(here).text, here)
    fields["people"][fields["role"].index("youth_worker")] = ""
    answer = client.post(here, data=fields)
    assert answer.status_code == 409
    assert "is owed by a role that this version does not create" in text_of(answer.text)


@pytest.mark.ci
def test_what_a_role_states_for_its_partner_goes_with_the_role(cast: Cast, here: str) -> None:
    """The manager’s own duties are left out with the role; of what the organization owes, only they state some."""
    client, before = signed_in(cast, "coordinator"), content(cast)
    fields = fields_of(client.get(here).text, here)
    fields["people"][fields["role"].index("manager")] = ""
    fields["people"][fields["role"].index("administrative_officer")] = "1"
    fields["keeps"] = [key for key in fields["keeps"] if before.obligations[key].owed_by != "manager"]
    answer = client.post(here, data=fields)
    assert answer.status_code == 409
    said = text_of(answer.text)
    assert "“AG-P2” is attested in writing by a role that this version does not create: “Manager”." in said
    stated_by = {key: duty.rule.get("by") for key, duty in before.obligations.items()}
    fields["keeps"] = [key for key in fields["keeps"] if stated_by[key] != "manager"]
    assert client.post(here, data=fields).status_code == 303
    # The coordinator is no role of theirs, and states what is the coordinator's of every partner.
    assert "coordinator" in {stated_by[key] for key in content(cast).obligations}


@pytest.mark.ci
def test_only_a_draft_is_rewritten_and_only_by_the_coordinator(cast: Cast, here: str) -> None:
    fields = fields_of(signed_in(cast, "coordinator").get(here).text, here)
    for who in ("director_em", "manager_em"):
        assert signed_in(cast, who).get(here).status_code == 404
        assert signed_in(cast, who).post(here, data=fields).status_code == 404
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast), day=TODAY)
    client = signed_in(cast, "coordinator")
    assert client.get(here, follow_redirects=False).status_code == 303
    seen = {"seen": [str(int(fields["seen"][0]) + 2)]}
    refused = client.post(here, data=fields | seen)
    assert refused.status_code == 409
    assert "draft a new version" in text_of(refused.text)


@pytest.mark.ci
def test_a_role_that_the_next_version_renames_is_handed_on_from_its_page(cast: Cast, here: str) -> None:
    client, at = signed_in(cast, "coordinator"), here.removesuffix("/text")
    fields = fields_of(client.get(here).text, here)
    roles = fields["role"]
    fields["people"][roles.index("second_representative")] = ""
    fields["people"][roles.index("petty_cash_holder")] = "1"
    assert client.post(here, data=fields).status_code == 303
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast), day=TODAY, filed=True)
    page = client.get(here.removesuffix("/versions/2/text")).text
    form = fields_of(page, f"{at}/start")
    assert form["was"] == ["second_representative"]
    refused = client.post(f"{at}/start", data=form | {"first": [TODAY.isoformat()], "becomes": [""]})
    assert refused.status_code == 409
    assert "Say what each becomes" in text_of(refused.text)
    answer = client.post(f"{at}/start", data=form | {"first": [TODAY.isoformat()], "becomes": ["petty_cash_holder"]})
    assert answer.status_code == 303
    with cast.session() as session:
        held = session.execute(
            select(_tenure.c.person_id, _tenure.c.role).where(
                _tenure.c.organization_id == cast.organizations["en-marge"], _tenure.c.starts_on == TODAY
            )
        ).all()
    assert [row.role for row in held] == ["petty_cash_holder"]
