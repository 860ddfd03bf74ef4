"""How the tests have participants: admitted under a number, with a follow-up opened by the real verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import consent_forms
from domain.accompaniment.consent_forms import PartnerTick, SignedForm
from domain.follow_ups import activities, opening
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, program_of
from domain.kernel.sealing import new_key
from domain.participants.identity import sealed_identity
from models.base import table_of
from models.casework import Task
from models.consent import Consent, ConsentForm
from models.follow_up import Assignment, FollowUp
from models.participant import Barred, DataKey, Participant
from models.program import Organization
from models.record import Event
from tests import signing
from tests.cast import AT, Cast
from tests.domain.obligations.signed import put_in_force
from tests.raw_rows import many, one
from tests.referring import ONDINE

_follow_up = table_of(FollowUp)
_assignment = table_of(Assignment)
_participant = table_of(Participant)
_task = table_of(Task)
_event = table_of(Event)
_consent = table_of(Consent)
_organization = table_of(Organization)

#: Who follows whom in these tests, and who cannot: worker_em has not arrived yet.
WORKER, SECOND, THIRD = "worker_ccsmtl", "worker_codim", "without_mail"
#: The digest of what was signed before the tests began.
OF_BEFORE: Final = "0" * 64


def agreed(session: Session, cast: Cast) -> None:
    """Put every agreement in force."""
    put_in_force(session, cast)


def in_force(cast: Cast) -> None:
    """The same, before anything else: for `arranged`, which does it once a run."""
    with cast.session() as session:
        agreed(session, cast)


def admitted(
    session: Session, cast: Cast, number: str = "#2026-01", *, recruiter: bool = False, at: datetime = AT
) -> UUID:
    """Somebody with a number, of whom nothing nominative is kept, and who shares with every partner."""
    participant_id = uuid4()
    new_key(session, participant_id)
    session.add(
        Participant(
            program_id=cast.program_id,
            id=participant_id,
            candidate_ref=f"C-{_letters(number)}",
            number=number,
            state="admitted",
            recruiter=recruiter,
            languages=["fr"],
            admitted_on=local_day(session, at),
        )
    )
    session.flush()
    session.add(DataKey(program_id=cast.program_id, participant_id=participant_id, made_at=at))
    session.flush()
    _agree_to_everything(session, cast, participant_id, at)
    return participant_id


def _agree_to_everything(session: Session, cast: Cast, participant_id: UUID, at: datetime) -> None:
    """The consents without which nobody is admitted, and to sharing with every partner."""
    day = local_day(session, at)
    partners = select(_organization.c.id).where(
        _organization.c.program_id == cast.program_id, _organization.c.kind != "outside"
    )
    worker_id = cast.people.get(WORKER) or next(iter(cast.people.values()))
    form_id = uuid4()
    session.add(
        ConsentForm(
            program_id=cast.program_id,
            id=form_id,
            participant_id=participant_id,
            way="paper",
            text_digest=OF_BEFORE,
            copy_given_on=day,
            recorded_by=worker_id,
            recorded_at=at,
        )
    )
    session.flush()
    for place in (None, *session.scalars(partners)):
        session.add(
            Consent(
                program_id=cast.program_id,
                participant_id=participant_id,
                form_id=form_id,
                purpose="sharing" if place else "program",
                organization_id=place,
                text_key="consent",
                text_version=1,
                text_digest=OF_BEFORE,
                language="fr",
                explained_on=day,
                signed_on=day,
                signed_by="self",
                worker_id=worker_id,
                worker_signed_on=day,
                recorded_at=at,
            )
        )
    session.flush()


def left_without_consent(session: Session, participant_id: UUID) -> None:
    """What they agreed to before the tests' own consents holds no more."""
    session.execute(
        update(_consent)
        .where(
            _consent.c.participant_id == participant_id,
            _consent.c.text_digest == OF_BEFORE,
            _consent.c.replaced_at.is_(None),
        )
        .values(replaced_at=AT)
    )


