"""No document leaves that names a participant: each of its texts is searched, and a refusal says where, never whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from locales import LANGUAGES, say
from meetings.documents import issuing
from meetings.documents.content import Both, Content, as_json, from_json
from meetings.documents.issuing import issue, refuse_names
from tests.cast import Cast
from tests.meetings.documents.samples import ADDENDUM, AGENDA, ALL, MINUTES, REGISTER

NAME = "Éloïse Desruisseaux"

#: Texts in which nothing can be typed: a code, a number, a zone, a day, an hour.
_CODES = (
    *("kind", "number", "purpose", "outcome", "state", "time_zone", "starts", "audience"),
    *("on", "due_on", "decided_on", "closed_on", "approved_on", "arrived", "left"),
)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session of a program in which somebody is known whose name may not leave."""
    with cast.session() as made:
        know(made, NAME)
        yield made


def know(session: Session, *names: str) -> None:
    """Have these people be known in a session as those who may only be called by a number."""

    def known(_: Session) -> Iterable[str]:
        return names

    session.info["letter_templates"] = replace(session.info["letter_templates"], known=known)


def leaves(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every text in what a document is kept as."""
    if isinstance(part, str):
        yield path
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from leaves(value, (*path, key))


def planted(content: Content, path: tuple[Any, ...], text: str) -> Content | None:
    """The same document with a text in place of another; None where nothing but a code can stand there."""
    kept = as_json(content)
    place: Any = kept
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    try:
        return from_json(kept)
    except ValidationError:
        return None


def refused(session: Session, content: Content) -> Refusal:
    with pytest.raises(Refusal) as caught:
        refuse_names(session, content)
    assert caught.value.code == "document.names"
    for language in LANGUAGES:
        said = say(language, caught.value.sentence, **caught.value.facts)
        assert "Desruisseaux" not in f"{said} {caught.value} {caught.value.facts}"
    return caught.value


@pytest.mark.ci
@pytest.mark.wide(2)
@pytest.mark.parametrize("content", ALL.values(), ids=ALL.keys())
def test_a_name_in_any_field_of_a_document_is_found_and_the_refusal_says_in_which(
    session: Session, content: Content
) -> None:
    refuse_names(session, content)
    found = set()
    for path in leaves(as_json(content)):
        tainted = planted(content, path, f"Selon {NAME}.")
        if tainted is None:
            assert [key for key in path if isinstance(key, str)][-1] in _CODES, path
            continue
        said = refused(session, tainted)
        named = [key for key in path if isinstance(key, str) and key not in ("fr", "en")]
        assert said.facts["field"] == named[-1], path
        if path[-1] in LANGUAGES:
            assert said.facts["language"] == path[-1]
        if said.facts["field"] in issuing._SAID and said.facts["field"] not in ("place", "online"):
            assert said.facts["number"] == number_at(content, path), path
        found.add(named[-1])
    assert found


def number_at(content: Content, path: tuple[Any, ...]) -> str:
    """The number of the innermost item or decision that a path goes through."""
    number, place = "", as_json(content)
    for key in path[:-1]:
        place = place[key]
        if isinstance(place, dict):
            number = place.get("line", place).get("number", number)
    return number


def test_the_refusal_names_the_item_and_the_field_in_both_languages(session: Session) -> None:
    tainted = replace(MINUTES, items=(replace(MINUTES.items[2], said=replace(MINUTES.items[2].said, fr=NAME)),))
    said = refused(session, tainted)
    assert (said.facts["number"], said.facts["field"], said.facts["language"]) == ("3", "said", "fr")
    assert say("en", said.sentence, **said.facts).startswith("The notes on item 3 name someone")
    assert "point 3" in say("fr", said.sentence, **said.facts)


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_what_names_nobody_is_issued_under_its_name(session: Session, form: Any) -> None:
    made = issue(session, MINUTES, "fr", form, committee="clinical")
    assert made.name == f"2026-12-02-comite-clinique-proces-verbal.{form}"
    assert made.content.startswith(b"%PDF" if form == "pdf" else b"PK")


def test_what_is_made_is_searched_whole(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "refuse_names", lambda *_: None)  # as if a text were drawn from elsewhere
    tainted = replace(MINUTES, head=replace(MINUTES.head, place=NAME))
    for form in issuing.MEDIA_TYPES:
        with pytest.raises(Refusal, match=r"document\.names"):
            issue(session, tainted, "fr", form, committee="clinical")


def test_a_name_that_someone_of_the_staff_bears_too_stops_nothing(session: Session, cast: Cast) -> None:
    know(session, cast.members["police"].name)
    tainted = replace(MINUTES, head=replace(MINUTES.head, place=cast.members["police"].name))
    refuse_names(session, tainted)


def test_where_nobody_is_known_nothing_is_read(session: Session) -> None:
    know(session)
    refuse_names(session, replace(MINUTES, head=replace(MINUTES.head, place=NAME)))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (AGENDA, "2026-12-02-comite-clinique-ordre-du-jour.pdf"),
        (ADDENDUM, "2026-12-02-comite-clinique-addenda-1.pdf"),
        (REGISTER, "2026-12-02-comite-clinique-registre-des-decisions.pdf"),
    ],
)
def test_a_file_is_called_by_what_it_is_and_its_day(session: Session, content: Any, name: str) -> None:
    assert issue(session, content, "fr", committee="clinical").name == name


def test_a_file_has_the_title_of_its_committee_in_its_language_spelled_plainly_and_not_too_long(
    session: Session,
) -> None:
    title = Both("Comité consultatif élargi sur l’exploitation sexuelle des mineurs", "Extended Committee")
    content = replace(AGENDA, head=replace(AGENDA.head, committee=title))
    for language, name in (
        ("fr", "comite-consultatif-elargi-sur-l-exploitation-ordre-du-jour"),
        ("en", "extended-committee-agenda"),
    ):
        assert issue(session, content, language, committee="advisory").name == f"2026-12-02-{name}.pdf"
