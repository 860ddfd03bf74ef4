"""Who is signed in: sign-ins as rows, found by the digest of an opaque cookie, and the context of a request.

A sign-in ends when it lay idle for 30 minutes, when it is 10 hours old, when its person signs out, and when its
person no longer holds anything in the program: the questions of each request ask. Who watches a meeting that sits is
not idle there: the pages marked `is_watched` go on for them, and no other page does.

In order: the installation, which all requests share; the context of one request, how it is opened and left;
beginning and ending a sign-in; and what a request asks of the database before anything else. Those are two statements
in the request's own transaction, built once: who is signed in (`_SIGNED_IN`, which also says the program), and who
holds what (`domain.roles.roles.standing`). Everyone waits for them, so whatever else a sign-in needs is asked where it
is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import anyio
from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import DateTime, Engine, Text, Uuid, bindparam, func, or_, update
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from adapters.database import finding_session, open_session, program_session, saying
from api.access import questions
from api.access.being_written import being_written
from api.access.engine_server import EngineServer
from api.access.permissions import Asker, Endpoint, action_of, is_for_anyone
from api.access.request_rates import Requests
from domain.access import Means, sign_ins
from domain.casework import CopySchedule
from domain.kernel import (
    Question,
    Refusal,
    built,
    changes,
    col,
    digest,
    first,
    frozen,
    in_program,
    know_program,
    local_day,
    of,
    program,
    remember,
    run,
    scalar,
    select,
    tuples,
    value_of,
)
from domain.mail import LetterTemplates
from domain.obligations import triggers
from domain.roles import standing
from locales import current_language, show_moments_in
from models.access import BrowserSession
from models.base import table_of
from models.ports import Keys, SignInProvider
from models.program import Person, Program

IDLE: Final = sign_ins.IDLE
LONGEST: Final = sign_ins.LONGEST
#: How old the last sight of a session may be before it is written again: not at each request.
_SEEN_EVERY = timedelta(minutes=1)

#: How many requests work at a desk at once, in one process; the others wait outside in the order of their coming, and
#: hold nothing. Each has one connection of the database, of which `adapters.database.make_engine` keeps as many. More
#: would not be faster (they share one interpreter and its lock), and the unlucky ones would wait much longer.
DESKS: Final = 10
_by_token = col(BrowserSession.token_digest) == bindparam("digest", type_=Text())

#: Whose sign-in a cookie is, while it holds; from this statement on, the transaction is one of their program.
_SIGNED_IN: Final = (
    select(
        BrowserSession.program_id,
        BrowserSession.person_id,
        BrowserSession.seen_at,
        value_of(saying(col(BrowserSession.program_id))),
        *table_of(Program).columns,
    )
    .join(Program, col(Program.id) == col(BrowserSession.program_id))
    .where(
        _by_token,
        col(BrowserSession.ended_at).is_(None),
        or_(
            col(BrowserSession.seen_at) > bindparam("idle_since", type_=DateTime(timezone=True)),
            # No moment is given where what is asked for is no page to watch: then this holds nothing.
            col(BrowserSession.watched_at) > bindparam("unwatched_since", type_=DateTime(timezone=True)),
        ),
        col(BrowserSession.signed_in_at) > bindparam("oldest", type_=DateTime(timezone=True)),
    )
)
#: How old the last sight of who watches may be before it is written again.
_WATCHED_EVERY: Final = timedelta(minutes=5)
_SEEN: Final = update(BrowserSession).where(_by_token).values(seen_at=bindparam("moment"))


YearBehind = Literal["written", "being_written", "missing"]


#: How a request asks that changes nothing.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(Exception):
    """No one is signed in, or the sign-in has ended."""


def is_watched(endpoint: Endpoint) -> Endpoint:
    """Mark a page that is watched for hours without a click: who watches keeps it, though their sign-in lies idle."""
    endpoint.__is_watched__ = True  # type: ignore[attr-defined]  # read by `context` alone
    return endpoint


def is_automatic(endpoint: Endpoint) -> Endpoint:
    """Mark what a page asks for by itself, without anybody's doing: it is no sign of life."""
    endpoint.__is_automatic__ = True  # type: ignore[attr-defined]  # read by `context` alone
    return endpoint