def followed(
    session: Session,
    cast: Cast,
    number: str = "#2026-01",
    *,
    worker: str | None = WORKER,
    second: str | None = None,
    recruiter: bool = False,
    by: Actor | None = None,
    at: datetime = AT,
) -> UUID:
    """A follow-up of somebody who was just admitted."""
    return opening.open_follow_up(
        session,
        admitted(session, cast, number, recruiter=recruiter, at=at),
        worker=cast.people[worker] if worker else None,
        second=cast.people[second] if second else None,
        by=by or cast.actor("coordinator"),
        at=at,
    )


def bar(session: Session, cast: Cast, follow_up_id: UUID, person_id: UUID, *, at: datetime = AT) -> None:
    """The participant does not want this worker in their file."""
    session.add(
        Barred(
            program_id=cast.program_id,
            participant_id=row_of(session, follow_up_id)["participant_id"],
            person_id=person_id,
            recorded_by=cast.people["coordinator"],
            recorded_at=at,
        )
    )
    session.flush()


def consented(
    session: Session, cast: Cast, follow_up_id: UUID, *partners: str, program: bool = True, ends_on: date | None = None
) -> list[UUID]:
    """Have the participant, who is 16, sign the consent to the program, and to sharing with these partners alone."""
    participant_id, day = row_of(session, follow_up_id)["participant_id"], local_day(session, AT)
    known_as_somebody(session, participant_id)
    left_without_consent(session, participant_id)
    ticks = tuple(PartnerTick(cast.organizations[one], ends_on=ends_on) for one in partners)
    signed = SignedForm(
        day, day, "self", day, "fr", limits_stated=True, copy_given_on=day, ends_on=ends_on, partners=ticks,
        signed_after=True,
    )  # fmt: skip
    made = consent_forms.sign_form(session, participant_id, signed, signing.SCAN, by=cast.actor(WORKER), at=AT)
    if program:
        return made
    session.execute(update(_consent).where(_consent.c.id == made[0]).values(replaced_at=AT))
    return made[1:]


def row_of(session: Session, follow_up_id: UUID) -> dict[str, Any]:
    """A follow-up as it stands now."""
    found = one(
        session,
        select(_follow_up).where(_follow_up.c.program_id == program_of(session), _follow_up.c.id == follow_up_id),
    )
    assert found is not None
    return found


def parts(session: Session, follow_up_id: UUID) -> list[tuple[str, UUID, Any, Any]]:
    """Every part in a follow-up that was not withdrawn: its kind, whose it is, and its days."""
    rows = many(
        session,
        select(_assignment)
        .where(_assignment.c.follow_up_id == follow_up_id, _assignment.c.withdrawn_at.is_(None))
        .order_by(_assignment.c.starts_on, _assignment.c.kind),
    )
    return [(row["kind"], row["person_id"], row["starts_on"], row["ends_on"]) for row in rows]


def tasks_of(session: Session, step: str) -> list[dict[str, Any]]:
    """The tasks of a step outside any case, in the order in which they were opened."""
    return many(session, select(_task).where(_task.c.step == step).order_by(_task.c.opened_at, _task.c.item))


def told_of(session: Session, follow_up_id: UUID) -> list[str]:
    """What the record says of a follow-up, oldest first."""
    return list(session.scalars(select(_event.c.verb).where(_event.c.subject_id == follow_up_id).order_by(_event.c.n)))


def _letters(number: str) -> str:
    """A candidate's reference that is this number's own."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    count = int(number.removeprefix("#").replace("-", ""))
    found = ""
    for _ in range(6):
        count, place = divmod(count, len(alphabet))
        found += alphabet[place]
    return found


def known_as_somebody(session: Session, participant_id: UUID) -> None:
    """Somebody of whom it is known who they are: 16 years old on the tests' day."""
    columns = sealed_identity(session, participant_id, ONDINE.identity(local_day(session, AT)))
    session.execute(update(_participant).where(_participant.c.id == participant_id).values(**columns))


def plan(
    session: Session,
    follow_up_ids: Sequence[UUID],
    *,
    held_on: date,
    kind: str = "meal",
    by: Actor,
    at: datetime = AT,
    begins: time = time(14),
    minutes: int = 60,
    place: str = "",
) -> UUID:
    """Plan an activity, at a place of its own where none is named."""
    place = place or f"Maison {uuid4().hex[:8]}"
    return activities.plan_activity(
        session, follow_up_ids, held_on=held_on, begins=begins, minutes=minutes, place=place, kind=kind, by=by, at=at
    )
