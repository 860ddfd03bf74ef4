"""Outgoing mail: each letter with its state, its text as it is sent, and a second try for one that was given up."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import SMTP
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import and_, func, select

from api.pages.frame import may_go, page, see_other
from api.permissions import Action, Forbidden, allows, asks, require, to_post
from api.session import AtDesk, Desk
from duties import doors, notices, reads
from duties.actors import Actor
from duties.here import many, one, program_of
from duties.refusals import Refusal
from duties.watch import post_state
from models.base import refers, table_of
from models.lifecycles import NOTICE
from models.outbox import Notice
from models.program import Person

router = APIRouter()

PAGE_SIZE: Final = 50

_notice = table_of(Notice)
_person = table_of(Person)
_COLUMNS: Final = (
    _notice.c.id,
    _notice.c.n,
    _notice.c.person_id,
    _notice.c.to_address,
    _notice.c.language,
    _notice.c.template,
    _notice.c.subject,
    _notice.c.case_id,
    _notice.c.state,
    _notice.c.created_at,
    _notice.c.attempts,
    _notice.c.next_attempt_at,
    _notice.c.sent_at,
    _notice.c.code,
    _person.c.given_name,
    _person.c.family_name,
)


@router.get("/post", name="post")
@asks(Action.SEE_POST)
def list_letters(
    desk: AtDesk, request: Request, state: str = "", before: Annotated[int, Query(ge=1, le=2**62)] = 2**62
) -> HTMLResponse:
    """The letters of the program, the newest first. What they are about is shown to those alone who may read them."""
    _require(desk, Action.SEE_POST)
    here = _notice.c.program_id == program_of(desk.session)
    counts: dict[str, int] = {
        row.state: row.letters
        for row in desk.session.execute(
            select(_notice.c.state, func.count().label("letters")).where(here).group_by(_notice.c.state)
        )
    }
    state = state if state in NOTICE.states else ""
    wanted = and_(here, _notice.c.n < before, *([_notice.c.state == state] if state else []))
    letters = many(desk.session, _letters().where(wanted).order_by(_notice.c.n.desc()).limit(PAGE_SIZE + 1))
    return page(
        desk,
        request,
        "post.html",
        letters=letters[:PAGE_SIZE],
        older=letters[PAGE_SIZE - 1]["n"] if len(letters) > PAGE_SIZE else None,
        is_first=before == 2**62,
        state=state,
        counts=counts,
        reads=allows(Action.READ_LETTER, to_post(desk.asker, demonstration=desk.office.demonstration)) is not None,
        total=sum(counts.values()),
        mail=post_state(desk.session, desk.at),
        given_up=notices.given_up_count(desk.session) if may_go(desk, Action.RESEND_POST) else 0,
        now=desk.at,
    )


@router.post("/post/retry", name="retry_letters")
@asks(Action.RESEND_POST)
def retry_letters(desk: AtDesk) -> Response:
    """Send every letter once more of which every attempt was used up."""
    notices.retry_given_up(desk.session, by=_require(desk, Action.RESEND_POST), at=desk.at)
    return see_other("/post?state=queued")


@router.get("/post/{notice_id}", name="letter")
@asks(Action.READ_LETTER)
def show_letter(desk: AtDesk, request: Request, notice_id: UUID) -> HTMLResponse:
    """One letter as its reader gets it."""
    _require(desk, Action.READ_LETTER)
    return _letter_page(desk, request, notice_id)


@router.get("/post/{notice_id}/letter.eml", name="letter_file")
@asks(Action.READ_LETTER)
def download_letter(desk: AtDesk, notice_id: UUID) -> Response:
    """The finished message, byte for byte as it is sent; not of one whose link is its reader's alone."""
    by = _require(desk, Action.READ_LETTER)
    found = _find(desk, notice_id)
    if _is_withheld(desk, found):
        raise Forbidden
    _tell_of_reading(desk, notice_id, by)
    return Response(
        found["message"],
        media_type="message/rfc822",
        headers={
            # Neither name nor subject: a file's name is seen by whoever the file passes.
            "Content-Disposition": f'attachment; filename="{notice_id}.eml"',
        },
    )


@router.post("/post/{notice_id}/retry", name="retry_letter")
@asks(Action.RESEND_POST)
def retry_letter(desk: AtDesk, request: Request, notice_id: UUID) -> Response:
    """Send a letter that was given up once more."""
    by = _require(desk, Action.RESEND_POST)
    _find(desk, notice_id)
    refusal = desk.attempt(lambda: notices.retry(desk.session, notice_id, by=by, at=desk.at))
    if refusal is None:
        return see_other(f"/post/{notice_id}")
    return _letter_page(desk, request, notice_id, refusal)


def _letter_page(desk: Desk, request: Request, notice_id: UUID, refusal: Refusal | None = None) -> HTMLResponse:
    found = _find(desk, notice_id)
    given = to_post(desk.asker, demonstration=desk.office.demonstration)
    reader = allows(Action.READ_LETTER, given)
    withheld = reader is None or _is_withheld(desk, found)
    if reader is not None and not withheld:
        _tell_of_reading(desk, notice_id, reader)
    return page(
        desk,
        request,
        "letter.html",
        refused=refusal,
        letter=found,
        withheld=withheld,
        text="" if withheld else _text_of(found["message"]),
        now=desk.at,
        may_retry=NOTICE.allows(found["state"], "retry") and allows(Action.RESEND_POST, given) is not None,
    )


def _tell_of_reading(desk: Desk, notice_id: UUID, by: Actor) -> None:
    """Tell the record that somebody is given a letter's text."""
    reads.record_read(desk.session, "notice", notice_id, what="letter", ground="role", by=by, at=desk.at)


def _is_withheld(desk: Desk, letter: Mapping[str, Any]) -> bool:
    """Whether a letter's text is its reader's alone: its link lets them in. In the demonstration anyone is anyone."""
    return letter["template"] in doors.LETTERS and not desk.program.is_demonstration


def _text_of(message: bytes) -> str:
    """The plain text of a letter, which says all that its other form says."""
    body = message_from_bytes(message, policy=SMTP).get_body(("plain",))
    content: str = body.get_content() if body is not None else ""
    return content.replace("\r\n", "\n").strip()


def _letters() -> Any:
    return select(*_COLUMNS).join(_person, refers(_notice.c.person_id, _person))


def _find(desk: Desk, notice_id: UUID) -> dict[str, Any]:
    found = one(
        desk.session,
        _letters()
        .add_columns(_notice.c.message)
        .where(_notice.c.program_id == program_of(desk.session), _notice.c.id == notice_id),
    )
    if found is None:
        raise Forbidden
    return found


def _require(desk: Desk, action: Action) -> Any:
    return require(action, to_post(desk.asker, demonstration=desk.office.demonstration))