@dataclass(frozen=True)
class Installation:
    """What the processes of the web share: the database, the letters' stationery, and how it is reached."""

    engine: Engine
    letter_templates: LetterTemplates
    base_url: str
    demonstration: bool
    engine_server: EngineServer = field(default_factory=EngineServer)
    reads_mail: bool = False  # a mailbox to which answers come
    directory: SignInProvider | None = None  # where organizations keep their people's accounts, if it is set up
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keys: Keys | None = None  # of what is sealed of participants
    letters_leave: bool = True  # or, in a demonstration, are shown; else they wait, and links are handed over
    opened_at: datetime | None = None  # when this process began to answer, if that is known
    is_being_written: Callable[[], bool] = lambda: False  # of a demonstration: its people, or the year behind them
    copies: CopySchedule | None = None  # when copies of the installation are asked for, where that is set
    requests: Requests = field(default_factory=Requests)  # how much each signed-in person asked lately

    def finding_a_program(self) -> Session:
        """A session that finds out its program by who is signed in, with the letters' stationery in it."""
        session = finding_session(self.engine)
        session.info.update(letter_templates=self.letter_templates, keys=self.keys)
        return session

    def before_a_program(self) -> Session:
        """A session before it is known which program is meant."""
        return open_session(self.engine)

    def of_program(self, program_id: UUID) -> Session:
        """A session of one program, with the letters' stationery in it."""
        session = program_session(self.engine, program_id)
        session.info.update(letter_templates=self.letter_templates, keys=self.keys)
        return session

    @contextmanager
    def transaction(self, program_id: UUID | None = None) -> Iterator[Session]:
        """A session of one program, or of none yet. Where the block ends it commits; where the block raises, it undoes.

        For what has no context, such as a sign-in: the web commits here and in `context`.
        """
        with self.before_a_program() if program_id is None else self.of_program(program_id) as session:
            yield session
            session.commit()

    def year_behind(self, program: Program) -> YearBehind:
        """How far the year behind a demonstration's people has come. Of any other program: written, and not asked."""
        if not (self.demonstration and program.is_demonstration) or program.year_written_at is not None:
            return "written"
        return "being_written" if self.is_being_written() else "missing"

    @property
    def cookie(self) -> str:
        """The cookie's name. Over https it is bound to the host; a demonstration on loopback has no https."""
        return "__Host-spheres" if self.is_https else "spheres"

    @property
    def is_https(self) -> bool:
        """Whether people reach the program over https."""
        return self.base_url.startswith("https:")


@dataclass(frozen=True)
class RequestContext:
    """Where one request works: one transaction of one program, who asks, the moment, and the local day."""

    session: Session
    asker: Asker
    at: datetime
    installation: Installation
    sign_in: str = ""  # the digest by which the asker's sign-in is found

    @property
    def program_id(self) -> UUID:
        """The id of the program in which the asker is signed in."""
        found: UUID = self.session.info["program_id"]
        return found

    @property
    def program(self) -> Program:
        """The program in which the asker is signed in, read when it is first asked for."""
        return program(self.session)

    @property
    def is_being_written(self) -> bool:
        """Whether the demonstration's past year is being written: until then neither people nor the engine act."""
        return self.installation.year_behind(self.program) == "being_written"

    @property
    def watched_since(self) -> datetime | None:
        """Since when the engine is to give signs of life: it begins with the web, once a demonstration is written."""
        return self.at if self.is_being_written else self.installation.opened_at

    @property
    def person(self) -> Person:
        """The asker themselves, read when they are first asked for."""
        found = first(self.session, *asked_of_person(self.asker.person_id))
        if found is None:
            msg = "a sign-in names a person who does not exist"
            raise LookupError(msg)
        return found

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


_PERSON: Final = built(of(Person).where(col(Person.id) == bindparam("person", type_=Uuid())))


