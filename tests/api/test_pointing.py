"""Words that have the shape of a name are pointed at before they are saved, alike for all, with all that was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event, select

from api.web import pointing
from api.web.pointing import FIELD, NO_WORDS, point
from domain.names.our_names import Ours
from meetings import schedule
from models.agenda import AgendaItem
from models.base import table_of
from models.meeting import Meeting
from tests.api.application import nobody
from tests.api.pages.looking import signed_in
from tests.api.test_names_tell_nothing import KNOWN, MEETING, UNKNOWN
from tests.cast import AT, Arranged, Cast
from tests.meetings.sitting import seat_everyone
from tests.referring import refer

_meeting = table_of(Meeting)
_item = table_of(AgendaItem)


@pytest.fixture
def planned(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """A meeting to come of the Steering Committee, with one of the two names on file."""
    return arranged(cast, _planned)


def _planned(cast: Cast) -> UUID:
    with cast.session() as session:
        seat_everyone(session, cast)
        schedule.plan_meetings(session, "steering", [MEETING], by=cast.actor("coordinator"), at=AT)
        found: UUID = session.scalars(select(_meeting.c.id)).one()
    refer(cast)
    return found


def titles(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(select(_item.c.title_fr).where(_item.c.title_fr.like("Des nouvelles%"))))


def test_a_title_that_names_somebody_is_not_saved_and_all_that_was_typed_is_there_again(
    cast: Cast, planned: UUID
) -> None:
    client, path = signed_in(cast, "manager_em"), f"/meetings/{planned}/agenda/items"
    typed = {"title_fr": "Des nouvelles de Jessica Tremblay", "minutes": "15", "purpose": "information"}
    asked = client.post(path, data=typed)
    assert asked.status_code == 422
    assert titles(cast) == []
    page = asked.text
    assert f'action="{path}"' in page
    assert 'name="minutes" value="15"' in page
    assert 'name="purpose" value="information"' in page
    assert ">\nDes nouvelles de Jessica Tremblay</textarea>" in page
    assert "<mark>Jessica Tremblay</mark>" in page
    assert "hreflang" not in page, "a link to the other language would leave the words behind"
    again = client.post(path, data={**typed, FIELD: "yes"})
    assert again.status_code == 303
    assert titles(cast) == ["Des nouvelles de Jessica Tremblay"]


def test_the_same_words_are_pointed_at_for_who_is_on_file_and_for_who_is_not(cast: Cast, planned: UUID) -> None:
    client, path = signed_in(cast, "manager_em"), f"/meetings/{planned}/agenda/items"
    said = [client.post(path, data={"title_fr": f"Des nouvelles de {' '.join(name)}"}) for name in (UNKNOWN, KNOWN)]
    assert [one.status_code for one in said] == [422, 422]
    bare = [
        re.sub("|".join(map(re.escape, name)), "*", one.text) for one, name in zip(said, (UNKNOWN, KNOWN), strict=True)
    ]
    assert bare[0] == bare[1]


def test_pointing_does_the_same_work_for_who_is_on_file_and_for_who_is_not(cast: Cast, planned: UUID) -> None:
    """No clock: the statements of the database and their order, which a busy machine does not change."""
    client, path = signed_in(cast, "manager_em"), f"/meetings/{planned}/agenda/items"
    engine = client.app.state.installation.engine  # type: ignore[attr-defined]
    asked: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        work = []
        for name in (UNKNOWN, KNOWN, UNKNOWN):
            asked.clear()
            client.post(path, data={"title_fr": f"Des nouvelles de {' '.join(name)}"})
            work.append(list(asked))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert work[0] == work[1] == work[2]
    assert not any("participant" in statement for statement in work[1]), "who is on file is not asked"


@pytest.mark.usefixtures("planned")
def test_the_api_says_where_and_never_what_and_takes_it_once_it_was_looked_at(cast: Cast) -> None:
    client, path = signed_in(cast, "manager_em"), "/api/v1/committees/steering/agenda-items"
    body = {"title_fr": "Des nouvelles de Jessica Tremblay"}
    asked = client.post(path, json=body)
    assert asked.status_code == 422
    assert asked.json()["code"] == "words.shape"
    assert "Words-Seen: yes" in asked.json()["detail"]
    assert [one["where"] for one in asked.json()["errors"]] == ["body.title_fr"]
    assert "Jessica" not in asked.text
    by_her_name = client.post(path, json={"title_fr": {"Jessica": "Tremblay", "514 555-0199": ["Tremblay"]}})
    assert {one["where"] for one in by_her_name.json()["errors"]} == {"body.title_fr"}, "a key may be a name too"
    assert titles(cast) == []
    assert client.post(path, json=body, headers={"Words-Seen": "yes"}).status_code == 201
    assert titles(cast) == [body["title_fr"]]


@pytest.mark.usefixtures("planned")
def test_while_one_types_the_same_is_said_and_nothing_is_kept(cast: Cast) -> None:
    client = signed_in(cast, "manager_em")
    said = [
        client.post("/words", data={"field": "title_fr", "text": f"Des nouvelles de {' '.join(name)}"}).json()["said"]
        for name in (UNKNOWN, KNOWN)
    ]
    assert said[0].replace(" ".join(UNKNOWN), "*") == said[1].replace(" ".join(KNOWN), "*")
    assert " ".join(KNOWN) in said[1]
    assert client.post("/words", data={"field": "title_fr", "text": "Le budget est adopté."}).json() == {"said": ""}
    assert client.post("/words", data={"field": "given_name", "text": "Jessica"}).json() == {"said": ""}
    assert titles(cast) == []


def test_the_name_of_a_file_is_pointed_at_and_the_file_is_asked_for_again() -> None:
    (found,) = point([("document", "suivi_Jessica_Tremblay.pdf"), ("reason", "Trimestre")], Ours(), year=2026)
    assert (found.field, [one.words for one in found.passages]) == ("document", ["Jessica_Tremblay"])


@pytest.mark.ci
@given(st.lists(st.uuids(), min_size=1, max_size=3), st.sampled_from(["/", " ", ",", ":"]))
@example([UUID("4f7a2b1c-891b-4ab7-ad0a-ad292096fa33"), UUID("28ac0087-260c-4629-8ada-441eda76f784")], "/")
def test_ids_that_a_page_put_there_are_no_words(ids: list[UUID], between: str) -> None:
    """By chance their letters are a name: “ada”."""
    written = between.join(map(str, ids))
    assert point([("worker", written)], Ours(), year=2026) == []
    (found,) = point([("reason", f"{written} Jessica Tremblay")], Ours(), year=2026)
    assert [one.words for one in found.passages] == ["Jessica Tremblay"]


@pytest.mark.parametrize("path", ["/auth/callback", "/sign-in", "/sign-in/passkey", "/door/abcd/passkey"])
def test_what_a_browser_sends_to_sign_in_is_no_words_for_who_is_signed_in_already(cast: Cast, path: str) -> None:
    answer = signed_in(cast, "coordinator").post(path, data={"state": "Jessica Tremblay", "code": "Ada Lovelace"})
    assert "words_seen" not in answer.text


def test_parts_of_a_list_keep_their_order_where_one_is_pointed_at(cast: Cast) -> None:
    fields = [("clause_fr", "un"), ("clause_fr", "Voir Jessica Tremblay"), ("clause_fr", "trois")]
    client = signed_in(cast, "coordinator")
    page = client.post("/decisions/none/settlement", data={"clause_fr": [value for _, value in fields]}).text
    shown = re.findall(r'name="clause_fr"(?: value="([^"]*)"|[^>]*>\n([^<]*)<)', page)
    assert [unescape(one or other) for one, other in shown] == [value for _, value in fields]


def test_staff_are_not_pointed_at_and_who_is_not_signed_in_is_sent_to_the_sign_in(cast: Cast, planned: UUID) -> None:
    path = f"/meetings/{planned}/agenda/items"
    asked = signed_in(cast, "manager_em").post(path, data={"title_fr": "Des nouvelles de Jade Lapis"})
    assert asked.status_code == 303
    stranger = nobody(cast.database)
    assert stranger.post(path, data={"title_fr": "Jessica Tremblay"}).status_code == 303


def _fields(dependant: Any) -> Iterator[str]:
    for field in dependant.body_params:
        yield field.alias or field.name
    for one in dependant.dependencies:
        yield from _fields(one)


def test_each_field_of_each_form_is_looked_at_or_is_listed_as_no_words() -> None:
    """A new form is looked at without anybody thinking of it; what is listed is a field of some form, or of the API."""
    from api.pages import routes  # noqa: PLC0415
    from api.web.given import ActInput  # noqa: PLC0415

    forms = {
        name
        for router in routes.routers(demonstration=True)
        for route in router.routes
        if hasattr(route, "dependant")
        for name in _fields(route.dependant)
    }
    bodies: set[str] = set()
    models = [ActInput]
    while models:
        model = models.pop()
        bodies |= set(model.model_fields)
        models += model.__subclasses__()
    assert {"title_fr", "note_fr", "said_fr", "text_fr", "reason", "words", "circumstances"} <= forms
    assert not {"title_fr", "note_fr", "said_fr", "text_fr", "reason", "words", "circumstances", "note"} & NO_WORDS
    ours = {FIELD, "cookie", "token", "digest"}
    assert NO_WORDS - forms - bodies - ours == set()
    assert all(pointing._takes_words(name) for name in forms - NO_WORDS)


def test_a_body_that_cannot_be_read_is_answered_as_before(cast: Cast) -> None:
    client = signed_in(cast, "manager_em")
    for content, kind in ((b"{", "application/json"), (b"[" * 5000, "application/json"), (b"\xff", "application/json")):
        asked = client.post("/api/v1/referrals", content=content, headers={"content-type": kind})
        assert asked.status_code in (400, 422)
        assert asked.json().get("code") != "words.shape"
    broken = client.post("/activities", content=b"--x", headers={"content-type": "multipart/form-data; boundary=y"})
    assert broken.status_code in (400, 422)
