"""From one version of an agreement to the next: renewing it, and the day on which the next takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from domain.agreements import signed_files
from domain.agreements.agreements import draft_version, roles_left, signatures_of, start_version
from domain.agreements.terminations import end_version
from domain.agreements.version_text import content_of_version
from domain.kernel import Actor, Refusal, col, every, first, hook, local_day, of, only, run, scalars, surely
from domain.people import people, privacy_officers
from domain.roles import may_act_as
from locales import N_
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.program import Tenure

_DAY = timedelta(days=1)


def renew(session: Session, agreement_id: UUID, *, by: Actor, at: datetime) -> UUID:
    """Draft the next version of an agreement from the text that was signed last; returns its id.

    It says the same until it is rewritten. What carries a signature never changes, so another text is another version
    also where the signed one is not in force. For example a director asks for a change that the other has signed
    without, a fault is seen before the first day, or a partner who was leaving returns. Raises Refusal: no such
    agreement, or a version that may still be rewritten.
    """
    rows = _held_versions(session, agreement_id)
    if not rows:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    if any(may_be_rewritten(session, row) for row in rows):
        raise Refusal(
            "agreement.on_its_way", N_("Another version is already drafted, or sent: continue with that one.")
        )
    return draft_version(session, agreement_id, content_of_version(session, rows[-1].id), by=by, at=at)


def may_be_rewritten(session: Session, version: AgreementVersion) -> bool:
    """Whether a version is a draft, or can be one again: it was sent, and not signed."""
    return version.state in ("draft", "sent") and not signatures_of(session, version.id)


def begin(
    session: Session,
    version_id: UUID,
    *,
    starts_on: date,
    ends_on: date | None = None,
    becomes: Mapping[str, str] | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Bring a signed version into force from a local day on, in the place of the one that is in force.

    That one ends on the day before, in the same act, also where it was to end later: so every day has exactly one.
    Where its last day comes sooner, the next begins on the day after that, or later once that day is past. `becomes`
    names, for each role that the new version no longer creates, the role that its holders hold from that day on. A
    holder keeps their last day; what was open under the old role is another's, or shows as vacant. Raises Refusal: as
    `agreements.start_version`, a past day after another version, a signature on paper of which there is no file, a gap,
    or a role that becomes none of the new version, or one to which its holders' role opens nothing.
    """
    signed_files.refuse_unfiled(session, version_id)
    agreement_id = _agreement_of(session, version_id)
    before = _before(_held_versions(session, agreement_id), version_id)
    created = set(scalars(session, only(AgreementRole.role).where(AgreementRole.agreement_version_id == version_id)))
    wanted, left = dict(becomes or {}), roles_left(session, version_id, starts_on)
    if not set(wanted.values()) <= created or not set(wanted) <= {one.role for one in left}:
        raise Refusal("role.unknown_kind", N_("A role becomes another only if the new version creates it."))
    if any(not may_act_as(role, {was}) for was, role in wanted.items()):
        raise Refusal(
            "role.not_open_to_them",
            N_(
                "A role becomes one that does the same work, or has the same access. If a "
                "person’s work changes, appoint them to the other role on their own page."
            ),
            source="AG-X2",
        )
    # All of it or nothing: one that ended with none in its place would stop what it should carry on.
    with session.begin_nested():
        if before is not None:
            _end_the_one_before(session, before, starts_on, by=by, at=at)
            _refuse_past(starts_on, local_day(session, at))
        start_version(
            session, version_id, starts_on=starts_on, ends_on=ends_on, by=by, at=at, settled=set(wanted), seen=seen
        )
        for tenure in left:
            if tenure.role in wanted:
                _hand_on(session, tenure, wanted[tenure.role], starts_on, by=by, at=at)


def _refuse_past(starts_on: date, today: date) -> None:
    # What was owed under the version before, and how that was judged, is taken back by no day that is past.
    if starts_on < today:
        raise Refusal(
            "agreement.begins_in_the_past",
            N_("A version that follows another begins today at the earliest: what was in force until now stays so."),
        )


def _end_the_one_before(
    session: Session, before: AgreementVersion, starts_on: date, *, by: Actor, at: datetime
) -> None:
    last, today = starts_on - _DAY, local_day(session, at)
    if before.ends_on is None or before.ends_on >= starts_on:
        is_over = before.state == "ended" and before.ends_on is not None and before.ends_on < today
        if is_over or last < surely(before.starts_on):
            raise Refusal(
                "agreement.two_in_force",
                N_("Another version is in force on that day. End it first: two are never in force on one day."),
            )
        end_version(session, before.id, ends_on=last, is_followed=True, by=by, at=at)
    elif before.ends_on < last and before.ends_on >= today:
        raise Refusal(
            "agreement.gap",
            N_("The version in force has %(last)s as its last day: the next one begins on the day after, not later."),
            last=before.ends_on.isoformat(),
        )


def _hand_on(session: Session, tenure: Tenure, role: str, starts_on: date, *, by: Actor, at: datetime) -> None:
    """Move a role's holder to another role from a day on; one who was to begin later begins in it on their own day.

    Raises Refusal, also where they answer for privacy by the role and `by` may not end it.
    """
    privacy_officers.refuse_end(session, tenure, starts_on - _DAY, by=by, at=at)
    # Given first: between the two they would hold nothing, and their way in would be shut.
    becomes = people.appoint(
        session,
        person_id=tenure.person_id,
        role=role,
        organization_id=tenure.organization_id,
        starts_on=max(starts_on, tenure.starts_on),
        ends_on=tenure.ends_on,
        by=by,
        at=at,
    )
    if tenure.starts_on < starts_on:
        people.end_tenure(session, tenure.id, ends_on=starts_on - _DAY, by=by, at=at)
    elif tenure.starts_on > local_day(session, at):
        people.take_back(session, tenure.id, by=by, at=at)
    else:
        # It began today under the earlier version: it was held for that day.
        people.end_tenure(session, tenure.id, ends_on=tenure.starts_on, by=by, at=at)
    became_another(session, tenure.id, becomes)


@hook
def became_another(session: Session, tenure_id: UUID, instead: UUID) -> None:
    """Move what was said of a role to the role that it became by an agreement's next version."""


def _agreement_of(session: Session, version_id: UUID) -> UUID:
    found = first(session, of(AgreementVersion).where(AgreementVersion.id == version_id))
    if found is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    return found.agreement_id


def _held_versions(session: Session, agreement_id: UUID) -> list[AgreementVersion]:
    """Every version of an agreement, which is locked: two of its versions never move at once."""
    run(session, only(Agreement.id).where(Agreement.id == agreement_id).with_for_update())
    return every(
        session,
        of(AgreementVersion).where(AgreementVersion.agreement_id == agreement_id).order_by(col(AgreementVersion.n)),
    )


def _before(rows: list[AgreementVersion], version_id: UUID) -> AgreementVersion | None:
    """The version other than this that was last in force, or is to be."""
    begun = [row for row in rows if row.starts_on is not None and row.id != version_id]
    return max(begun, key=lambda row: surely(row.starts_on), default=None)
