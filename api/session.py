"""Who is signed in: sign-ins as rows, found by the digest of an opaque cookie, and the desk at which a request works.

A sign-in ends when it lay idle for 30 minutes, when it is 10 hours old, when its person signs out, and when its
person no longer holds anything in the program: the query of each request asks.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from sqlalchemy import Engine, and_, insert, select, update
from sqlmodel import Session

from adapters.database import open_session, program_session
from api.permissions import Asker
from duties.notices import Stationery
from duties.refusals import Refusal
from duties.roles import standing
from locales import current_language
from models.access import BrowserSession
from models.base import table_of
from models.program import Person, Program

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
#: How old the last sight of a session may be before it is written again: not at each request.
_SEEN_EVERY = timedelta(minutes=1)

_row = table_of(BrowserSession)


class NotSignedIn(Exception):
    """Nobody is signed in, or the sign-in has ended."""


@dataclass(frozen=True)
class Office:
    """What the processes of the web share: the database, the letters' stationery, and how it is reached."""

    engine: Engine
    stationery: Stationery
    base_url: str
    demonstration: bool
    prefect_url: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def before_a_program(self) -> Session:
        """A session before it is known which program is meant."""
        return open_session(self.engine)

    def of_program(self, program_id: UUID) -> Session:
        """A session of one program, with the letters' stationery in it."""
        session = program_session(self.engine, program_id)
        session.info["stationery"] = self.stationery
        return session

    @property
    def cookie(self) -> str:
        """The cookie's name. Over https it is bound to the host; a demonstration on loopback has no https."""
        return "__Host-spheres" if self.is_https else "spheres"

    @property
    def is_https(self) -> bool:
        """Whether people reach the program over https."""
        return self.base_url.startswith("https:")


@dataclass(frozen=True)
class Desk:
    """Where one request works: one transaction of one program, who asks, the moment, and the local day."""

    session: Session
    asker: Asker
    at: datetime
    office: Office
    program: Program

    @property
    def day(self) -> date:
        """The local day."""
        return self.asker.day

    @property
    def language(self) -> str:
        """The language of the answer."""
        return current_language()

    def attempt(self, act: Callable[[], object]) -> Refusal | None:
        """Do `act`; where a rule refuses, undo all of it and give back the refusal, to be shown with what was typed."""
        try:
            act()
        except Refusal as refusal:
            self.session.rollback()
            return refusal
        return None


def office_of(request: Request) -> Office:
    """The web's shared means, put there when the application was made."""
    office: Office = request.app.state.office
    return office


def desk(request: Request) -> Iterator[Desk]:
    """The desk of a signed-in person. The transaction commits when the endpoint returns, before the answer leaves.

    Where the endpoint raises, nothing is kept. One that answers a refusal itself calls `Desk.attempt`.

    Raises NotSignedIn.
    """
    office = office_of(request)
    at = office.clock()
    found = _signed_in(office, request.cookies.get(office.cookie, ""), at)
    with office.of_program(found.program_id) as session:
        program = session.get(Program, found.program_id)
        person = session.get(Person, (found.program_id, found.person_id))
        if program is None or person is None:
            raise NotSignedIn
        session.info["time_zone"] = program.time_zone
        day = at.astimezone(ZoneInfo(program.time_zone)).date()
        asker = Asker(person, standing(session, day))
        if not asker.is_staff:
            # Whoever left is out at the next request, whatever their cookie says.
            raise NotSignedIn
        yield Desk(session, asker, at, office, program)
        # An exception of the endpoint is raised at the yield, and leaving the session undoes what it did.
        session.commit()


#: `scope="function"`: a commit that fails after the answer has left would be a lie.
AtDesk = Annotated[Desk, Depends(desk, scope="function")]


def sign_in(office: Office, program_id: UUID, person_id: UUID, response: Response) -> None:
    """Begin a sign-in under a new token, whatever cookie came with the request."""
    token = secrets.token_urlsafe(32)
    at = office.clock()
    with program_session(office.engine, program_id) as session, session.begin():
        session.execute(
            insert(_row).values(
                token_digest=_digest(token),
                program_id=program_id,
                person_id=person_id,
                signed_in_at=at,
                seen_at=at,
            )
        )
    response.set_cookie(
        office.cookie,
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=office.is_https,
        httponly=True,
        samesite="lax",
    )


def sign_out(office: Office, token: str, response: Response) -> None:
    """End the sign-in of this cookie, for good: a copy of it is worth nothing afterwards."""
    with open_session(office.engine) as session, session.begin():
        session.execute(
            update(_row)
            .where(_row.c.token_digest == _digest(token), _row.c.ended_at.is_(None))
            .values(ended_at=office.clock())
        )
    response.delete_cookie(office.cookie, path="/", secure=office.is_https, httponly=True, samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def _signed_in(office: Office, token: str, at: datetime) -> BrowserSession:
    if not token:
        raise NotSignedIn
    with open_session(office.engine) as session, session.begin():
        found = session.scalars(
            select(BrowserSession).where(
                _row.c.token_digest == _digest(token),
                _row.c.ended_at.is_(None),
                and_(_row.c.seen_at > at - IDLE, _row.c.signed_in_at > at - LONGEST),
            )
        ).first()
        if found is None:
            raise NotSignedIn
        if at - found.seen_at > _SEEN_EVERY:
            session.execute(update(_row).where(_row.c.token_digest == found.token_digest).values(seen_at=at))
        return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