def asked_of_person(person_id: UUID) -> Question[SelectOfScalar[Person]]:
    """What `Desk.person` asks."""
    return Question(_PERSON, {"person": person_id})


def installation_of(request: Request) -> Installation:
    """The web's shared means, put there when the application was made."""
    installation: Installation = request.app.state.installation
    return installation


async def context(request: Request) -> AsyncIterator[RequestContext]:
    """The context of a signed-in request. The transaction commits when the endpoint returns, before the answer leaves.

    Where the endpoint raises, nothing is kept. One that answers a refusal itself calls `Desk.attempt`.
    One that did not ask the table for the action that it names is a fault of ours, and keeps nothing either.

    Raises NotSignedIn, or TooManyRequests.
    """
    installation = installation_of(request)
    token = request.cookies.get(installation.cookie, "")
    if not token:
        raise NotSignedIn
    desks: anyio.CapacityLimiter = request.app.state.desks
    action = action_of(request.scope["endpoint"])
    questions.begin()
    async with desks:
        session = installation.finding_a_program()
        try:
            endpoint = request.scope["endpoint"]
            way = _Way(
                request.method in SAFE_METHODS,
                is_watched=hasattr(endpoint, "__is_watched__"),
                is_automatic=hasattr(endpoint, "__is_automatic__"),
            )
            seated = await run_in_threadpool(_sit_down, installation, session, token, way)
            request.state.seated = seated  # for whoever answers a refusal: the record is told who was refused
            yield seated
            # An exception of the endpoint is raised at the yield, and leaving the session undoes what it did.
            if action is None or not is_for_anyone(action):
                questions.hold_that_asked(action or "")
            await run_in_threadpool(_commit, session, installation.clock())
        except BaseException:
            # Also where the server stops in the middle: the connection goes back clean.
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(session.close)
            raise


@dataclass(frozen=True)
class _Way:
    """How it is asked: changing nothing, for a page that is watched, by a page and not by a person."""

    changes_nothing: bool
    is_watched: bool
    is_automatic: bool


def _sit_down(installation: Installation, session: Session, token: str, way: _Way) -> RequestContext:
    """Find out who is signed in and what they hold today.

    Raises NotSignedIn, TooManyRequests, or the Refusal of what would change something that is still being written.
    """
    at = installation.clock()
    person_id = _signed_in(session, token, at, way)
    asker = Asker(person_id, standing(session, local_day(session, at)))
    if not asker.is_staff:
        # Whoever left is out at the next request, whatever their cookie says.
        raise NotSignedIn
    installation.requests.hit(person_id, at, installation.transaction)
    seated = RequestContext(session, asker, at, installation, digest(session, token))
    if not way.changes_nothing and installation.demonstration and seated.is_being_written:
        raise being_written()
    return seated


def _commit(session: Session, at: datetime) -> None:
    triggers.judge_touched(session, at=at)
    session.commit()
    session.close()


#: `scope="function"`: a commit that fails after the answer has left would be a lie.
InContext = Annotated[RequestContext, Depends(context, scope="function")]


def sign_in(
    installation: Installation,
    program_id: UUID,
    person_id: UUID,
    response: Response,
    *,
    means: Means = "demonstration",
    device: str = "",
) -> None:
    """Begin a sign-in under a new token, whatever cookie came with the request.

    Who begins one in a transaction of theirs calls `domain.access.sign_ins.begin` there, and `give_cookie` once it is
    kept.
    """
    with installation.transaction(program_id) as session:
        token = sign_ins.begin(session, person_id, means=means, device=device, at=installation.clock())
    give_cookie(installation, token, response)


def give_cookie(installation: Installation, token: str, response: Response) -> None:
    """Give the browser the token of a sign-in that has begun, in place of any other."""
    response.set_cookie(
        installation.cookie,
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=installation.is_https,
        httponly=True,
        samesite="lax",
    )


def sign_out(installation: Installation, token: str, response: Response) -> None:
    """End the sign-in of this cookie, for good: a copy of it is worth nothing afterwards."""
    end_stay(installation, token)
    take_cookie(installation, response)


