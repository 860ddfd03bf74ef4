"""Outgoing mail as its readers see it, for pages and JSON: who may, which letters, and what a letter says."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import SMTP
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, func, literal, select

from api.access.permissions import Action, Forbidden, Given, require, to_post
from api.access.session import Desk
from domain.access import doors
from domain.kernel.actors import Actor
from domain.kernel.scope import many, one, program_of
from domain.record import reads
from domain.roles.sight import calls_who_barred, letter_is_open_to, who_barred
from models.base import refers, table_of
from models.outbox import Notice
from models.program import Person

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


def given_of(desk: Desk) -> Given:
    """What the asker is to the outgoing mail."""
    return to_post(desk.asker, demonstration=desk.office.demonstration)


def postmaster(desk: Desk, action: Action) -> Actor:
    """As whom the asker does this to the outgoing mail. Raises Forbidden."""
    return require(action, given_of(desk))


def letters(desk: Desk, *, state: str, before: int, most: int) -> list[dict[str, Any]]:
    """The letters of a state, or of every one where it is "", that were written before the number; the newest first."""
    wanted: list[ColumnElement[bool]] = [_notice.c.program_id == program_of(desk.session), _notice.c.n < before]
    if state:
        wanted.append(_notice.c.state == state)
    return many(desk.session, _letters(desk).where(and_(*wanted)).order_by(_notice.c.n.desc()).limit(most))


def count_by_state(desk: Desk) -> dict[str, int]:
    """How many letters that the asker may see are in each state."""
    asked = (
        select(_notice.c.state, func.count().label("letters"))
        .where(_notice.c.program_id == program_of(desk.session))
        .group_by(_notice.c.state)
    )
    if who_barred(desk.session, desk.asker.person_id):  # else every letter would be searched for nobody
        asked = asked.where(letter_is_open_to(literal(desk.asker.person_id, Uuid())))
    return {row.state: row.letters for row in desk.session.execute(asked)}


def letter(desk: Desk, notice_id: UUID) -> dict[str, Any]:
    """One letter with its finished message. Raises Forbidden where there is none."""
    asked = _letters(desk).add_columns(_notice.c.message)
    found = one(desk.session, asked.where(_notice.c.program_id == program_of(desk.session), _notice.c.id == notice_id))
    if found is None:
        raise Forbidden
    return found


def is_withheld(desk: Desk, found: Mapping[str, Any]) -> bool:
    """Whether a letter's text is not shown: its link lets its reader in, or it calls somebody who barred the asker.

    In the demonstration anyone is anyone, and such links are shown.
    """
    lets_in = found["template"] in doors.LETTERS and not desk.program.is_demonstration
    return lets_in or is_kept_from(desk, found)


def is_kept_from(desk: Desk, found: Mapping[str, Any]) -> bool:
    """Whether a letter calls, among others, a participant who barred the asker: as the digest of somebody's day may."""
    return calls_who_barred(desk.session, desk.asker.person_id)(text_of(found["message"]))


def tell_of_reading(desk: Desk, found: Mapping[str, Any], by: Actor) -> None:
    """Tell the record that somebody is given a letter's text: also of whose case it is."""
    reads.record_read(
        desk.session,
        "notice",
        found["id"],
        what="letter",
        ground="role",
        by=by,
        at=desk.at,
        case_id=found["case_id"],
    )


def text_of(message: bytes) -> str:
    """The plain text of a letter, which says all that its other form says."""
    body = message_from_bytes(message, policy=SMTP).get_body(("plain",))
    content: str = body.get_content() if body is not None else ""
    return content.replace("\r\n", "\n").strip()


def _letters(desk: Desk) -> Select[Any]:
    """Letters but of the case of a participant who barred the asker."""
    is_open = letter_is_open_to(literal(desk.asker.person_id, Uuid()))
    return select(*_COLUMNS).join(_person, refers(_notice.c.person_id, _person)).where(is_open)
