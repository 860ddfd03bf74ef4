"""Follow-ups over JSON: one's caseload, one follow-up, and what is done to it; never a name of a participant."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import AwareDatetime, Field

from api.access import follow_ups as access
from api.access.follow_ups import caseload_of, every_one, find_follow_up, part_of_every_one, sees_every_one
from api.access.permissions import Action, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts import follow_ups as acts
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import After, AwaitedShown, Limit, Shown, UndecidedWords, of_columns
from api.json.weeks import NoteShown
from api.views.undecided import Undecided
from api.web.given import ActInput
from domain.accompaniment import breaks
from domain.follow_ups import Followed, assigning, contacts, follow_ups, load, lost, notes, self_reports, summaries
from domain.kernel import Actor, Part, every
from models.discussion import CaseDiscussion
from models.follow_up import FollowUp

router = api_routes("follow-ups")


class MissedGiven(ActInput):
    """A meeting to which the participant did not come."""

    expected_at: AwareDatetime
    waited_minutes: Annotated[int, Field(ge=0, le=100_000)]


class WorkerGiven(ActInput):
    """A worker for one part of a follow-up; `instead_of` is the person who has it now."""

    person_id: UUID
    kind: Literal["primary", "second"] = "primary"
    instead_of: UUID | None = None


class WorkerShown(Shown):
    """A person's part in a follow-up, from a day to a day."""

    person_id: UUID
    organization_id: UUID
    kind: str
    starts_on: date
    ends_on: date | None
    undecided: UndecidedWords


class SelfReportShown(Shown):
    """A self-report questionnaire of the research, for those who keep the follow-up: when, and the risk then."""

    n: int
    done_on: date | None
    risk: str | None
    recorded_at: AwareDatetime
    version: int


class AttemptShown(Shown):
    """An attempt to reach a participant."""

    tried_on: date
    means: str
    reached: bool
    tried_by: UUID


class MissedShown(Shown):
    """A meeting to which the participant did not come."""

    id: UUID
    expected_at: AwareDatetime
    waited_minutes: int
    strategy: str | None
    agreed_on: date | None


class SummaryListed(Shown):
    """A complete summary of a follow-up that was handed over, unopened: who left, and who completed it when."""

    task_id: UUID
    leaver_id: UUID
    done_by: UUID | None
    done_at: AwareDatetime


@of_columns(FollowUp, "state state_since inactive_reason intensity opened_on")
class FollowUpShown(Shown):
    """A follow-up, by its participant's number."""

    id: UUID
    number: str
    never_with_others: Annotated[bool | None, Field(description="Null for whom the risk is not told.")]
    version: int


@of_columns(CaseDiscussion, "urgent raised_by raised_at version")
class IssueShown(Shown):
    """What is raised of a case for the next sitting, opened."""

    number: str
    words: str


@of_columns(CaseDiscussion, "meeting_id outcome due_on recorded_by recorded_at version")
class CaseSaidShown(Shown):
    """What the Clinical Committee said of a case in a meeting, opened."""

    number: str
    note: str
    follows: str


class LosingShown(Shown, lost.Losing):
    """A follow-up of which contact is being lost: since when, for how long, why."""


class LoadShown(Shown, load.InHand):
    """What a worker has in hand."""

    is_overloaded: bool
    waits_for: list[AwaitedShown]


class CaseloadShown(Shown):
    """The asker's own follow-ups; for the coordinator all of them, each worker's load, and those without a worker.

    Of the follow-ups a part is listed: `total` is how many there are, and with `next` as `after` come the next ones.
    """

    follow_ups: list[FollowUpShown]
    total: int
    limit: int
    next: str | None
    losing: list[LosingShown]
    loads: list[LoadShown]


class WholeShown(FollowUpShown):
    """A follow-up with everything but its words. `participant_id` is of the file of who is followed."""

    participant_id: UUID
    returns_on: date | None
    unanswered: int
    workers: list[WorkerShown]
    notes: list[NoteShown]
    attempts: list[AttemptShown]
    missed_meetings: list[MissedShown]
    summaries: list[SummaryListed]
    self_reports: list[SelfReportShown]


@router.get("/caseload")
@asks(Action.SEE_CASELOAD)
def get_caseload(
    context: InContext,
    limit: Limit = 50,
    after: After = None,
    *,
    ended: Annotated[bool, Query(description="For the coordinator, also the follow-ups that ended.")] = False,
) -> CaseloadShown:
    """One's own follow-ups; for the coordinator everyone's that go on, with the load of each worker."""
    require(Action.SEE_CASELOAD, to_program(context.asker))
    oversees = sees_every_one(context.asker)
    if oversees:
        rows = every_one(context.session, context.asker)
    else:
        rows = [row for row, _ in caseload_of(context.session, context.asker)]
    losing = lost.losing(context.session, context.day, follow_up_ids=[row.id for row in rows])
    if oversees:
        part, total = part_of_every_one(context.session, context.asker, ended=ended, most=limit, after=after)
    else:
        part, total = Part.among(rows, after, limit), len(rows)
    return CaseloadShown(
        follow_ups=[_shown(row) for row in part.rows],
        total=total,
        limit=limit,
        next=part.next or None,
        losing=LosingShown.each(losing),
        loads=[
            LoadShown.about(one, waits_for=AwaitedShown.in_language(one.waits_for, context.language))
            for one in (load.loads(context.session, context.day) if oversees else ())
        ],
    )


