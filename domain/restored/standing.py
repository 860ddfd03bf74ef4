"""How what had ended stands now, for each kind of act: whether it can be done again by the real act, and on what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, select

from domain.accompaniment import consents, workers
from domain.agreements import agreements
from domain.kernel import (
    col,
    first,
    in_program,
    inside,
    lasts_beyond,
    local_day,
    of,
    only,
    scalars,
    sealing,
    surely,
    there_is,
)
from domain.participants import research
from domain.research import staff_consents
from domain.restored.matters import id_in, last_restoration
from domain.terms import BEGUN
from models.access import Passkey
from models.agreement import AgreementVersion
from models.base import InProgram
from models.casework import Case
from models.committee import SeatHolder
from models.consent import Consent
from models.departure import Departure
from models.follow_up import Assignment, FollowUp
from models.ledger import RestoredMatter
from models.lifecycles import REDACTION
from models.meeting import Meeting, MeetingSeries
from models.participant import CandidateWorker, Participant
from models.program import Absence, Person, Tenure
from models.record import Event, Incident
from models.redaction import Redaction, WordKey
from models.referral import Referral
from models.research import Study, StudyRecipient

#: What can be done: it again; nothing, since it is so already, or what it is about was made after the copy; or it is
#: done where such things are done, and noted here.
Can = Literal["again", "so", "gone", "by_hand"]


@dataclass(frozen=True)
class Standing:
    """What can be done about a matter, and the row that it is done to."""

    can: Can
    thing: Any = None


def standing_of(session: Session, matter: RestoredMatter) -> Standing:
    """How what a matter is about stands now."""
    if not _is_there(session, matter):
        return Standing("gone")
    if matter.verb in SEEN_TO and SEEN_TO[matter.verb](session, matter):
        return Standing("so")
    finder = _FINDERS.get(matter.verb)
    if finder is None or (matter.verb == "redaction.done" and _key_is_gone(session, matter)):
        return Standing("by_hand")
    thing = finder(session, matter)
    return Standing("so") if thing is None else Standing("again", thing)


def _key_is_gone(session: Session, matter: RestoredMatter) -> bool:
    """Whether what was sealed opens no more, since its key was destroyed with the words: none can be taken out anew."""
    column = WordKey.meeting_id if matter.subject_kind == "meeting" else WordKey.incident_id
    sealed_under = only(WordKey.id).where(col(column) == id_in(matter, "subject"), col(WordKey.destroyed_at).is_(None))
    held = sealing.keys_of(session).held(made_before=datetime.max.replace(tzinfo=UTC))
    return any(key_id not in held for key_id in scalars(session, sealed_under))


def day_of(session: Session, matter: RestoredMatter) -> date:
    """The last day of what had ended: the one that was said, else the local day on which it was done."""
    said = matter.facts.get("day")
    return date.fromisoformat(str(said)) if said else local_day(session, matter.at)


def place_of(matter: RestoredMatter) -> UUID | None:
    """The organization that a matter names; None where it names none."""
    return id_in(matter, "organization")


_TABLES: Final[Mapping[str, type[InProgram]]] = {
    "person": Person,
    "participant": Participant,
    "agreement_version": AgreementVersion,
    "follow_up": FollowUp,
    "referral": Referral,
    "meeting": Meeting,
    "meeting_series": MeetingSeries,
    "study": Study,
}


# Of words that were taken out, a line of the ledger says of what: a meeting or an incident, with its id as `subject`.
def _is_there(session: Session, matter: RestoredMatter) -> bool:
    table: type[InProgram] | None = _TABLES.get(matter.subject_kind)
    subject_id: UUID | None = matter.subject_id
    if matter.verb == "redaction.done":
        table, subject_id = (Meeting if matter.subject_kind == "meeting" else Incident), id_in(matter, "subject")
    return table is None or there_is(session, select(table.id).where(in_program(table), col(table.id) == subject_id))


def _consent(session: Session, matter: RestoredMatter) -> Consent | None:
    place, purpose = place_of(matter), matter.facts.get("purpose")
    return next(
        (
            one
            for one in consents.consents_of(session, matter.subject_id)
            if (one.purpose, one.organization_id) == (purpose, place)
            and one.withdrawn_on is None
            and one.replaced_at is None
            and one.recorded_at <= matter.at
        ),
        None,
    )


def _research(session: Session, matter: RestoredMatter) -> object:
    return research.research_consent(session, matter.subject_id)


def _staff_consent(session: Session, matter: RestoredMatter) -> object:
    return staff_consents.consent_of(session, matter.subject_id)


def _recipient(session: Session, matter: RestoredMatter) -> UUID | None:
    named = of(StudyRecipient).where(
        StudyRecipient.study_id == matter.subject_id,
        StudyRecipient.person_id == matter.person_id,
        col(StudyRecipient.removed_at).is_(None),
        col(StudyRecipient.named_at) <= matter.at,
    )
    found = first(session, named)
    return found.person_id if found else None


def _open_study(session: Session, matter: RestoredMatter) -> UUID | None:
    found = first(session, of(Study).where(Study.id == matter.subject_id, col(Study.ended_at).is_(None)))
    return found.id if found else None


def _to_shut_out(session: Session, matter: RestoredMatter) -> UUID | None:
    """The person, unless their access was ended anew since the restore."""
    return None if _has_happened_since(session, matter, "access.ended") else matter.subject_id


def _has_happened_since(session: Session, matter: RestoredMatter, verb: str, *where: ColumnElement[bool]) -> bool:
    """Whether this was done to what a matter is about after the restore was found."""
    restored = last_restoration(session)
    since = restored.found_at if restored is not None else matter.at
    done = only(Event.id).where(
        Event.verb == verb, Event.subject_id == matter.subject_id, col(Event.recorded_at) > since, *where
    )
    return there_is(session, done)


def _has_new_address(session: Session, matter: RestoredMatter) -> bool:
    return _has_happened_since(session, matter, matter.verb, inside(Event.facts)["changed"].contains(["email"]))


#: Of what is done where such things are done: whether it was done anew, where the program can tell.
SEEN_TO: Final[Mapping[str, Callable[[Session, RestoredMatter], bool]]] = {"person.updated": _has_new_address}


def _passkey(session: Session, matter: RestoredMatter) -> UUID | None:
    passkey_id = id_in(matter, "passkey")
    live = select(Passkey.id).where(in_program(Passkey), Passkey.id == passkey_id, col(Passkey.ended_at).is_(None))
    return passkey_id if there_is(session, live) else None


def _tenure(session: Session, matter: RestoredMatter, *, begun: bool) -> Tenure | None:
    day = day_of(session, matter)
    days = (col(Tenure.starts_on) <= day, lasts_beyond(Tenure, day)) if begun else (col(Tenure.starts_on) > day,)
    if said := matter.facts.get("starts_on"):  # of several appointments, this one
        days = (col(Tenure.starts_on) == date.fromisoformat(str(said)),)
    return first(
        session,
        of(Tenure)
        .where(
            Tenure.person_id == matter.subject_id,
            Tenure.role == matter.facts.get("role"),
            Tenure.organization_id == place_of(matter),
            col(Tenure.taken_back_at).is_(None),
            *days,
        )
        .order_by(col(Tenure.starts_on).desc())
        .limit(1),
    )


def _to_open(session: Session, matter: RestoredMatter) -> UUID | None:
    """The organization that a person is to leave; None where a departure from it is open, or they are not there."""
    place = place_of(matter)
    there = of(Tenure).where(Tenure.person_id == matter.subject_id, Tenure.organization_id == place)
    if first(session, there.limit(1)) is None or _open_departure(session, matter) is not None:
        return None
    return place


def _open_departure(session: Session, matter: RestoredMatter) -> Departure | None:
    place = place_of(matter)
    return first(
        session,
        of(Departure)
        .join(Case, (col(Case.program_id) == col(Departure.program_id)) & (col(Case.id) == col(Departure.case_id)))
        .where(
            Departure.person_id == matter.subject_id,
            *([Departure.organization_id == place] if place else []),
            col(Departure.called_off_at).is_(None),
            col(Departure.ended_at).is_(None),
            Case.state == "open",
        )
        .limit(1),
    )


def _seat(session: Session, matter: RestoredMatter) -> SeatHolder | None:
    held = of(SeatHolder).where(
        SeatHolder.seat_id == matter.subject_id,
        SeatHolder.person_id == matter.person_id,
        col(SeatHolder.withdrawn_at).is_(None),
        lasts_beyond(SeatHolder, day_of(session, matter)),
    )
    return first(session, held.limit(1))


def _absence(session: Session, matter: RestoredMatter) -> Absence | None:
    live = of(Absence).where(Absence.id == id_in(matter, "absence"), col(Absence.cancelled_at).is_(None))
    return first(session, live)


def _deputizing(session: Session, matter: RestoredMatter) -> Absence | None:
    """The absence in which one who was replaced deputizes again."""
    held = _absence(session, matter)
    return held if held is not None and held.deputy_id == id_in(matter, "instead_of") else None


def _to_bar(session: Session, matter: RestoredMatter) -> UUID | None:
    person_id = id_in(matter, "person") or matter.person_id
    known = select(Person.id).where(in_program(Person), Person.id == person_id)
    return person_id if there_is(session, known) and _file(session, matter) is not None else None


def _file(session: Session, matter: RestoredMatter) -> Participant | None:
    kept = of(Participant, without=(Participant.sealed, Participant.names))
    return first(session, kept.where(Participant.id == matter.subject_id, Participant.state != "destroyed"))


def _part(session: Session, matter: RestoredMatter) -> UUID | None:
    worker = id_in(matter, "worker")
    current = select(Assignment.id).where(
        in_program(Assignment),
        Assignment.follow_up_id == matter.subject_id,
        Assignment.person_id == worker,
        col(Assignment.ended_at).is_(None),
        col(Assignment.withdrawn_at).is_(None),
    )
    return worker if there_is(session, current) else None


def _meets(session: Session, matter: RestoredMatter) -> CandidateWorker | None:
    """The pair that is to meet a candidate, where the one whom this is about is of it."""
    row = workers.named(session, matter.subject_id)
    return row if row is not None and id_in(matter, "worker") in (row.worker_id, row.second_id) else None


def _draft(session: Session, matter: RestoredMatter) -> UUID | None:
    draft = only(Referral.id).where(
        Referral.id == matter.subject_id, Referral.state == "draft", col(Referral.left_at).is_(None)
    )
    return matter.subject_id if there_is(session, draft) else None


def _to_hold(session: Session, matter: RestoredMatter) -> UUID | None:
    held = _file(session, matter)
    return None if held is None or held.held else held.id


def _to_keep(session: Session, matter: RestoredMatter) -> UUID | None:
    held, day = _file(session, matter), day_of(session, matter)
    return None if held is None or held.retain_until is None or held.retain_until >= day else held.id


def _version(session: Session, matter: RestoredMatter, *conditions: ColumnElement[bool]) -> UUID | None:
    found = select(AgreementVersion.id).where(
        in_program(AgreementVersion), AgreementVersion.id == matter.subject_id, *conditions
    )
    return matter.subject_id if there_is(session, found) else None


def _to_end(session: Session, matter: RestoredMatter) -> UUID | None:
    day = day_of(session, matter)
    goes_on = lasts_beyond(AgreementVersion, day)
    return _version(
        session, matter, col(AgreementVersion.state).in_(BEGUN), col(AgreementVersion.starts_on) <= day, goes_on
    )


def _not_to_begin(session: Session, matter: RestoredMatter) -> UUID | None:
    later = col(AgreementVersion.starts_on) > local_day(session, matter.at)
    return _version(session, matter, col(AgreementVersion.state).in_(BEGUN), later)


def _sent(session: Session, matter: RestoredMatter) -> UUID | None:
    return _version(session, matter, col(AgreementVersion.state) == "sent")


def _signature(session: Session, matter: RestoredMatter) -> UUID | None:
    director = id_in(matter, "director")
    signed = {one.person_id for one in agreements.signatures_of(session, matter.subject_id)}
    return director if director in signed else None


def _redacted(session: Session, matter: RestoredMatter) -> bool | None:
    """Whether words were taken out anew since the restore: True where so; None is never, there is always a way."""
    restored = last_restoration(session)
    subject_id = surely(id_in(matter, "subject"))
    column = Redaction.meeting_id if matter.subject_kind == "meeting" else Redaction.incident_id
    done = select(Redaction.id).where(
        in_program(Redaction),
        col(column) == subject_id,
        Redaction.state == REDACTION.after(REDACTION.initial, "redact"),
        *([col(Redaction.settled_at) >= restored.found_at] if restored else []),
    )
    return there_is(session, done)


_FINDERS: Final[Mapping[str, Callable[[Session, RestoredMatter], Any]]] = {
    "access.ended": _to_shut_out,
    "identity.linked": _to_shut_out,
    "passkey.removed": _passkey,
    "tenure.ended": partial(_tenure, begun=True),
    "tenure.taken_back": partial(_tenure, begun=False),
    "departure.opened": _to_open,
    "departure.last_day_over": _open_departure,
    "seat.left": _seat,
    "absence.cancelled": _absence,
    "absence.deputy_changed": _deputizing,
    "consent.withdrawn": _consent,
    "consent.replaced": _consent,
    "consent.narrowed": _consent,
    "research_consent.withdrawn": _research,
    "staff_research_consent.withdrawn": _staff_consent,
    "study.recipient_removed": _recipient,
    "study.ended": _open_study,
    "participant.barred": _to_bar,
    "follow_up.part_ended": _part,
    workers.MEETS_NO_MORE: _meets,
    "referral.left": _draft,
    "retention.held": _to_hold,
    "retention.moved": _to_keep,
    "agreement.ended": _to_end,
    "agreement.called_off": _not_to_begin,
    "agreement.withdrawn": _sent,
    "agreement.signature_taken_back": _signature,
    "redaction.done": _redacted,
}
