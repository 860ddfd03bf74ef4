"""A document as it leaves: each of its texts is searched for names, then it is made, and searched whole.

Once it has left, its readers get it again as it was, and it is not searched again (`issue_again`).

The one way to a file: nothing else imports what prints (an import contract holds it).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from types import ModuleType
from typing import Final, Literal

from sqlmodel import Session

from domain.kernel import Refusal
from domain.mail import NAMES_SOMEONE, Attachment, NameGate, unanswered
from locales import N_
from meetings.documents.content import (
    AgendaContent,
    AgendaLine,
    Both,
    DecisionLine,
    MinutesContent,
    MinutesItem,
    RegisterLine,
)
from meetings.documents.measures import MeasuresContent
from meetings.documents.paper import Paper
from meetings.documents.person_paper import PersonPaper
from meetings.documents.statement import ClauseYear, DecisionAsked, DecisionOwed, PartnerStatement, Printed

Form = Literal["pdf", "docx"]
DocumentKind = Literal["agenda", "addendum", "minutes", "register", "statement", "measures"]

MEDIA_TYPES: Final[Mapping[Form, str]] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


_CALLED: Final[Mapping[str, Mapping[DocumentKind, str]]] = {
    "fr": {
        "agenda": "ordre-du-jour",
        "addendum": "addenda",
        "minutes": "proces-verbal",
        "register": "registre-des-decisions",
        "statement": "bilan-annuel",
        "measures": "mesures-d-implantation",
    },
    "en": {
        "agenda": "agenda",
        "addendum": "addendum",
        "minutes": "minutes",
        "register": "register-of-decisions",
        "statement": "yearly-statement",
        "measures": "implementation-measures",
    },
}
_GIVEN: Final[Mapping[str, str]] = {"fr": "demande", "en": "request"}
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
#: So many letters of a committee's title stand in the name of its files.
_LONGEST: Final = 48


@dataclass(frozen=True)
class DocumentText:
    """Where a text of a document stands: in which field of which item or decision, in "fr", "en" or, as "", in both."""

    number: str  # "" for the document itself
    field: str
    language: str


#: The fields that people type, or that quote what they typed, and what is said of a name in them.
_SAID: Final[Mapping[str, str]] = {
    "section": N_(
        "The heading of item %(number)s names someone who may be identified only by a number. Write the number instead."
    ),
    "title": N_(
        "The title of item %(number)s names someone who may be identified only by a number. Write the number instead."
    ),
    "points": N_(
        "The content reviewed under item %(number)s names someone who may be identified "
        "only by a number. Write the number instead."
    ),
    "why": N_(
        "The reason of item %(number)s names someone who may be identified only by a number. Write the number instead."
    ),
    "late_reason": N_(
        "The reason why item %(number)s came late names someone who may be identified "
        "only by a number. Write the number instead."
    ),
    "said": N_(
        "The notes on item %(number)s name someone who may be identified only by a number. Write the number instead."
    ),
    "text": N_(
        "The text of decision %(number)s names someone who may be identified only by a "
        "number. Write the number instead."
    ),
    "place": N_(
        "The place of the meeting names someone who may be identified only by a number. Write the number instead."
    ),
    "online": N_(
        "The online address of the meeting names someone who may be identified only by a number. Write another one."
    ),
}


def issue(session: Session, content: Printed, language: str, form: Form = "pdf", *, committee: str) -> Attachment:
    """`content` as a file in "fr" or "en", under its name; `committee` is whose it is, by key: a partner, or committee.

    Raises Refusal where a text is missing in that language, or names somebody who may not be named: then with the
    number of the item or decision and the field, and never with the name.
    """
    refuse_names(session, content)
    made = issue_again(content, language, form, committee=committee)
    NameGate.here(session).refuse([made.name, made.content])
    return made


def issue_again(content: Printed, language: str, form: Form = "pdf", *, committee: str) -> Attachment:
    """As `issue`, for a file that left before, for one who may have it: names that became known since do not stop it.

    Members ask for items of agendas in their own words. A file that they suddenly could not get would tell them that a
    person of a name they wrote was referred meanwhile; and what left is in their mailbox already.
    """
    return _attached(_name(content, language, form, committee), content, language, form)


def issue_paper(session: Session, paper: Paper, called: str, day: date) -> Attachment:
    """A paper for a participant as a PDF, `called` by the day and a word of ours: nothing in it names one.

    Raises Refusal where a text of it names somebody who may not be named.
    """
    gate = NameGate.here(session)
    gate.refuse([text for _, text in _texts(paper, DocumentText("", "", paper.language))])
    name = f"{day.isoformat()}-{called}.pdf"
    made = _attached(name, paper, paper.language)
    gate.refuse([made.name, made.content])
    return made


def letters_missing(paper: Paper) -> list[str]:
    """The letters of a paper that no font has: they would be printed as squares."""
    missing: list[str] = _printer("pdf").not_printed(paper)
    return missing


def give(content: PersonPaper, language: str) -> Attachment:
    """What a person is given of their own file, as a PDF. It names them, and is for no one else.

    Other people were masked before, by who looked at it (`domain.rights.packages`): no gate stops it. Its name and its
    properties say the number of the request alone.
    """
    name = name_given(content.on, content.number, language, "pdf")
    return _attached(name, content, language)


def name_given(on: date, number: int, language: str, form: Literal["pdf", "json", "csv"]) -> str:
    """The name of a file that a person is given: the day, and the number of their request."""
    return f"{on.isoformat()}-{_GIVEN[language]}-{number}.{form}"


def _name(content: Printed, language: str, form: Form, committee: str) -> str:
    """The name of its file, by the local day of the meeting, or on which it stands so."""
    if isinstance(content, AgendaContent | MinutesContent):
        day = content.head.starts.date()
    else:
        day = content.covered_to if isinstance(content, PartnerStatement) else content.on
    addendum = content.addendum if isinstance(content, AgendaContent) else 0
    whose = _in_a_name(_titled(content), language) or committee
    part = content.period.lower() if isinstance(content, MeasuresContent) else str(addendum or "")
    return file_name("addendum" if addendum else content.kind, whose, day, language, form=form, part=part)


def _titled(content: Printed) -> Both | None:
    """The title of the committee whose paper it is; a partner's statement goes by the partner's key."""
    if isinstance(content, PartnerStatement):
        return None
    return content.head.committee if isinstance(content, AgendaContent | MinutesContent) else content.committee


def _in_a_name(title: Both | None, language: str) -> str:
    """A title in a file's name: small letters without accents, a hyphen between words. "" where nothing is left."""
    if title is None:
        return ""
    spelled = unicodedata.normalize("NFKD", (getattr(title, language) or title.fr or title.en).casefold())
    name = "-".join(re.findall(r"[a-z0-9]+", "".join(one for one in spelled if not unicodedata.combining(one))))
    return name if len(name) <= _LONGEST else name[: _LONGEST + 1].rpartition("-")[0]


