"""Letters about tasks and cases: what waits, was sent back or handed back, and what opened or was cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, and_, or_

from domain.casework import requests, subjects
from domain.casework.approving import OWING, TaskOwing, falls_for_approval, who_may_approve
from domain.casework.in_place import is_in_place, words_in_place
from domain.kernel import (
    MATTER,
    Actor,
    Language,
    col,
    local_day,
    only,
    program_of,
    replaced,
    same,
    scalar,
    there_is,
    title_of,
    tuples,
)
from domain.mail import COORDINATION, Facts, notices, person_of, title_of_program, title_of_role
from domain.roles import HAVING, DayTenures, Holder, Link, standing
from locales import N_, pick, say
from models.casework import Case, ProtocolVersion, Responsibility, Task
from models.lifecycles import TASK
from models.program import Organization, Tenure


def approval_asked(session: Session, task: Task, *, by: Actor, at: datetime) -> None:
    """Tell those who may approve a task that it waits; the coordinator of a vacancy, and where no one at all may.

    `task` is as it was handed in, and `by` who did it: those barred from approving it by the protocol are not asked.
    """
    today = standing(session, local_day(session, at))
    chain = chain_of(session, task.approved_by_id)
    if today.falls(chain, kind="approvals").vacant:
        _tell_of_vacancy(session, today, chain[0], at=at, case_id=task.case_id)
    able = who_may_approve(today, task, chain)
    about, request = about_task(session, task, by), requests.newest(session, [task.id]).get(task.id)

    def facts(language: Language) -> Mapping[str, object]:
        told = requests.in_words(request.asked, request.given, language, in_a_letter=True) if request else []
        return {**about(language), "asked": [{"part": part, "value": value} for part, value in told]}

    to_each(
        session,
        able or today.falls(notices.coordination_chain(session)).holders,
        "task_to_approve" if able else "nobody_may_approve",
        key=f"approve:{task.id}:{notices.once_by(at)}",
        facts=facts,
        at=at,
        case_id=task.case_id,
    )


def rejected(session: Session, task: Task, *, by: Actor, at: datetime) -> None:
    """Tell the person who did a task that it was sent back. The reason is on the page, not in the letter."""
    if task.done_by is not None:
        falls = standing(session, local_day(session, at)).falls_by(chain_of(session, task.owed_by_id), task.due_on)
        notices.write(
            session,
            "task_rejected",
            to=task.done_by,
            key=f"reject:{task.id}:{notices.once_by(at)}",
            facts=about_task(session, task, by, in_place=is_in_place(replaced(task, state="open"), falls)),
            at=at,
            case_id=task.case_id,
        )


def handed_back(session: Session, task: Task, chain: Sequence[Link], *, by: Actor, at: datetime) -> None:
    """Tell those on which a handed-back task now falls."""
    _passed(session, task, chain, "task_handed_back", "hand_back", by=by, at=at)


def given_again(session: Session, task: Task, *, by: Actor, at: datetime) -> None:
    """Tell those to which a handed-back task is reassigned. The words that go with it are on the page."""
    _passed(session, task, chain_of(session, task.declared_owed_by_id), "task_given_again", "give_again", by=by, at=at)


def _passed(
    session: Session, task: Task, chain: Sequence[Link], template: str, key: str, *, by: Actor, at: datetime
) -> None:
    """Tell those on which a task now falls by a chain, but the one who passed it to them.

    No one is told of what waits for who begins in time for it: they are asked once they begin.
    """
    falls = standing(session, local_day(session, at)).falls_by(chain, task.due_on)
    is_owed = template == "task_given_again"  # by its role, as declared; else it is done in the role's place
    in_place = not is_owed or is_in_place(replaced(task, owed_by_id=task.declared_owed_by_id), falls)
    to_each(
        session,
        [holder for holder in falls.holders if holder.person_id != by.person_id],
        template,
        key=f"{key}:{task.id}:{notices.once_by(at)}",
        facts=about_task(session, task, by, in_place=in_place),
        at=at,
        case_id=task.case_id,
    )


def case_opened(session: Session, case: Case, *, by: Actor, at: datetime) -> None:
    """Tell those who have a part in a case that it opened: those on which its steps fall today, without its opener."""
    is_anew = _is_done_again(session, case, at=at)
    for person_id, count in parts_in(session, case.id, by=by, at=at).items():
        notices.write(
            session,
            "case_opened",
            to=person_id,
            key=f"case_opened:{case.id}",
            facts=_about_case(session, case, by, tasks=count, is_anew=is_anew),
            at=at,
            case_id=case.id,
        )


def parts_in(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> dict[UUID, int]:
    """How many of a case's steps wait on each person today, to do now or later or to approve; `by` is left out."""
    today = standing(session, local_day(session, at))
    counts: dict[UUID, int] = {}
    rows = tuples(
        session,
        only(Responsibility.links, *OWING)
        .join(
            Task,
            and_(
                same(Task, Responsibility),
                or_(
                    and_(Task.owed_by_id == Responsibility.id, col(Task.state).in_([TASK.initial, "open"])),
                    and_(Task.approved_by_id == Responsibility.id, Task.state == "submitted"),
                ),
            ),
        )
        .where(Task.case_id == case_id),
    )
    for links, *row in rows:
        task = TaskOwing(*row)
        waits = task.state == "submitted"
        falls = falls_for_approval(today, task, links) if waits else today.falls_by(links, task.due_on)
        for holder in falls.holders:
            counts[holder.person_id] = counts.get(holder.person_id, 0) + 1
    counts.pop(by.person_id, None)  # type: ignore[arg-type]  # None is no key of it, and nothing is popped
    return counts