def take_cookie(installation: Installation, response: Response) -> None:
    """Take back the cookie of a sign-in that has ended, and what the browser kept of our pages."""
    response.delete_cookie(installation.cookie, path="/", secure=installation.is_https, httponly=True, samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def end_stay(installation: Installation, token: str) -> str:
    """End the sign-in of this cookie, if there is one: it was left, or another begins in the same browser.

    By which means it had begun, "" where there was none to end.
    """
    if not token:
        return ""
    with installation.before_a_program() as session:
        program_id = scalar(
            session, select(BrowserSession.program_id).where(col(BrowserSession.token_digest) == digest(session, token))
        )
    if program_id is None:
        return ""
    with installation.transaction(program_id) as session:
        return sign_ins.end_by_token(session, token, at=installation.clock())


@dataclass(frozen=True)
class SignIn:
    """Who is signed in by a cookie, and in which program: no sight of them, nor of what they may."""

    program_id: UUID
    person_id: UUID


def sign_in_by(installation: Installation, token: str) -> SignIn | None:
    """The sign-in of a cookie; None where it has ended, or never was."""
    at = installation.clock()
    with installation.finding_a_program() as session:
        found = run(session, _SIGNED_IN, _holds(digest(session, token), at)).first()
    return None if found is None else SignIn(found.program_id, found.person_id)


def _holds(token_digest: str, at: datetime, *, is_watched: bool = False) -> dict[str, object]:
    """What `_SIGNED_IN` asks of a sign-in."""
    since = {"idle_since": at - IDLE, "unwatched_since": at - IDLE if is_watched else None}
    return {"digest": token_digest, "oldest": at - LONGEST, **since}


def still_signed_in(session: Session, tokens: Collection[str], at: datetime) -> dict[str, bool]:
    """Those of these cookies whose sign-in holds in the session's program: whether everywhere, or where it watches.

    To ask is no sign of life.
    """
    digests = {digest(session, token): token for token in tokens}
    is_used = col(BrowserSession.seen_at) > at - IDLE
    rows = tuples(
        session,
        select(BrowserSession.token_digest, is_used).where(
            col(BrowserSession.token_digest).in_(digests),
            in_program(BrowserSession),
            col(BrowserSession.ended_at).is_(None),
            or_(is_used, col(BrowserSession.watched_at) > at - IDLE),
            col(BrowserSession.signed_in_at) > at - LONGEST,
        ),
    )
    return {digests[found]: used for found, used in rows}


def keep_watching(session: Session, tokens: Collection[str], at: datetime) -> None:
    """Note that these sign-ins, which hold, watch a meeting now. Their other pages end as if no one did."""
    last = func.greatest(BrowserSession.seen_at, BrowserSession.watched_at)
    theirs = col(BrowserSession.token_digest).in_([digest(session, token) for token in tokens])
    run(session, changes(BrowserSession).where(theirs, last < at - _WATCHED_EVERY).values(watched_at=at))


def _signed_in(session: Session, token: str, at: datetime, way: _Way) -> UUID:
    """Whose sign-in this is, in whose program the session then is. Raises NotSignedIn where it has ended.

    A request that changes nothing reads each thing once.
    """
    found_by = digest(session, token)
    found = run(session, _SIGNED_IN, _holds(found_by, at, is_watched=way.is_watched)).first()
    if found is None:
        raise NotSignedIn
    session.info["program_id"] = found.program_id
    session.info["time_zone"] = found.time_zone
    show_moments_in(found.time_zone)
    if not way.is_automatic and _SEEN_EVERY < at - found.seen_at < IDLE:
        # Kept whatever becomes of the request, and locked for nobody who asks meanwhile.
        run(session, _SEEN, {"digest": found_by, "moment": at})
        session.commit()
    if way.changes_nothing:
        remember(session)
        know_program(session, frozen(Program)(*found[4:]))
    person_id: UUID = found.person_id
    return person_id