def file_name(
    kind: DocumentKind, committee: str, day: date, language: str, *, form: Form = "pdf", part: str = ""
) -> str:
    """A file's name in plain ASCII, the day first so that a folder sorts itself: "2026-12-02-comite-clinique-….pdf".

    `committee` is whose it is: a committee's title as declared, spelled plainly, or a key; `day` is local. The second
    addendum is called "…-addendum-2", and measures end with their quarter. Raises ValueError for a key that is none,
    and KeyError for another language: nothing that was typed gets into a file's name.
    """
    if not _KEY.fullmatch(committee):
        raise ValueError("a key is small letters, digits, - and _")
    parts = [day.isoformat(), committee.replace("_", "-"), _CALLED[language][kind]]
    if part:
        parts.append(part)
    return f"{'-'.join(parts)}.{form}"


def refuse_names(session: Session, content: Printed) -> None:
    """Raises Refusal for the first text of `content` with a name that may not go out: it says where.

    Of a typed text in which a common word may be a name, Refusal asks: a person who may know says once that it means
    no one on file (`domain.mail.name_answers`).
    """
    gate = NameGate.here(session)
    texts = tuple(texts_of(content))
    for place, text in texts:
        if gate.stops(text):
            said = _SAID.get(place.field, NAMES_SOMEONE)
            raise Refusal("document.names", said, number=place.number, field=place.field, language=place.language)
    for place, text in texts:
        if place.field in TYPED and unanswered(session, gate, text):
            raise Refusal(ASKS, MAY_NAME, number=place.number, field=place.field, language=place.language)


#: The code of a refusal that asks; another one refuses.
ASKS: Final = "document.may_name"
#: What is said of words that may be somebody's name.
MAY_NAME: Final = N_(
    "A word of item %(number)s may be the name of someone who may be identified only "
    "by a number. Check the words of the meeting, and say whether it names no one or "
    "what to change."
)
#: The fields in which a word that may be a name is asked about: people write them in their own words.
TYPED: Final = frozenset({"title", "late_reason", "said", "text", "place"})


def texts_of(content: Printed) -> Iterator[tuple[DocumentText, str]]:
    """Each text of `content`, and where it stands."""
    return _texts(content, DocumentText("", "", ""))


def _texts(part: object, place: DocumentText) -> Iterator[tuple[DocumentText, str]]:
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, Both):
        yield replace(place, language="fr"), part.fr
        yield replace(place, language="en"), part.en
    elif isinstance(part, tuple):
        for element in part:
            yield from _texts(element, place)
    elif is_dataclass(part):
        number = _number_of(part) or place.number
        for field in fields(part):
            yield from _texts(getattr(part, field.name), DocumentText(number, field.name, ""))


def _number_of(part: object) -> str:
    if isinstance(part, MinutesItem):
        part = part.line
    if isinstance(part, ClauseYear):
        return part.clause
    numbered = AgendaLine | DecisionLine | RegisterLine | DecisionOwed | DecisionAsked
    return part.number if isinstance(part, numbered) else ""


def _attached(name: str, content: Printed | Paper | PersonPaper, language: str, form: Form = "pdf") -> Attachment:
    return Attachment(name, MEDIA_TYPES[form], _made(content, language, form))


def _made(content: Printed | Paper | PersonPaper, language: str, form: Form) -> bytes:
    as_form = "pdf" if isinstance(content, Paper | PersonPaper) else form
    printer = _printer(as_form)
    made: bytes = (printer.as_pdf if as_form == "pdf" else printer.as_docx)(content, language)
    return made


def _printer(form: Form) -> ModuleType:
    # Read where something is printed: a twentieth of all that the worker holds is the compiler of documents.
    if form == "pdf":
        from meetings.documents import pdf  # noqa: PLC0415

        return pdf
    from meetings.documents import docx  # noqa: PLC0415

    return docx
