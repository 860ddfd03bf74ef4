"""A person's request about their own data: received, prepared, answered or refused, within the days that the law gives.

The privacy officer finds a file by the number or reference that the person gives, never by a name. Where nothing is
held of who asks, the request is recorded and answered without a word that says who they are. The days, and how many a
notice adds, stand in the program's file (`domain.declarations.Rights`). Law: Quebec's Access Act (A-2.1), sections 83
to 98; Act respecting health and social services information (R-22.1), sections 17 to 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, text
from sqlmodel import Session

from domain.casework import BY_ITS_ACT, asking, assigning
from domain.declarations import Rights
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    both,
    checked,
    col,
    every,
    first,
    hold_row,
    local_day,
    next_number,
    of,
    only,
    program,
    program_of,
    rewrite,
    run,
    says_something,
    scalar,
    seal,
    unseal,
)
from domain.participants import asked_rights, identity_within, signers
from domain.record import apart, events, readings, record_read
from domain.roles import FOR_PRIVACY
from locales import N_
from models.consent import SIGNED_BY
from models.lifecycles import RIGHTS_REQUEST, NoSuchMove
from models.participant import Participant
from models.program import LANGUAGES, Person
from models.right import HANDED_OVER, RIGHTS, VERIFIED_BY, RightsPackage, RightsRequest

#: The officer's task: the answer, by the last day that the law gives.
ANSWER: Final = "rights.answer"
#: Those that are open: their days run.
OPEN: Final = ("received", "preparing")
#: Any number that no other lock of ours uses; the program stands beside it.
_LOCK: Final = 0x14C2
#: What has to be said in words.
_WORDED: Final = ("correction", "complaint")
#: What is read for its own sake alone.
_SEALED: Final = (RightsRequest.asked, RightsRequest.masks, RightsRequest.answer, RightsRequest.statement)
_UNKNOWN: Final = N_("There is no such request.")
_CHANGED: Final = N_("This request was changed by someone else or in another window. Nothing was saved; look again.")


@dataclass(frozen=True)
class RequestGiven:
    """A request as it is taken down. `file` is the number or reference that the person gave, "" where they have none.

    `asked_by` says as what they ask; `verified_by` how they showed who they are, on which day. No copy is kept.
    """

    kind: str
    received_on: date
    asked_by: str
    verified_by: str
    verified_on: date
    language: str
    file: str = ""
    person_id: UUID | None = None
    asked: str = ""


def rights_of(session: Session) -> Rights:
    """The days and grounds of the program's file, as it was loaded last; the grammar's own where it says nothing."""
    return Rights.model_validate(program(session).rights)


def receive(session: Session, given: RequestGiven, *, by: Actor, at: datetime) -> UUID:
    """Record a request under the register's next number, and give the officer a task by its last day.

    Raises Refusal: something is missing or cannot be, no file has that number, who asks may not ask for this person on
    the day it was received, or the same is asked already. Of what was withdrawn and is asked again while its days run,
    the last day stays: nobody wins days by taking a request back.
    """
    _refuse_malformed(session, given, local_day(session, at))
    participant_id = None if not given.file.strip() else _file_of(session, given.file)
    if participant_id is None and given.kind in ("correction", "restriction"):
        raise Refusal("rights.file.missing", N_("Give the number or the reference: there is nothing else to change."))
    if participant_id is not None:
        refuse_who_may_not_ask(session, participant_id, given.asked_by, given.received_on)
        open_already = _open_of(participant_id, given)
        if scalar(session, only(RightsRequest.id).where(*open_already)) is not None:
            raise Refusal("rights.asked", N_("The same is asked of this file already, and not answered yet."))
    here = program_of(session)
    run(session, text("select pg_advisory_xact_lock(:ours, hashtext(:here))"), {"ours": _LOCK, "here": str(here)})
    number = max(next_number(session, RightsRequest.number), apart.last_given(session, "rights_request") + 1)
    request_id = uuid4()
    due_on = given.received_on + timedelta(days=rights_of(session).answered_in_days)
    before = _withdrawn_before(session, participant_id, given)
    row = RightsRequest(
        program_id=here,
        id=request_id,
        number=number,
        participant_id=participant_id,
        kind=given.kind,
        received_on=given.received_on,
        due_on=min([due_on, *(one.due_on for one in before)]),
        asked_by=given.asked_by,
        verified_by=given.verified_by,
        verified_on=given.verified_on,
        language=given.language,
        person_id=given.person_id if given.kind == "restriction" else None,
        asked=_sealed(session, participant_id, request_id, "asked", given.asked),
        recorded_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    add_row(session, row)
    apart.note_number(session, request_id, apart.Given("rights_request", number), at=at)
    events.write(session, "rights.received", "rights_request", request_id, by=by, at=at, kind=given.kind)
    _ask_to_answer(session, row, by=by, at=at)
    return request_id


def extend(session: Session, request_id: UUID, notice_on: date, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Record that who asked was told, on a day within the first delay, that it takes longer. Once. Raises Refusal."""
    row = hold(session, request_id, seen=seen)
    more = rights_of(session).extended_by_days
    before = _withdrawn_before(session, row.participant_id, row)
    if not more or any(one.extended_on is not None for one in (row, *before)):
        raise Refusal("rights.extended", N_("The law gives more days once, and they were taken already."))
    if not row.received_on <= notice_on <= local_day(session, at):
        raise Refusal("rights.day", N_("This day is before the request was received, or still to come."))
    if notice_on > row.due_on:
        raise Refusal(
            "rights.extended_late",
            N_("More days take a notice given by %(day)s: that day was over. The answer is late."),
            day=row.due_on,
        )
    due_on = row.due_on + timedelta(days=more)
    rewrite(session, RightsRequest, request_id, extended_on=notice_on, due_on=due_on)
    events.write(session, "rights.extended", "rights_request", request_id, by=by, at=at, day=due_on.isoformat())
    asking.no_more(session, ANSWER, request_id, by=by, at=at)
    _ask_to_answer(session, hold(session, request_id), by=by, at=at)