@router.get("/follow-ups/{follow_up_id}")
@asks(Action.SEE_FOLLOW_UP)
def get_follow_up(follow_up_id: UUID, context: InContext, response: Response) -> WholeShown:
    """One follow-up."""
    row, given = find_follow_up(context.session, context.asker, follow_up_id)
    keeps = is_allowed(Action.KEEP_FOLLOW_UP, given)
    return _whole(context, row, response, told_risk=is_allowed(Action.SEE_RISK, given), keeps=keeps)


@router.get("/follow-ups/{follow_up_id}/issue")
@asks(Action.RAISE_ISSUE)
def get_issue(follow_up_id: UUID, context: InContext) -> IssueShown:
    """What is raised of a case for the next sitting, for those who follow: each reading is on record."""
    row, raised, words = access.read_issue(context.session, context.asker, follow_up_id, at=context.at)
    return IssueShown.about(raised, number=row.number, words=words)


@router.get("/follow-ups/{follow_up_id}/discussions/{meeting_id}")
@asks(Action.READ_SAID)
def get_discussion(follow_up_id: UUID, meeting_id: UUID, context: InContext) -> CaseSaidShown:
    """What the Clinical Committee said of a case in a meeting: each reading is on record."""
    row, spoken, said = access.read_said(context.session, context.asker, follow_up_id, meeting_id, at=context.at)
    return CaseSaidShown.about(spoken, number=row.number, note=said.note, follows=said.follows)


@router.post("/follow-ups/{follow_up_id}/missed-meetings", status_code=201)
@asks(Action.KEEP_FOLLOW_UP)
def record_no_show(
    follow_up_id: UUID, body: MissedGiven, context: InContext, once: AtOnce, response: Response
) -> WholeShown:
    """Write down a meeting to which the participant did not come."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = _keeper(context, follow_up_id)
    contacts.record_no_show(
        context.session,
        follow_up_id,
        expected_at=body.expected_at,
        waited_minutes=body.waited_minutes,
        by=by,
        at=context.at,
    )
    once.done(response, 201, f"/api/v1/follow-ups/{follow_up_id}")
    return _again(context, follow_up_id, response)


@router.put("/follow-ups/{follow_up_id}/workers")
@asks(Action.ASSIGN_FOLLOW_UP)
def assign_worker(
    follow_up_id: UUID, body: WorkerGiven, context: InContext, response: Response, if_match: IfMatch = ""
) -> WholeShown:
    """Give a part of a follow-up to a worker."""
    by = _keeper(context, follow_up_id, Action.ASSIGN_FOLLOW_UP)
    assigning.assign_worker(
        context.session,
        follow_up_id,
        body.person_id,
        kind=body.kind,
        instead_of=body.instead_of,
        by=by,
        at=context.at,
        seen=seen_version(if_match),
    )
    return _again(context, follow_up_id, response)


def _shown(row: Followed, *, told_risk: bool = True) -> FollowUpShown:
    return FollowUpShown.about(row, never_with_others=row.recruiter if told_risk else None)


def _keeper(context: RequestContext, follow_up_id: UUID, action: Action = Action.KEEP_FOLLOW_UP) -> Actor:
    """The actor under whom the asker does it. Raises Forbidden."""
    _, given = find_follow_up(context.session, context.asker, follow_up_id)
    return require(action, given)


def _again(context: RequestContext, follow_up_id: UUID, response: Response) -> WholeShown:
    """The follow-up as it stands after an act, for the person who did it: the act may have ended their part in it."""
    (row,) = every(context.session, follow_ups().where(FollowUp.id == follow_up_id))
    return _whole(context, row, response)


def _acted_on(on: On[Followed], _: None, response: Response) -> WholeShown:
    return _again(on.context, on.id, response)


act_resources(router, acts.FOLLOW_UP, _acted_on)
act_resources(router, acts.ENDED, _acted_on)


def _whole(
    context: RequestContext, row: Followed, response: Response, *, told_risk: bool = True, keeps: bool = True
) -> WholeShown:
    session, follow_up_id = context.session, row.id
    reports = self_reports.self_reports_of(session, [follow_up_id])[follow_up_id] if keeps else {}
    pause = breaks.open_break(session, follow_up_id)
    response.headers["ETag"] = etag(row.version)
    return WholeShown.about(
        row,
        never_with_others=row.recruiter if told_risk else None,
        returns_on=pause.returns_on if pause is not None else None,
        unanswered=contacts.unanswered(session, follow_up_id),
        workers=_workers(context, row),
        notes=NoteShown.each(notes.notes_of(session, [follow_up_id])),
        attempts=AttemptShown.each(contacts.attempts_of(session, follow_up_id)),
        missed_meetings=MissedShown.each(contacts.no_shows_of(session, follow_up_id)),
        summaries=SummaryListed.each(summaries.summaries_of(session, follow_up_id)),
        self_reports=SelfReportShown.each(row for _, row in sorted(reports.items())),
    )


def _workers(context: RequestContext, row: Followed) -> list[WorkerShown]:
    waits = Undecided(context)
    return [
        WorkerShown.about(
            part,
            undecided=[]
            if part.ends_on is not None
            else waits.words_of(waits.of("part", row.id, row.participant_id, who=part.person_id)),
        )
        for part in assigning.parts_of(context.session, row.id)
    ]
