"""Who is asked to answer for an export, who can on a day, and who is told that one was made.

The answer is a task of the roles that the program's file names, so that it has reminders, a deputy and a vacancy as any
other. A letter says which study it is by its number alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, asking, assigning
from domain.kernel import Actor, Language, Refusal, both, local_day
from domain.mail import notices
from domain.research.studies import recipients, rules_of
from domain.roles import Holder, Link, standing
from locales import N_
from models.research import Study, StudyExport

#: The task of who approves exports; its item is the study, of which one export at most waits.
ANSWER_EXPORT: Final = "study_export.answer"
#: So many working days they have for it.
_WITHIN: Final = 5
#: Of a role that approves: no deputy has the task who was not given approvals.
_link: Final = partial(Link, approves=True)


def ask_to_answer(session: Session, study: Study, *, by: Actor, at: datetime) -> None:
    """Give the task to those who may approve, and to no deputy who may not. Raises Refusal where no one else may."""
    asked = {one for one in (by.person_id, by.acting_for) if one}
    roles = rules_of(session).approved_by
    _refuse_if_all_are(session, study, asked, roles, at)
    title = both(N_("Answer the request for an export of study no. %(number)s"), number=study.number)
    assigning.assign_within(
        session,
        ANSWER_EXPORT,
        str(study.id),
        title,
        [_link(role, passes=tuple(sorted(asked))) for role in roles],
        within=_WITHIN,
        by=by,
        at=at,
        evidence=BY_ITS_ACT,
        sources=["FU-9"],
        at_once=True,
    )


def who_can(session: Session, export: StudyExport, day: date) -> list[Holder]:
    """Those who can answer for an export on a day: neither who asked nor a recipient, nor who acts for one of these."""
    there, never = standing(session, day), {export.asked_by, export.asked_for, *map(UUID, export.recipients)} - {None}
    holders = (one for role in rules_of(session).approved_by for one in there.falls([_link(role)]).holders)
    return [one for one in holders if never.isdisjoint({one.person_id, one.acting_for})]


def was_answered(session: Session, export: StudyExport, *, by: Actor, at: datetime) -> None:
    """Complete the task: the export was approved or refused."""
    asking.answered(session, ANSWER_EXPORT, export.study_id, by=by, at=at)


def no_answer_needed(session: Session, export: StudyExport, *, by: Actor, at: datetime) -> None:
    """Call the task off: the export is no longer asked for."""
    asking.no_more(session, ANSWER_EXPORT, export.study_id, by=by, at=at)


def tell_recipients(session: Session, study: Study, export: StudyExport, *, at: datetime) -> None:
    """Write to each recipient that an export can be downloaded: by its number, without its title or what is in it."""

    def facts(_: Language) -> Mapping[str, object]:
        until = export.ethics_ends_on
        return {"number": study.number, "export": export.n, "until": until, "path": f"/studies/{study.id}"}

    for one in recipients(session, study.id):
        notices.write(session, "export_made", to=one.person_id, key=f"export_made:{export.id}", facts=facts, at=at)


def _refuse_if_all_are(
    session: Session, study: Study, asked: Collection[UUID], roles: Collection[str], at: datetime
) -> None:
    """Refuse a request that no one could answer: everyone who holds such a role asks for it or receives it."""
    there = standing(session, local_day(session, at))
    holders = {held.person_id for role in roles for held in there.holding(role)}
    if holders and holders <= {*asked, *(one.person_id for one in recipients(session, study.id))}:
        raise Refusal(
            "export.nobody_answers",
            N_("Nobody else could approve this export: who approves exports neither asks for nor receives one."),
            source="FU-9",
        )
