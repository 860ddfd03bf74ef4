"""Answering an invitation by the link of its letter: no sign-in is asked, looking changes nothing, the button records.

A link that is unknown, ended or too old, and one of a person who left, are all answered as what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.access.permissions import Action, Asker, Forbidden, asks, themselves
from api.access.session import Installation, installation_of
from api.pages.forms import Text
from api.pages.frame import see_other
from api.views.meetings import ANSWERS, hours_of
from api.views.sentences import sentence_of
from api.web import limits
from api.web.answers import status_of
from api.web.language import PARAMETER
from api.web.readers import checked_answer, id_or_none
from api.web.rendering import render
from domain.access import voiding
from domain.kernel import Refusal, local_day, program, program_of
from domain.roles import standing
from locales import LANGUAGES, N_, current_language, is_language, speaking
from meetings import answers, links, wording
from meetings.answers import DECLINED, Answered, MeetingQuestion
from meetings.committees import committees, title_of
from models.committee import Committee
from models.meeting import Meeting
from models.program import Person

router = APIRouter(include_in_schema=False)

#: Answers sent from one address of the network: a whole agency may answer on the morning of the letter.
ANSWERS_FROM_ONE_PLACE: Final = 300

_COUNTED = [Depends(limits.from_one_place("answer", most=ANSWERS_FROM_ONE_PLACE))]


@dataclass(frozen=True)
class _Opened:
    """The person of a link, and what it asks them."""

    asker: Asker
    person: Person
    asked: Sequence[MeetingQuestion]


@dataclass(frozen=True)
class _Choice:
    """What came in with a form that a rule refused."""

    said: str = ""
    alternate: str = ""
    meetings: Sequence[str] = ()


@dataclass(frozen=True)
class _Line:
    """One meeting that is asked about, and what was answered to it so far."""

    meeting: Meeting
    title: str
    when: str
    hours: tuple[time, time]
    answer: Answered | None


@router.get("/answer/{token}", name="answer_by_link")
@asks(Action.ANSWER_BY_LINK)
def show_answer(request: Request, token: str, kept: str = "") -> HTMLResponse:
    """What one is invited to and what one answered so far. Changes nothing: scanners of mail follow links too."""
    installation = installation_of(request)
    with installation.of_program(_program_of(installation, token)) as session:
        opened = _open(installation, session, token)
        return _page(request, session, token, opened, kept=kept == "yes")


@router.post("/answer/{token}", dependencies=_COUNTED)
@asks(Action.ANSWER_BY_LINK)
def answer(
    request: Request,
    token: str,
    said: Text = "",
    alternate: Text = "",
    meeting: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Record one answer to the meetings that were ticked."""
    installation = installation_of(request)
    with installation.transaction(_program_of(installation, token)) as session:
        opened = _open(installation, session, token)
        try:
            _record(installation, session, opened, said, alternate, meeting or [])
        except Refusal as refusal:
            session.rollback()
            typed = _Choice(said, alternate, meeting or [])
            return _page(request, session, token, _open(installation, session, token), refusal=refusal, typed=typed)
    chosen = f"&{PARAMETER}={request.query_params[PARAMETER]}" if _is_asked(request) else ""
    return see_other(f"/answer/{token}?kept=yes{chosen}")


def _record(
    installation: Installation, session: Session, opened: _Opened, said: str, alternate: str, meetings: Sequence[str]
) -> None:
    """Raises Refusal, also where nothing was ticked or something that this link does not ask about."""
    chosen = {id_or_none(text) for text in meetings}
    about = [one for one in opened.asked if one.meeting.id in chosen]
    if not chosen or len(about) != len(chosen):
        raise Refusal("meeting.missing", N_("Choose the meetings to which you answer."))
    said = checked_answer(said)
    instead = id_or_none(alternate) if said == DECLINED else None
    at = installation.clock()
    named = [
        one.meeting.id
        for one in about
        if answers.record(
            session,
            one.meeting.id,
            opened.person.id,
            said,
            means="link",
            alternate_id=instead,
            by=themselves(opened.asker),
            at=at,
        )
    ]
    answers.tell(session, named, at=at)


def _program_of(installation: Installation, token: str) -> UUID:
    """The program that a link is of. Raises Forbidden."""
    with installation.before_a_program() as session:
        opens = links.look(session, token, at=installation.clock())
    if opens is None:
        raise Forbidden
    return opens.program_id


def _open(installation: Installation, session: Session, token: str) -> _Opened:
    """The person of a link, and what it asks them.

    Raises Forbidden, also where the person holds no role any more, or it waits for a decision whether they are let in.
    """
    at = installation.clock()
    opens = links.look(session, token, at=at)
    if opens is None:
        raise Forbidden
    person_id, asked = answers.asked_by(session, opens.invitation_id, at=at)
    asker = Asker(person_id, standing(session, local_day(session, at)))
    person = session.get(Person, (program_of(session), person_id))
    if person is None or not asker.is_staff or voiding.is_kept_out(session, person_id, at=at):
        raise Forbidden
    return _Opened(asker, person, asked)


def _page(
    request: Request,
    session: Session,
    token: str,
    opened: _Opened,
    *,
    kept: bool = False,
    refusal: Refusal | None = None,
    typed: _Choice | None = None,
) -> HTMLResponse:
    with _language_of(request, opened.person):
        here = program(session)
        language = current_language()
        named = committees(session)
        others = {one for asked in opened.asked for one in asked.alternates}
        return render(
            request,
            "answer.html",
            status=status_of(refusal) if refusal else 200,
            headers={"Content-Language": LANGUAGES[language].replace("_", "-")},
            token=token,
            asked_language=request.query_params.get(PARAMETER, "") if _is_asked(request) else "",
            name=opened.person.name,
            program=title_of(here, language),
            lines=[_line(one, named, language) for one in opened.asked],
            others=[(one, _name(session, one)) for one in sorted(others, key=str)],
            names={one: _name(session, one) for one in others | _named(opened.asked)},
            answers=ANSWERS,
            kept=kept,
            refusal=sentence_of(refusal) if refusal else "",
            typed=typed or _Choice(),
        )


def _line(one: MeetingQuestion, named: Mapping[UUID, Committee], language: str) -> _Line:
    meeting = one.meeting
    title, when = title_of(named[meeting.committee_id], language), wording.when(language, meeting.starts)
    return _Line(meeting, title, when, hours_of(meeting), one.answer)


def _named(asked: Sequence[MeetingQuestion]) -> set[UUID]:
    return {one.answer.alternate_id for one in asked if one.answer and one.answer.alternate_id}


def _name(session: Session, person_id: UUID) -> str:
    person = session.get(Person, (program_of(session), person_id))
    return person.name if person is not None else ""


def _language_of(request: Request, person: Person) -> AbstractContextManager[None]:
    """The language of the letter's reader, unless the address asks for the other one."""
    return nullcontext() if _is_asked(request) else speaking(person.language)


def _is_asked(request: Request) -> bool:
    """Whether the address names a language of the program."""
    return is_language(request.query_params.get(PARAMETER))