@dataclass(frozen=True)
class Answered:
    """How an answer reached who asked, on which local day; what was done stands in words."""

    on: date
    handed_over: str
    words: str = ""


def withdraw(session: Session, request_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Record that who asked does not want it any more. Raises Refusal where it is over."""
    row = hold(session, request_id, seen=seen)
    _close(session, row, "withdraw", by=by, at=at)


def end(
    session: Session, row: RightsRequest, move: str, said: Answered, *, ground: str = "", by: Actor, at: datetime
) -> None:
    """End a locked request by an answer that was handed over. Raises Refusal."""
    if said.handed_over not in HANDED_OVER:
        raise Refusal("rights.handed_over", N_("Say how the answer was handed over."))
    if not row.received_on <= said.on <= local_day(session, at):
        raise Refusal("rights.day", N_("This day is before the request was received, or still to come."))
    if row.participant_id is not None:
        refuse_who_may_not_ask(session, row.participant_id, row.asked_by, said.on)
    values = {
        "ground": ground,
        "answered_on": said.on,
        "handed_over": said.handed_over,
        "answer": _sealed(session, row.participant_id, row.id, "answer", said.words),
    }
    _close(session, row, move, by=by, at=at, **values)


def hold(session: Session, request_id: UUID, *, seen: int | None = None) -> RightsRequest:
    """Lock a request. Raises Refusal: there is none, or it is not in the version that was seen."""
    return hold_row(session, RightsRequest, request_id, seen, "rights", _UNKNOWN, _CHANGED)


def state_after(row: RightsRequest, move: str) -> str:
    """The state of a request after a move. Raises Refusal where it is over."""
    try:
        return RIGHTS_REQUEST.after(row.state, move)
    except NoSuchMove:
        raise Refusal("rights.over", N_("This request is over: it was answered, refused or withdrawn.")) from None


def read_words(session: Session, request_id: UUID, *, by: Actor, at: datetime) -> dict[str, str]:
    """What was asked, answered and said beside it, by the names of their columns; noted on record, of a file.

    Nothing of what belonged to a file that is destroyed. Raises Refusal.
    """
    row = hold(session, request_id)
    found = {name: said for name in ("asked", "answer", "statement") if (said := words_of(session, row, name))}
    if row.participant_id is not None:
        record_read(session, "participant", row.participant_id, what="rights_request", ground="role", by=by, at=at)
    return found


def read_asked(session: Session, row: RightsRequest, *, by: Actor, at: datetime) -> str:
    """What a person asks to have corrected, for who has to do it; noted on record. Raises Refusal."""
    asked = words_of(session, row, "asked")
    if row.participant_id is not None:
        record_read(session, "participant", row.participant_id, what="rights_request", ground="part", by=by, at=at)
    return asked


def words_of(session: Session, row: RightsRequest, name: str) -> str:
    """The words of a request by the name of their column, unsealed; "" where there are none, or the file is gone."""
    sealed: bytes | None = getattr(row, name)
    if sealed is None or row.participant_id is None:
        return ""
    try:
        (said,) = unseal(session, row.participant_id, asked_rights.place_of(row.id, name), sealed).values()
    except Refusal as refusal:
        if refusal.code != "keys.gone":
            raise
        return ""
    return str(said)


def requests_of(session: Session, *, without: frozenset[UUID]) -> Sequence[RightsRequest]:
    """Every request of the register, those that are due first first, without what is sealed.

    `without` are the participants who barred the reader.
    """
    rows = every(
        session,
        of(RightsRequest, without=_SEALED).order_by(
            col(RightsRequest.ended_at).desc().nulls_first(), col(RightsRequest.due_on), col(RightsRequest.number)
        ),
    )
    return [row for row in rows if row.participant_id not in without]


def refuse_who_may_not_ask(session: Session, participant_id: UUID, asked_by: str, on: date) -> None:
    """Refuse one who may not ask for this person on a local day: the rule is that of the consents. Raises Refusal.

    From 14 on the person asks alone; under 14 who holds parental authority, or the tutor.
    """
    if asked_by not in signers(identity_within(session, participant_id).age_as_of(on)):
        raise Refusal(
            "rights.asked_by",
            N_("From 14 on the person asks themselves; before, who holds parental authority. Their age does not fit."),
        )


# --------------------------------------------------------------------------------------------------------- within


def _refuse_malformed(session: Session, given: RequestGiven, today: date) -> None:
    for said, among, code, why in (
        (given.kind, RIGHTS, "rights.kind", N_("Choose what is asked for.")),
        (given.verified_by, VERIFIED_BY, "rights.verified_by", N_("Say how they showed who they are.")),
        (given.asked_by, SIGNED_BY, "rights.who", N_("Say who asks.")),
        (given.language, LANGUAGES, "rights.language", N_("Choose the language of the answer.")),
    ):
        if said not in among:
            raise Refusal(code, why)
    if max(given.received_on, given.verified_on) > today:
        raise Refusal("rights.day.to_come", N_("This day is still to come."))
    if given.kind in _WORDED and given.file.strip() and not says_something(given.asked):
        raise Refusal("rights.words.missing", N_("Say what is asked for, in the person’s words."))
    _refuse_person(session, given)


def _refuse_person(session: Session, given: RequestGiven) -> None:
    """Refuse a restriction that names no worker, and a worker in any other request."""
    if given.kind == "restriction":
        known = given.person_id and scalar(session, only(Person.id).where(Person.id == given.person_id))
        if not known:
            raise Refusal("rights.person", N_("Choose the worker of whom the person speaks."))
    elif given.person_id is not None:
        raise Refusal("rights.no_person", N_("A worker is named only where the person wants them kept from the file."))


def _file_of(session: Session, typed: str) -> UUID:
    """The participant whose number or reference was typed; of a file joined to another, that one. Raises Refusal.

    Of one that is destroyed there is nothing to give, and it is not said that there was one.
    """
    named = col(Participant.number).in_(readings.as_written(typed)) | col(Participant.candidate_ref).in_(
        readings.as_written(typed)
    )
    found = scalar(session, only(Participant.id).where(named, Participant.state != "draft"))
    if found is not None:
        found = readings.files_of(session, [found])[found]
    row = first(session, of(Participant).where(Participant.id == found)) if found is not None else None
    if row is None or row.destroyed_at is not None:
        raise Refusal(
            "rights.file.not_held",
            N_("Nothing is held under this number. Correct it, or leave it empty and answer that nothing is held."),
        )
    return row.id


def _open_of(participant_id: UUID, given: RequestGiven) -> tuple[ColumnElement[bool], ...]:
    """The same, asked of a file and open; that another worker is kept away is not the same."""
    return (
        col(RightsRequest.participant_id) == participant_id,
        col(RightsRequest.kind) == given.kind,
        col(RightsRequest.person_id).is_not_distinct_from(given.person_id),
        col(RightsRequest.state).in_(OPEN),
    )


def _withdrawn_before(
    session: Session, participant_id: UUID | None, asked: RequestGiven | RightsRequest
) -> Sequence[RightsRequest]:
    """The requests for the same that were taken back, and whose days still ran when it was asked."""
    if participant_id is None:
        return ()
    same = (
        RightsRequest.participant_id == participant_id,
        RightsRequest.kind == asked.kind,
        col(RightsRequest.person_id).is_not_distinct_from(asked.person_id),
    )
    ran = (
        RightsRequest.state == "withdrawn",
        RightsRequest.received_on <= asked.received_on,
        RightsRequest.due_on > asked.received_on,
    )
    return every(session, of(RightsRequest, without=_SEALED).where(*same, *ran))


def _ask_to_answer(session: Session, row: RightsRequest, *, by: Actor, at: datetime) -> None:
    """Give the officer the task, by the register's number alone: a list of tasks never says that anyone is on file."""
    title = both(N_("Answer request no. %(number)s about a person’s own data"), number=row.number)
    assigning.assign(
        session,
        ANSWER,
        str(row.id),
        title_fr=title.fr,
        title_en=title.en,
        chain=FOR_PRIVACY,
        due_on=row.due_on,
        by=by,
        at=at,
        evidence=BY_ITS_ACT,
        at_once=True,
    )


def _close(session: Session, row: RightsRequest, move: str, *, by: Actor, at: datetime, **values: object) -> None:
    state = state_after(row, move)
    rewrite(session, RightsRequest, row.id, state=state, ended_by=by.person_id, ended_as=by.role, ended_at=at, **values)
    # The verbs, one by one: rights.answered, rights.refused, rights.refused_in_part, rights.withdrawn.
    events.write(session, f"rights.{state}", "rights_request", row.id, by=by, at=at, kind=row.kind)
    if move in ("withdraw", "refuse"):  # nobody is handed it any more
        asked_rights.remove_packages(session, col(RightsPackage.request_id) == row.id, state, at=at)
    if move == "withdraw":
        asking.nothing_more(session, row.id, by=by, at=at)
    else:
        asking.answered(session, ANSWER, row.id, by=by, at=at)


def _sealed(session: Session, participant_id: UUID | None, request_id: UUID, name: str, words: str) -> bytes | None:
    """Words of a request, sealed; None where there are none. Of who is not on file, none are kept."""
    said = checked(words)
    if participant_id is None or not says_something(said):
        return None
    return seal(session, participant_id, asked_rights.place_of(request_id, name), {"words": said})
