"""No subject of a letter, and no title in a calendar, calls anybody or anything by reference or number.

Every template of every folder is walked in both languages, with facts that call people and things in every way that
the program's own titles do; then the letters that a whole year of the demonstration wrote.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.database import program_session
from demo.loading import Demonstration
from domain.accompaniment import barring
from domain.kernel.languages import Language
from domain.mail.letters import COMMON, Letters, called_in, without_numbers
from flows.protocols import letter_folders
from tests.api.application import client_for
from tests.cast import AT, KEYS, Cast, letter_templates
from tests.conftest import Copies
from tests.following import WORKER, agreed, followed, row_of

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NUMBER, REFERENCE, DECISION, SERIAL = "#2026-01", "C-5388X8", "CS-2026-014", "SN-4402917"
#: As titles of the program say it.
CALLED: Final = f"Suivi de {NUMBER} ({REFERENCE}), décision {DECISION}, portable {SERIAL}"
#: What may stand in no subject: looked for here in words of this test, and not by the program's own rule.
CALLS: Final = re.compile(r"#\s?\d|\bC-[0-9A-Z]{6}\b|[A-Z]{2,}-\d{4}-\d|\d{5,}|\d{3}[ .-]\d{4}")

DAY: Final = date(2026, 12, 7)
_PATH: Final = "/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69"
_ITEM: Final = {
    "title": CALLED, "case": CALLED, "due_on": DAY, "path": _PATH, "for_name": "Luc Fictif", "words": CALLED,
    "text": CALLED,
}  # fmt: skip
_MEMBER: Final = {
    "vacant": False,
    "alternate": True,
    "name": "Luc Fictif",
    "role": "Gestionnaire",
    "organization": "En Marge 12-17",
    "email": "luc@partner.example",
    "phone": "514 555-0199",
}
#: Facts that are no text: by their names.
_FACTS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        ("due_on", "since", "on", "until", "day", "ends_on", "starts_on", "anchor_on", "signed_on", "given_on"), DAY
    ),
    **dict.fromkeys(("tasks", "attempts", "days", "notice_days", "files"), 2),
    **{
        key: [_ITEM]
        for key in ("to_do", "late", "to_approve", "acting_for", "team", "patterns", "lines", "changes", "owed")
    },
    "asked": [{"part": "Motif", "value": CALLED}],
    "unreached": [{"name": "Luc Fictif", "subject": "Rencontre déplacée", "path": _PATH}],
    "missed": [{"recipient": "Luc Fictif", "subject": "Rencontre déplacée", "path": _PATH}],
    "recipients": "Luc Fictif",
    "papers": [_ITEM],
    "parts": [{"heading": CALLED, "lines": [_ITEM], "answer_path": _PATH}],
    "committees": [{"title": "Comité clinique", "members": [_MEMBER], "and_those_of": ["Comité aviseur"]}],
    "number": 41290,
    "base_url": "https://spheres.example",
    "name": "Nadia",
    "program": "SPHÈRES – Grand Montréal",
}


def _letters() -> Letters:
    return Letters([COMMON, *letter_folders()])


def _templates() -> list[str]:
    return _letters().names()


class _Facts(dict[str, Any]):
    """Every fact that a template asks for: one of those above, or a text that calls people and things."""

    def __init__(self, names: set[str]) -> None:
        super().__init__({name: self._fact(name) for name in names})

    @staticmethod
    def _fact(name: str) -> Any:
        if name in _FACTS:
            return _FACTS[name]
        if name.endswith("path"):
            return _PATH
        return CALLED


def _render(template: str, language: Language, **facts: Any) -> Any:
    letters = _letters()
    return letters.render(template, language=language, facts={**_Facts(letters.facts_of(template, language)), **facts})


def test_there_are_letters_of_every_folder_to_walk() -> None:
    assert {"task_to_approve", "worker_named", "contact_lists", "meeting_invitation", "reading_pattern"} <= set(
        _templates()
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", _templates())
def test_no_template_calls_anybody_or_anything_in_its_subject(template: str, language: Language) -> None:
    letter = _render(template, language)
    assert not CALLS.search(letter.subject), letter.subject
    assert letter.subject.strip(" …:,()")
    assert not CALLS.search(re.search(r"<title>(.*?)</title>", letter.html, re.DOTALL).group(1))  # type: ignore[union-attr]
    for called in letter.calls:
        assert called in letter.text, "what tells letters apart stands in the body"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", _templates())
def test_each_link_and_the_words_at_the_end_are_a_paragraph_of_their_own(template: str, language: Language) -> None:
    for paragraph in re.findall(r"<p>(.*?)</p>", _render(template, language).html):
        assert "<a " not in paragraph or re.fullmatch(r"<a [^>]*>[^<]*</a>", paragraph), paragraph
        assert not paragraph.endswith((" Bonne journée,", " Have a good day,")), paragraph


def test_what_a_subject_leaves_out_is_whom_the_letter_is_about() -> None:
    letter = _render("passed_on", "fr", title=f"Suivi de {NUMBER}", case="Départ")
    assert (letter.subject, letter.calls) == ("Vous est confié\xa0: Suivi de …", (NUMBER,))
    assert NUMBER in letter.text


@given(st.text(max_size=40), st.sampled_from([NUMBER, REFERENCE, DECISION, SERIAL, "#2031-114"]), st.text(max_size=40))
def test_whatever_stands_around_it_a_number_is_left_out(before: str, called: str, after: str) -> None:
    said = without_numbers(f"{before} {called} {after}")
    assert called not in said
    assert not called_in(said)


@pytest.mark.parametrize(
    "kept",
    [
        "lundi 7 décembre 2026 à 13 h 30",
        "Wednesday, November 11, 2026 at 9:30 a.m.",
        "En Marge 12-17",
        "3e trimestre 2026",
        "Il reste 60 jours",
    ],
)
def test_days_hours_counts_and_the_names_of_partners_stay_in_a_subject(kept: str) -> None:
    assert without_numbers(kept) == kept


def _calendar_titles(message: bytes) -> list[str]:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    calendars = [part for part in parsed.walk() if part.get_content_type() in ("text/calendar", "application/ics")]
    told = [part.get_payload(decode=True) for part in calendars]
    unfolded = [re.sub(r"\r?\n[ \t]", "", one.decode()) for one in told if isinstance(one, bytes)]
    return [title for one in unfolded for title in re.findall(r"(?m)^SUMMARY[^:]*:(.*)$", one)]


@pytest.mark.nightly
def test_no_letter_of_a_whole_year_and_no_calendar_calls_anybody_in_its_title(copies: Copies, template: str) -> None:
    with copies.of(template) as database:
        at = datetime(2027, 1, 4, 14, 0, tzinfo=UTC)
        program_id = Demonstration(database.engine, letter_templates(), at=at, keys=KEYS).load()
        with program_session(database.engine, program_id) as session:
            rows = session.execute(text("select template, subject, message, calls from notice")).all()
    assert len({row.template for row in rows}) >= 10
    assert any(row.calls for row in rows), "letters about participants are among them"
    titles = [title for row in rows for title in _calendar_titles(bytes(row.message))]
    assert titles
    for said in (*(row.subject for row in rows), *titles):
        assert not CALLS.search(said), said


@pytest.mark.ci
def test_a_letter_stays_hidden_from_whom_its_participant_barred_though_its_subject_says_no_number(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        participant_id = row_of(session, followed(session, cast))["participant_id"]
    with cast.session() as session:
        session.execute(
            text(
                "insert into notice (program_id, id, key, person_id, to_address, language, template, thread, subject, "
                "calls, message, state, created_at, attempts, next_attempt_at, code) values (:here, gen_random_uuid(), "
                "'x', :who, 'a@b.example', 'fr', 'passed_on', '', 'Remis : Suivi de …', '{#2026-01}', 'x', 'queued', "
                ":at, 0, :at, '')"
            ),
            {"here": cast.program_id, "who": cast.people["officer"], "at": AT},
        )
    coordinator = client_for(cast.database, cast.people["coordinator"])
    assert "Remis : Suivi de …" in coordinator.get("/post").text
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people["coordinator"], by=cast.actor(WORKER), at=AT)
    assert "Remis : Suivi de …" not in coordinator.get("/post").text
