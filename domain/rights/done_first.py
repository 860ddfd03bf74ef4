"""What a request asks to be done before it is answered: a package, a correction, a worker kept away; and the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import barring
from domain.casework import asking
from domain.kernel import Actor, Refusal, col, only, rewrite, says_something, there_is
from domain.participants import known_as
from domain.record import events
from domain.rights import requests
from domain.roles import Link
from locales import N_
from models.casework import Task
from models.right import REFUSAL_GROUNDS, WITH_A_PACKAGE, RightsPackage, RightsRequest

#: The coordinator's: a correction that the officer accepted.
CORRECT: Final = "rights.correct"
#: In how many working days the coordinator makes a correction.
DAYS_TO_CORRECT: Final = 5


def accept_correction(session: Session, request_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Accept what is to be corrected, and ask the coordination to make it by the acts there are. Raises Refusal."""
    row = requests.hold(session, request_id, seen=seen)
    if row.kind != "correction" or row.participant_id is None:
        raise Refusal("rights.not_a_correction", N_("This request asks for no correction."))
    rewrite(session, RightsRequest, request_id, state=requests.state_after(row, "prepare"))
    events.write(session, "rights.accepted", "rights_request", request_id, by=by, at=at)
    asking.ask(
        session,
        CORRECT,
        request_id,
        N_("Correct the file of %(file)s as the person asks (request no. %(number)s)"),
        file=known_as(session, row.participant_id),
        number=row.number,
        chain=[Link("coordinator")],
        working_days=DAYS_TO_CORRECT,
        evidence="none",
        by=by,
        at=at,
    )


def restrict(session: Session, request_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Bar the worker that a person wants to keep away, at once and without a reason. Raises Refusal."""
    row = requests.hold(session, request_id, seen=seen)
    if row.kind != "restriction" or row.participant_id is None or row.person_id is None:
        raise Refusal("rights.not_a_restriction", N_("This request asks to keep no worker away."))
    # The bar may have been lifted meanwhile, by an act of its own: the same button bars anew.
    if row.state != "preparing":
        rewrite(session, RightsRequest, request_id, state=requests.state_after(row, "prepare"))
    barring.bar(session, row.participant_id, row.person_id, by=by, at=at)
    events.write(session, "rights.accepted", "rights_request", request_id, by=by, at=at)


def answer(
    session: Session, request_id: UUID, said: requests.Answered, *, seen: int | None, by: Actor, at: datetime
) -> None:
    """Record that a request was answered. What it asks for is there: a package, a correction, a worker kept away.

    Raises Refusal: a day that cannot be, the wrong person, or it is not there. A person who turned 14 since it was
    asked for them gets it themselves.
    """
    row = requests.hold(session, request_id, seen=seen)
    refuse_not_done(session, row)
    requests.end(session, row, "answer", said, by=by, at=at)


def refuse(
    session: Session,
    request_id: UUID,
    ground: str,
    said: requests.Answered,
    *,
    in_part: bool,
    seen: int | None,
    by: Actor,
    at: datetime,
) -> None:
    """Record that a request was refused, whole or in part, on a ground in law and with words. Raises Refusal."""
    row = requests.hold(session, request_id, seen=seen)
    if ground not in REFUSAL_GROUNDS:
        raise Refusal("rights.ground", N_("Choose the ground in law on which it is refused."))
    if row.participant_id is not None and not says_something(said.words):
        raise Refusal("rights.reason.missing", N_("Say why it is refused: the person is told, and may complain."))
    if in_part:
        refuse_not_done(session, row)
    else:
        _refuse_done(session, row)
        asking.no_more(session, CORRECT, row.id, by=by, at=at)
    requests.end(session, row, "refuse_in_part" if in_part else "refuse", said, ground=ground, by=by, at=at)


def is_kept_away(session: Session, row: RightsRequest) -> bool:
    """Whether the worker of whom a restriction speaks is kept away from the file now."""
    if row.participant_id is None or row.person_id is None:
        return False
    return barring.is_barred(session, row.participant_id, row.person_id)


def _refuse_done(session: Session, row: RightsRequest) -> None:
    """Refuse to say that a request was refused whole where what it asks for was done. Raises Refusal."""
    if is_kept_away(session, row):
        raise Refusal(
            "rights.barred_already",
            N_("The worker is kept away from the file: that cannot be called refused. Answer the request as it is."),
        )
    if row.kind == "correction" and there_is(
        session, only(Task.id).where(Task.step == CORRECT, Task.item == str(row.id), Task.state == "done")
    ):
        raise Refusal(
            "rights.corrected_already",
            N_("The correction was made: that cannot be called refused. Answer it, or refuse the rest in part."),
        )


def refuse_not_done(session: Session, row: RightsRequest) -> None:
    """Refuse to say that a request was answered before what it asks for is there. Raises Refusal."""
    if row.participant_id is None or row.ended_at is not None:
        return
    if row.kind in WITH_A_PACKAGE:
        made = RightsPackage.request_id == row.id, col(RightsPackage.removed_at).is_(None)
        if not there_is(session, only(RightsPackage.id).where(*made)):
            raise Refusal("rights.no_package", N_("There is no package: it was not made yet, or its last day is over."))
    elif row.kind == "correction":
        if row.state == "received" or asking.open_ones(session, CORRECT, row.id):
            raise Refusal("rights.not_corrected", N_("Accept it first; the coordination then makes the correction."))
    elif row.person_id is not None and not is_kept_away(session, row):
        raise Refusal("rights.not_barred", N_("Keep the worker away from the file first."))