def case_cancelled(session: Session, case: Case, people: Iterable[UUID], *, by: Actor, at: datetime) -> None:
    """Tell `people`, who had a part in a case until now (`parts_in`), that it was cancelled."""
    for person_id in people:
        notices.write(
            session,
            "case_cancelled",
            to=person_id,
            key=f"case_cancelled:{case.id}:{notices.once_by(at)}",
            facts=_about_case(session, case, by, tasks=0),
            at=at,
            case_id=case.id,
        )


def chain_of(session: Session, chain_id: UUID | None) -> list[Link]:
    """The links of the chain that a task names; none where it names none."""
    found = session.get(Responsibility, (program_of(session), chain_id)) if chain_id else None
    return found.links if found else []


def case_title(session: Session, case: Case, language: str) -> str:
    """A case as people speak of it: its protocol's title, and its subject."""
    version = session.get(ProtocolVersion, (program_of(session), case.protocol_version_id))
    if case.subject_id is not None:
        subject = person_of(session, case.subject_id).name
    else:
        subject = subjects.in_words(session, [case.id], language)[case.id].subject
    title = "" if version is None else title_of(version, language)
    return say(language, _CASE, protocol=title, person=subject)


_CASE = N_("%(protocol)s – %(person)s")

_DUTY = N_("outside any case")


def to_each(
    session: Session,
    holders: Iterable[Holder],
    template: str,
    *,
    key: str,
    facts: Facts,
    at: datetime,
    case_id: UUID | None,
) -> None:
    """Write one letter to each of these holders, once to a person however many roles they hold."""
    for person_id in dict.fromkeys(holder.person_id for holder in holders):
        notices.write(session, template, to=person_id, key=key, facts=facts, at=at, case_id=case_id)


def about_task(session: Session, task: Task, by: Actor, *, in_place: bool = False) -> Facts:
    """The facts of a letter about a task; with `in_place`, for those who have it instead of the role that owes it."""
    case = session.get(Case, (program_of(session), task.case_id)) if task.case_id else None
    words = words_in_place(session, [task]).get(task.id) if in_place else None

    def facts(language: Language) -> Mapping[str, object]:
        return {
            "title": words.title.in_language(language) if words else title_of(task, language),
            "case": case_title(session, case, language) if case else say(language, _DUTY),
            "by_name": notices.name_of(session, by, language),
            "due_on": task.due_on,
            "path": f"/tasks/{task.id}",
        }

    return facts


def _is_done_again(session: Session, case: Case, *, at: datetime) -> bool:
    """Whether a departure opens that a restore lost: it is done again as of the moment of the first time."""
    of_it = MATTER.verb == "departure.opened", col(MATTER.subject_id) == case.subject_id, col(MATTER.at) == at
    return there_is(session, only(MATTER.id).where(*of_it))


def _about_case(session: Session, case: Case, by: Actor, *, tasks: int, is_anew: bool = False) -> Facts:
    def facts(language: Language) -> Mapping[str, object]:
        # A case that is not about a person is named by its organization already, where it has one.
        place = case.organization_id if case.subject_id else None
        organization = session.get(Organization, (program_of(session), place)) if place else None
        return {
            "case": case_title(session, case, language),
            "protocol": organization.short_name if organization else "",
            "anchor": "",
            "anchor_on": None,
            "by_name": notices.name_of(session, by, language),
            "tasks": tasks,
            "is_anew": is_anew,
            "path": f"/cases/{case.id}",
        }

    return facts


def _tell_of_vacancy(session: Session, today: DayTenures, link: Link, *, at: datetime, case_id: UUID | None) -> None:
    """Write the coordinator one letter for each time that a role became vacant, however many tasks fall to it.

    None where a person is to begin in it: that is no vacancy.
    """
    if not today.has_nobody(link) or today.coming_to(link):
        return
    here = program_of(session)
    place = link.at
    ended = only(Tenure.ends_on).where(Tenure.role == link.role, col(Tenure.ends_on) < today.day)
    where = ""
    if not place.startswith(("*", HAVING)):
        ended = ended.where(col(Tenure.organization_id) == UUID(place))
        organization = session.get(Organization, (here, UUID(place)))
        where = organization.short_name if organization else ""
    last = scalar(session, ended.order_by(col(Tenure.ends_on).desc()).limit(1))
    since = last + timedelta(days=1) if last else today.day
    title = title_of_role(session, link.role)
    for holder in today.falls(COORDINATION).holders:
        notices.write(
            session,
            "role_vacant",
            to=holder.person_id,
            # Where the role never had anyone, once for the case that it is wanted in.
            key=f"vacant:{link.role}:{place}:{last or case_id}",
            facts=lambda language: {
                "role": title(language),
                "organization": where or pick(language, title_of_program(session)),
                "since": since,
                "path": "/board",
            },
            at=at,
            case_id=case_id,
        )
