"""The letters of an agreement and their recipients: to sign, recorded, begun, to end, running out, lapsed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Language, local_day, program_of, surely
from domain.mail import COORDINATION, Facts, coordination_chain, notices, person_of
from domain.roles import Link, standing
from domain.terms import PartnerVersion
from locales import N_, say, show_list
from models.agreement import Agreement, AgreementVersion, Signature
from models.program import Organization


def to_sign(session: Session, version: PartnerVersion, directors: Iterable[UUID], *, by: Actor, at: datetime) -> None:
    """Ask each director to read a version and to sign it."""
    facts = _facts(session, version, by=by)
    _to_each(session, "agreement_to_sign", version, directors, notices.once_by(at), facts, at=at)


def taken_back(
    session: Session, version: PartnerVersion, directors: Iterable[UUID], *, by: Actor, at: datetime
) -> None:
    """Tell each director that there is nothing to sign for now."""
    facts = _facts(session, version, by=by)
    _to_each(session, "agreement_taken_back", version, directors, notices.once_by(at), facts, at=at)


def signature_recorded(
    session: Session, version: PartnerVersion, signature: Signature, *, by: Actor, at: datetime
) -> None:
    """Tell a director that their signature on paper was recorded, by which person, and what to do if it is not so."""
    _of_signature(session, "agreement_signature_recorded", version, signature, by=by, at=at)


def signature_taken_back(
    session: Session, version: PartnerVersion, signature: Signature, *, is_asked: bool, by: Actor, at: datetime
) -> None:
    """Tell a director that the signature recorded in their name no longer counts; and whether theirs `is_asked` now."""
    _of_signature(session, "agreement_signature_taken_back", version, signature, by=by, at=at, is_asked=is_asked)


def _of_signature(
    session: Session,
    letter: str,
    version: PartnerVersion,
    signature: Signature,
    *,
    by: Actor,
    at: datetime,
    **more: Any,
) -> None:
    facts = _facts(session, version, by=by, signed_on=signature.signed_on, **more)
    told = {signature.person_id} - {by.person_id}
    once = f"{signature.id}:{notices.once_by(at)}"
    _to_each(session, letter, version, told, once, facts, by=by, at=at)


def begun(
    session: Session,
    version: PartnerVersion,
    people: Collection[UUID],
    *,
    starts_on: date,
    ends_on: date | None,
    by: Actor,
    at: datetime,
) -> None:
    """Tell those who signed a version, and those who direct there, from which day on it is in force."""
    is_to_come = starts_on > local_day(session, at)
    facts = _facts(session, version, by=by, starts_on=starts_on, ends_on=ends_on, is_to_come=is_to_come)
    told = set(people) - {by.person_id}
    _to_each(session, "agreement_begun", version, told, notices.once_by(at), facts, by=by, at=at)


class Notice(NamedTuple):
    """The notice by which an agreement ends. `given_by` is "partner", "program", or "" where no one said."""

    ends_on: date
    given_on: date
    given_by: str
    shorter_agreed: bool


def to_end(
    session: Session,
    version: PartnerVersion,
    signed: Collection[UUID],
    notice: Notice,
    later: Sequence[AgreementVersion],
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Tell those who direct or `signed`, those who manage there and the coordinator that it ends, but not its author.

    And when and by which side notice was given, whom to tell if that is not so, and that what was to begin `later` does
    not.
    """
    said = _facts(session, version, by=by, **notice._asdict())

    def facts(language: Language) -> Mapping[str, Any]:
        days = [(one.n, surely(one.starts_on)) for one in later]
        each = [say(language, N_("version %(number)s (%(day)s)"), number=n, day=day) for n, day in days]
        return {**said(language), "never_begins": show_list(language, each) if each else ""}

    _to_the_others(session, "agreement_to_end", version, signed, facts, by=by, at=at)


