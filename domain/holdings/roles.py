"""The roles that a person holds, and the agreements that wait for their signature."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Text, func
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.agreements import succession
from domain.declared import Bilingual
from domain.holdings.holding import Holding, Leaving
from domain.kernel import (
    SHAPE,
    also,
    both,
    changes,
    col,
    every,
    first,
    inside,
    joins,
    lasts_beyond,
    of,
    only,
    rewrite,
    run,
    same,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.roles import never_began
from locales import N_
from models.agreement import Agreement, AgreementVersion, Signature
from models.casework import Task
from models.departure import Departure, Settlement
from models.program import Organization, Role, Tenure
from models.record import Event

TENURE: Final = "tenure"
SIGNATURE: Final = "signature"

_HELD = N_("%(role)s, %(organization)s")
_TO_SIGN = N_("Signature of agreement version %(number)s, %(organization)s")


def tenures_of(leaving: Leaving) -> list[Holding]:
    """The roles that they hold on the day or from a later day on, each until there is a successor or none is to come.

    For a leaver also those that ended since the departure was known, or never began: those have no successor by that
    alone. A role that became another by an agreement's next version is left as that one.
    """
    since = min(leaving.day, leaving.known_on or leaving.day)
    instead = aliased(Tenure, name="instead")
    # The other one was given in the same act by which this one ended.
    given_instead = select(Event.n).where(tells_of(instead, "tenure.started"), Event.at == Tenure.ended_at).exists()
    became_another = (
        select(instead.id)
        .where(
            same(instead, Tenure),
            col(instead.id).in_(leaving.roles_left),
            instead.organization_id == Tenure.organization_id,
            col(instead.starts_on) == col(Tenure.ends_on) + 1,
            col(instead.taken_back_at).is_(None),
            or_(col(Tenure.id).not_in(leaving.roles_left), given_instead),
        )
        .exists()
    )
    rows = every(
        leaving.session,
        _with_words()
        .where(
            Tenure.person_id == leaving.person_id,
            col(Tenure.taken_back_at).is_(None),
            ~became_another,
            *([or_(col(Tenure.starts_on) <= leaving.last_day, never_began())] if leaving.last_day else []),
            or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= since, col(Tenure.id).in_(leaving.roles_left)),
        )
        .order_by(col(Tenure.starts_on), col(Tenure.role)),
    )
    return [
        Holding(TENURE, row.id, _in_words(row), f"/people/{leaving.person_id}")
        for row in rows
        if leaving.concerns(row.organization_id)
    ]


def told(fact: str) -> ColumnElement[str]:
    """A fact of a line of the record, as text."""
    return cast("ColumnElement[str]", inside(Event.facts)[fact].astext)


def tells_of(held: Any, verb: str) -> ColumnElement[bool]:
    """The condition on a line of the record that it tells, by this verb, of an appointment to a role there.

    Of any such appointment: "tenure.started" of one on any first day, "tenure.ended" of one on any last day.
    """
    return and_(
        same(Event, held),
        Event.subject_id == held.person_id,
        Event.verb == verb,
        told("role") == col(held.role),
        told("organization") == sql_cast(col(held.organization_id), Text),
    )


def called(session: Session, tenure_id: UUID) -> Bilingual:
    """A role that a person holds or held, in words: what it is, and where. Raises LookupError where there is none."""
    row = first(session, _with_words().where(Tenure.id == tenure_id))
    if row is None:
        msg = "no such appointment"
        raise LookupError(msg)
    return _in_words(row)


def terms_beyond(session: Session, role: Tenure, last_day: date) -> list[Tenure]:
    """The appointments to the same role there, of anyone, that reach beyond a last day, the earliest first."""
    held = of(Tenure).where(Tenure.role == role.role, Tenure.organization_id == role.organization_id)
    beyond = held.where(lasts_beyond(Tenure, last_day), ~never_began())
    return every(session, beyond.order_by(col(Tenure.starts_on), col(Tenure.id)))


def role_of(session: Session, tenure_id: UUID) -> str:
    """The key of the role of an appointment, "" where there is none."""
    return scalar(session, only(Tenure.role).where(Tenure.id == tenure_id)) or ""


@succession.became_another.owner
def leave_it_instead(session: Session, tenure_id: UUID, instead: UUID) -> None:
    """Move what a departure says of a role to the role that it became by an agreement's next version.

    The departure ends that one, and asks who succeeds in it, under its own words; a named successor already succeeds
    there. Also for a cancelled departure, which may be put in force again.
    """
    was, now, whole = str(tenure_id), str(instead), col(Departure.was_to_end)
    cases = scalars(
        session,
        changes(Departure)
        .where(whole.has_key(was))
        .values(
            was_to_end=whole.op("-")(sql_cast(was, Text)).op("||")(func.jsonb_build_object(now, whole[was])),
            version=col(Departure.version) + 1,
        )
        .returning(col(Departure.case_id)),
    ).all()
    run(
        session,
        changes(Settlement)
        .where(col(Settlement.case_id).in_(cases), Settlement.kind == TENURE, Settlement.holding_id == tenure_id)
        .values(holding_id=instead),
    )
    before, after = called(session, tenure_id), called(session, instead)
    asked = of(Task).where(col(Task.case_id).in_(cases), Task.holding == TENURE, Task.item == tenure_id.hex)
    for row in every(session, asked):
        title_fr = _retitled(row.title_fr, before.fr, after.fr)
        title_en = _retitled(row.title_en, before.en, after.en)
        rewrite(session, Task, row.id, item=instead.hex, title_fr=title_fr, title_en=title_en)


def _retitled(title: str, before: str, after: str) -> str:
    return title.removesuffix(before) + after if title.endswith(before) else title


class _Named(Tenure):
    """An appointment, with the names of its role and its organization."""

    model_config = SHAPE
    short_name: str = also(Organization.short_name)
    title_fr: str = also(Role.title_fr)
    title_en: str = also(Role.title_en)


def _with_words() -> SelectOfScalar[_Named]:
    return (
        of(_Named)
        .join(Role, and_(same(Role, Tenure), Role.key == Tenure.role))
        .join(Organization, joins(Tenure.organization_id, Organization))
    )


def _in_words(row: _Named) -> Bilingual:
    return both(_HELD, role={"fr": row.title_fr, "en": row.title_en}, organization=row.short_name)


def signatures_of(leaving: Leaving) -> list[Holding]:
    """The agreements sent for their signature as the director. The director of that time then signs."""
    directs = [held.organization_id for held in leaving.standing.roles_of(leaving.person_id) if held.role == "director"]
    wanted: list[Any] = [place for place in directs if leaving.concerns(place)]
    if not wanted:
        return []
    signed = (
        select(Signature.id)
        .where(
            joins(Signature.agreement_version_id, AgreementVersion),
            Signature.person_id == leaving.person_id,
            col(Signature.taken_back_at).is_(None),
        )
        .exists()
    )
    rows = tuples(
        leaving.session,
        only(AgreementVersion.id, AgreementVersion.n, Agreement.id, Organization.short_name)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(AgreementVersion.state == "sent", col(Agreement.organization_id).in_(wanted), ~signed)
        .order_by(col(Organization.short_name), col(AgreementVersion.n)),
    )
    gone = leaving.without_them()
    return [
        Holding(
            SIGNATURE,
            version_id,
            both(_TO_SIGN, number=n, organization=name),
            f"/program/agreements/{agreement_id}",
            tuple({held.person_id for place in wanted for held in gone.holding("director", place)}),
        )
        for version_id, n, agreement_id, name in rows
    ]
