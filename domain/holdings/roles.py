"""The roles that a person holds, and the agreements that wait for their signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, cast, func, or_, select, update
from sqlmodel import Session

from domain.agreements import succession
from domain.declared.reading import Bilingual
from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import many, one, program_of
from domain.roles.roles import never_began
from locales import N_
from models.agreement import Agreement, AgreementVersion, Signature
from models.base import refers, table_of
from models.casework import Task
from models.departure import Departure, Settlement
from models.program import Organization, Role, Tenure
from models.record import Event

TENURE: Final = "tenure"
SIGNATURE: Final = "signature"

_tenure = table_of(Tenure)
_role = table_of(Role)
_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_signature = table_of(Signature)
_departure = table_of(Departure)
_settlement = table_of(Settlement)
_task = table_of(Task)
_event = table_of(Event)

_HELD = N_("%(role)s, %(organization)s")
_TO_SIGN = N_("Signature of agreement version %(number)s, %(organization)s")


def tenures_of(leaving: Leaving) -> list[Holding]:
    """The roles that they hold on the day or from a later day on, each until somebody follows or nobody is to.

    Of who leaves also those that ended since that is known, or never began: nobody follows in them by that alone. One
    that became another by an agreement's next version is left as that one.
    """
    session = leaving.session
    since = min(leaving.day, leaving.known_on or leaving.day)
    instead = _tenure.alias("instead")
    # The other one was given in the same act by which this one ended.
    given_instead = (
        select(_event.c.n).where(tells_of(instead, "tenure.started"), _event.c.at == _tenure.c.ended_at).exists()
    )
    became_another = (
        select(instead.c.id)
        .where(
            instead.c.program_id == _tenure.c.program_id,
            instead.c.id.in_(leaving.roles_left),
            instead.c.organization_id == _tenure.c.organization_id,
            instead.c.starts_on == _tenure.c.ends_on + 1,
            instead.c.taken_back_at.is_(None),
            or_(_tenure.c.id.not_in(leaving.roles_left), given_instead),
        )
        .exists()
    )
    rows = many(
        session,
        _with_words(session)
        .where(
            _tenure.c.person_id == leaving.person_id,
            _tenure.c.taken_back_at.is_(None),
            ~became_another,
            *([or_(_tenure.c.starts_on <= leaving.last_day, never_began())] if leaving.last_day else []),
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= since, _tenure.c.id.in_(leaving.roles_left)),
        )
        .order_by(_tenure.c.starts_on, _tenure.c.role),
    )
    return [
        Holding(TENURE, row["id"], _in_words(row), f"/people/{leaving.person_id}")
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


def tells_of(held: FromClause, verb: str) -> ColumnElement[bool]:
    """The condition on a line of the record that it tells, by this verb, of an appointment to a role there.

    Of whichever one: "tenure.started" of one on any first day, "tenure.ended" of one on any last day.
    """
    return and_(
        _event.c.program_id == held.c.program_id,
        _event.c.subject_id == held.c.person_id,
        _event.c.verb == verb,
        _event.c.facts["role"].astext == held.c.role,
        _event.c.facts["organization"].astext == cast(held.c.organization_id, Text),
    )


def called(session: Session, tenure_id: UUID) -> Bilingual:
    """A role that somebody holds or held, in words: what it is, and where. Raises LookupError where there is none."""
    row = one(session, _with_words(session).where(_tenure.c.id == tenure_id))
    if row is None:
        msg = "no such appointment"
        raise LookupError(msg)
    return _in_words(row)


def role_of(session: Session, tenure_id: UUID) -> str:
    """The key of the role of an appointment, "" where there is none."""
    where = (_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
    return session.scalar(select(_tenure.c.role).where(*where)) or ""


@succession.became_another.owner
def leave_it_instead(session: Session, tenure_id: UUID, instead: UUID) -> None:
    """A role became another one by an agreement's next version: what a departure says of it is of the other by then.

    It ends that one, and asks who follows in it, under its own words; who was named already follows there. Also one
    that was called off, which may be taken up again.
    """
    here, was, now, whole = program_of(session), str(tenure_id), str(instead), _departure.c.was_to_end
    cases = session.scalars(
        update(_departure)
        .where(_departure.c.program_id == here, whole.has_key(was))
        .values(
            was_to_end=whole.op("-")(cast(was, Text)).op("||")(func.jsonb_build_object(now, whole[was])),
            version=_departure.c.version + 1,
        )
        .returning(_departure.c.case_id)
    ).all()
    session.execute(
        update(_settlement)
        .where(
            _settlement.c.program_id == here,
            _settlement.c.case_id.in_(cases),
            _settlement.c.kind == TENURE,
            _settlement.c.holding_id == tenure_id,
        )
        .values(holding_id=instead)
    )
    before, after = called(session, tenure_id), called(session, instead)
    asked = and_(
        _task.c.program_id == here,
        _task.c.case_id.in_(cases),
        _task.c.holding == TENURE,
        _task.c.item == tenure_id.hex,
    )
    for row in many(session, select(_task.c.id, _task.c.title_fr, _task.c.title_en).where(asked)):
        session.execute(
            update(_task)
            .where(_task.c.program_id == here, _task.c.id == row["id"])
            .values(
                item=instead.hex,
                title_fr=_retitled(row["title_fr"], before.fr, after.fr),
                title_en=_retitled(row["title_en"], before.en, after.en),
                version=_task.c.version + 1,
            )
        )


def _retitled(title: str, before: str, after: str) -> str:
    return title.removesuffix(before) + after if title.endswith(before) else title


def _with_words(session: Session) -> Select[Any]:
    return (
        select(
            _tenure.c.id,
            _tenure.c.organization_id,
            _organization.c.short_name,
            _role.c.title_fr,
            _role.c.title_en,
        )
        .join(_role, and_(_role.c.program_id == _tenure.c.program_id, _role.c.key == _tenure.c.role))
        .join(_organization, refers(_tenure.c.organization_id, _organization))
        .where(_tenure.c.program_id == program_of(session))
    )


def _in_words(row: Mapping[str, Any]) -> Bilingual:
    return both(_HELD, role={"fr": row["title_fr"], "en": row["title_en"]}, organization=row["short_name"])


def signatures_of(leaving: Leaving) -> list[Holding]:
    """The agreements that were sent to be signed and that wait for them as the director. Whoever directs then signs."""
    session = leaving.session
    directs = [held.organization_id for held in leaving.standing.roles_of(leaving.person_id) if held.role == "director"]
    wanted: list[Any] = [place for place in directs if leaving.concerns(place)]
    if not wanted:
        return []
    signed = (
        select(_signature.c.id)
        .where(
            _signature.c.program_id == _version.c.program_id,
            _signature.c.agreement_version_id == _version.c.id,
            _signature.c.person_id == leaving.person_id,
        )
        .exists()
    )
    rows = many(
        session,
        select(_version.c.id, _version.c.n, _agreement.c.id.label("agreement_id"), _organization.c.short_name)
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(
            _version.c.program_id == program_of(session),
            _version.c.state == "sent",
            _agreement.c.organization_id.in_(wanted),
            ~signed,
        )
        .order_by(_organization.c.short_name, _version.c.n),
    )
    gone = leaving.without_them()
    return [
        Holding(
            SIGNATURE,
            row["id"],
            both(_TO_SIGN, number=row["n"], organization=row["short_name"]),
            f"/program/agreements/{row['agreement_id']}",
            tuple({held.person_id for place in wanted for held in gone.holding("director", place)}),
        )
        for row in rows
    ]