def not_to_begin(
    session: Session, version: PartnerVersion, directors: Collection[UUID], *, by: Actor, at: datetime
) -> None:
    """Tell the same people that a version does not begin on the settled day, where none is in force."""
    facts = _facts(session, version, by=by, day=version.starts_on)
    _to_the_others(session, "agreement_not_to_begin", version, directors, facts, by=by, at=at)


def _to_the_others(
    session: Session,
    letter: str,
    version: PartnerVersion,
    directors: Collection[UUID],
    facts: notices.Facts,
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Write a letter about an act on a version to all who are concerned but its author."""
    people = (_concerned(session, version, at) | set(directors)) - {by.person_id}
    _to_each(session, letter, version, people, notices.once_by(at), facts, by=by, at=at)


def running_out(session: Session, version: PartnerVersion, *, rung: int, days: int, at: datetime) -> int:
    """Warn that a version ends in that many `days`, and no other is set to begin; once a rung. How many letters."""
    people, last = _concerned(session, version, at), surely(version.ends_on)
    facts = _facts(session, version, days=days, ends_on=last)
    return _to_each(session, "agreement_running_out", version, people, f"{last.isoformat()}:{rung}", facts, at=at)


def lapsed(session: Session, version: PartnerVersion, *, at: datetime) -> int:
    """Tell that an agreement is no longer in force, and what that stops; once. How many letters."""
    people, last = _concerned(session, version, at), surely(version.ends_on)
    facts = _facts(session, version, ends_on=last)
    return _to_each(session, "agreement_lapsed", version, people, last.isoformat(), facts, at=at)


def _to_each(
    session: Session,
    letter: str,
    version: PartnerVersion,
    people: Iterable[UUID],
    once: str,
    facts: Facts,
    *,
    by: Actor | None = None,
    at: datetime,
) -> int:
    """Write a letter about a version to each of these people, once for `once`; how many letters.

    Where a person did `by` which it comes about, it names another to tell if that is not so.
    """
    key = f"{letter}:{version.id}:{once}"
    written = 0
    for one in sorted(people):
        told = _with_whom_to_tell(session, version, facts, {one, by.person_id}, at) if by else facts
        written += notices.write(session, letter, to=one, key=key, facts=told, at=at)
    return written


def _with_whom_to_tell(
    session: Session, version: PartnerVersion, facts: Facts, but: Collection[UUID | None], at: datetime
) -> Facts:
    """The facts, with the name of who answers for the coordination, else for the partner; "" where only these do."""
    today, here = standing(session, local_day(session, at)), str(version.organization_id)
    links = [*coordination_chain(session), Link("manager", here), Link("director", here)]
    holders = [holder.person_id for link in links for holder in today.falls([link]).holders]
    found = next((one for one in holders if one not in but), None)
    name = person_of(session, found).name if found else ""
    return lambda language: {**facts(language), "tell": name}


def _concerned(session: Session, version: PartnerVersion, at: datetime) -> set[UUID]:
    """The coordinator, and those who manage or direct the organization that day, or deputize for them."""
    today = standing(session, local_day(session, at))
    here = str(version.organization_id)
    chains = [COORDINATION, [Link("manager", here)], [Link("director", here)]]
    return {holder.person_id for chain in chains for holder in today.falls(chain).holders}


def _facts(session: Session, version: PartnerVersion, *, by: Actor | None = None, **more: Any) -> Facts:
    agreement = session.get_one(Agreement, (program_of(session), version.agreement_id))
    organization = session.get_one(Organization, (program_of(session), version.organization_id))

    def facts(language: Language) -> Mapping[str, Any]:
        return {
            "agreement": agreement.title_fr if language == "fr" else agreement.title_en,
            "organization": organization.short_name,
            "number": version.n,
            "path": f"/program/agreements/{agreement.id}?n={version.n}",
            **({"by_name": notices.name_of(session, by, language)} if by else {}),
            **more,
        }

    return facts
