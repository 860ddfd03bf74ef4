"""One follow-up, by its participant's number: its states, its workers, contacts and notes; and what is done to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from operator import itemgetter
from typing import Final, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access import follow_ups as access
from api.access.follow_ups import find_ended, find_follow_up, ground_of
from api.access.permissions import Action, Forbidden, Given, asks, is_allowed, require
from api.access.session import InContext, RequestContext
from api.access.summaries import as_reader
from api.acts import follow_ups as acts
from api.acts.declaring import On
from api.pages.act_routes import Seen, act_pages
from api.pages.caseload import lines
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.follow_ups import (
    CASE_OUTCOMES,
    INTENSITIES,
    KINDS,
    MEANS,
    MOVES,
    PROCESSES,
    REASONS,
    STRATEGIES,
    STRIP,
    WEEK_WORDS,
    WHY_PROPOSED,
    bars_of,
)
from api.views.names import places_by_id
from api.views.opened_files import said_beside
from api.views.participant_words import RISKS, RISKS_THEN
from api.views.sentences import sentence_of
from api.views.states import STATES
from api.views.tasks import names_of
from api.views.timeline import told
from api.web.readers import day_of, hour_of, id_or_none
from domain.accompaniment import breaks, proposals, withdrawals
from domain.departure import offers
from domain.follow_ups import (
    WHY_NONE,
    Followed,
    assigning,
    contacts,
    issues,
    lost,
    notes,
    opening,
    self_reports,
    strips,
    summaries,
)
from domain.kernel import Actor, Refusal, col
from domain.participants import GENDERS, research
from domain.record import events
from domain.terms import PRIMARY
from locales import N_
from meetings import caseloads, discussing
from models.discussion import CaseDiscussion, ProcessMark
from models.follow_up import Assignment, ContactAttempt
from models.lifecycles import FOLLOW_UP
from models.record import Event

router = framed_pages("/follow-ups")

#: So many lines of the record are shown, the newest.
LINES_SHOWN: Final = 50


@router.get("/{follow_up_id}", name="follow_up")
@asks(Action.SEE_FOLLOW_UP)
def show_follow_up(context: InContext, request: Request, follow_up_id: UUID) -> HTMLResponse:
    """One follow-up."""
    row, given = find_follow_up(context.session, context.asker, follow_up_id)
    return _page(context, request, row, given, Typed())


@router.get("/{follow_up_id}/notes/{week}", name="note_words")
@asks(Action.READ_FOLLOW_UP)
def read_note(context: InContext, request: Request, follow_up_id: UUID, week: date) -> HTMLResponse:
    """What was written in the note of a week: each reading is on record."""
    row, note, words = access.read_note(context.session, context.asker, follow_up_id, week, at=context.at)
    who = names_of(context, [note.written_by]).get(note.written_by, "")
    beside = said_beside(access.said_beside(context.session, context.asker, follow_up_id, at=context.at))
    return page(
        context,
        request,
        "follow_up_words.html",
        row=row,
        pause=None,
        note=note,
        words_read=words,
        who=who,
        week_words=WEEK_WORDS,
        beside=beside,
    )


@router.get("/{follow_up_id}/information", name="follow_up_information")
@asks(Action.READ_FOLLOW_UP)
def read_information(context: InContext, request: Request, follow_up_id: UUID) -> HTMLResponse:
    """The information box, derived from the referral and the admission: each reading is on record."""
    row, given, box = access.read_information(context.session, context.asker, follow_up_id, at=context.at)
    return page(
        context,
        request,
        "follow_up_information.html",
        row=row,
        box=box,
        genders=GENDERS,
        risks=RISKS,
        may_see_risk=is_allowed(Action.SEE_RISK, given),
    )


@router.get("/{follow_up_id}/break-terms", name="break_terms")
@asks(Action.READ_FOLLOW_UP)
def read_terms(context: InContext, request: Request, follow_up_id: UUID) -> HTMLResponse:
    """The terms of return of a follow-up's last break, also once it came back: each reading is on record."""
    row, given = find_follow_up(context.session, context.asker, follow_up_id)
    by = require(Action.READ_FOLLOW_UP, given)
    found = breaks.last_break(context.session, follow_up_id)
    if found is None:
        raise Forbidden
    terms = breaks.read_terms(
        context.session, found.id, row.participant_id, ground=ground_of(given), by=by, at=context.at
    )
    return page(context, request, "follow_up_words.html", row=row, pause=found, note=None, words_read=terms, beside=())


@router.get("/{follow_up_id}/issue", name="raised_issue")
@asks(Action.RAISE_ISSUE)
def read_issue(context: InContext, request: Request, follow_up_id: UUID) -> HTMLResponse:
    """What is raised of a case for the next sitting, for those who follow: each reading is on record."""
    row, raised, words = access.read_issue(context.session, context.asker, follow_up_id, at=context.at)
    return page(
        context, request, "follow_up_words.html", row=row, pause=None, note=None, raised=raised, words_read=words
    )


@router.get("/{follow_up_id}/discussions/{meeting_id}", name="case_said")
@asks(Action.READ_SAID)
def read_said(context: InContext, request: Request, follow_up_id: UUID, meeting_id: UUID) -> HTMLResponse:
    """What the Clinical Committee said of a case in a meeting: each reading is on record."""
    row, spoken, said = access.read_said(context.session, context.asker, follow_up_id, meeting_id, at=context.at)
    words = "\n\n".join(text for text in (said.note, said.follows) if text)
    return page(
        context, request, "follow_up_words.html", row=row, pause=None, note=None, spoken=spoken, words_read=words
    )


@router.post("/{follow_up_id}/missed-meetings")
@asks(Action.KEEP_FOLLOW_UP)
def record_no_show(
    context: InContext, request: Request, follow_up_id: UUID, day: Text = "", hour: Text = "", minutes: Text = ""
) -> Response:
    """Write down a meeting to which the participant did not come."""

    def act(by: Actor) -> None:
        expected_at = datetime.combine(day_of(day), hour_of(hour), tzinfo=ZoneInfo(context.program.time_zone))
        contacts.record_no_show(
            context.session,
            follow_up_id,
            expected_at=expected_at,
            waited_minutes=_count(minutes, "no_show.minutes.malformed"),
            by=by,
            at=context.at,
        )

    return _do(context, request, follow_up_id, "missed", act, {"day": day, "hour": hour, "minutes": minutes})


@router.get("/{follow_up_id}/ended", name="follow_up_ended")
@asks(Action.TAKE_UP_AGAIN)
def show_ended(context: InContext, request: Request, follow_up_id: UUID) -> HTMLResponse:
    """That a follow-up ended, for who accompanied the participant until then: they may take it up again."""
    row, _ = find_ended(context.session, context.asker, follow_up_id)
    return _ended_page(context, request, row, Typed())


@router.post("/{follow_up_id}/workers")
@asks(Action.ASSIGN_FOLLOW_UP)
def assign_worker(
    context: InContext,
    request: Request,
    follow_up_id: UUID,
    seen: Seen = None,
    worker: Text = "",
    kind: Text = "",
    instead_of: Text = "",
    intensity: Text = "",
) -> Response:
    """Give a follow-up to a worker, or say how much it asks."""

    def act(by: Actor) -> None:
        if intensity:
            opening.set_intensity(context.session, follow_up_id, intensity, by=by, at=context.at, seen=seen)
            return
        person_id = id_or_none(worker)
        if person_id is None:
            raise Refusal("worker.missing", N_("Choose a worker."))
        assigning.assign_worker(
            context.session,
            follow_up_id,
            person_id,
            kind=kind,
            instead_of=id_or_none(instead_of),
            by=by,
            at=context.at,
            seen=seen,
        )

    typed = {"worker": worker, "kind": kind, "intensity": intensity}
    form = "intensity" if intensity else f"assign-{kind}" if kind in KINDS else "assign-primary"
    return _do(context, request, follow_up_id, form, act, typed, action=Action.ASSIGN_FOLLOW_UP)


def _do(
    context: RequestContext,
    request: Request,
    follow_up_id: UUID,
    form: str,
    act: Callable[[Actor], None],
    typed: Mapping[str, str],
    *,
    action: Action = Action.KEEP_FOLLOW_UP,
    back: str = "",
) -> Response:
    """Do it and come back to the page, or show it with the refusal and what was typed."""
    _, given = find_follow_up(context.session, context.asker, follow_up_id)
    by = require(action, given)
    refusal = context.attempt(lambda: act(by))
    if refusal is None:
        return see_other(back or _after(context, follow_up_id))
    row, given = find_follow_up(context.session, context.asker, follow_up_id)
    return _page(context, request, row, given, Typed(form, refusal, dict(typed)))


def _shown_again(on: On[Followed], request: Request, typed: Typed) -> HTMLResponse:
    row, given = find_follow_up(on.session, on.context.asker, on.id)
    return _page(on.context, request, row, given, typed)


act_pages(router, acts.FOLLOW_UP, _shown_again, after=lambda on, _: _after(on.context, on.id))
act_pages(router, acts.ENDED, lambda on, request, typed: _ended_page(on.context, request, on.row, typed))


def _after(context: RequestContext, follow_up_id: UUID) -> str:
    """The follow-up's page; where the act took its doer off it, the page that says so, or their own work."""
    with suppress(Forbidden):
        find_follow_up(context.session, context.asker, follow_up_id)
        return f"/follow-ups/{follow_up_id}"
    with suppress(Forbidden):
        find_ended(context.session, context.asker, follow_up_id)
        return f"/follow-ups/{follow_up_id}/ended"
    return "/"


def _ended_page(context: RequestContext, request: Request, row: Followed, typed: Typed) -> HTMLResponse:
    return page(
        context,
        request,
        "follow_up_ended.html",
        typed=typed,
        row=row,
        states=STATES,
        reasons=REASONS,
        by=next(iter(names_of(context, [row.state_by]).values()), ""),
        bar=_bar_to(context, row.participant_id),
        reads_it=_reads(context, row.id),
    )


def _bar_to(context: RequestContext, participant_id: UUID) -> str:
    """Why the reader could not accompany a participant from today on; "" where they could."""
    try:
        assigning.bar_to(context.session, participant_id, context.asker.person_id, kind=PRIMARY, day=context.day)
    except Refusal as refusal:
        return sentence_of(refusal)
    return ""


def _reads(context: RequestContext, follow_up_id: UUID) -> bool:
    """Whether the reader still sees a follow-up that they had, as one who sits on the committee."""
    with suppress(Forbidden):
        find_follow_up(context.session, context.asker, follow_up_id)
        return True
    return False


def _who_may_have_it(
    candidates: Sequence[proposals.WorkerProposal], had_it: UUID | None
) -> list[proposals.WorkerProposal]:
    """The workers who may take a follow-up up again: those who accompanied the participant come first."""
    return sorted((one for one in candidates if one.possible), key=lambda one: one.person_id != had_it)


@dataclass(frozen=True)
class _Workers:
    """Who accompanies a participant today, who did before, and of whom one chooses."""

    parts: list[Assignment]
    before: list[_Before]
    candidates: list[proposals.WorkerProposal]

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named there."""
        return {
            *(part.person_id for part in self.parts),
            *(one.to_id for one in self.before),
            *(one.person_id for one in self.candidates),
        }


@dataclass(frozen=True)
class _Written:
    """What was written of a follow-up, none of it opened."""

    notes: list[notes.NoteLine]
    summaries: list[summaries.SummaryStep]
    attempts: list[ContactAttempt]

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named there."""
        return {
            *(note.written_by for note in self.notes),
            *(one.tried_by for one in self.attempts),
            *(who for one in self.summaries for who in (one.leaver_id, one.done_by)),
        }


def _page(context: RequestContext, request: Request, row: Followed, given: Given, typed: Typed) -> HTMLResponse:
    session, follow_up_id = context.session, row.id
    may_assign, may_keep = is_allowed(Action.ASSIGN_FOLLOW_UP, given), is_allowed(Action.KEEP_FOLLOW_UP, given)
    parts = assigning.parts_of(session, follow_up_id)
    candidates = (
        proposals.proposals(session, row.participant_id, at=context.at, asks=row.intensity) if may_assign else []
    )
    workers = _Workers(parts, _before(context, parts, follow_up_id), candidates)
    written = _Written(
        notes.notes_of(session, [follow_up_id]),
        summaries.summaries_of(session, follow_up_id),
        contacts.attempts_of(session, follow_up_id),
    )
    (line,) = lines(context, [(row, "")])
    had_it = assigning.had_it_last(session, [follow_up_id]).get(follow_up_id)
    return page(
        context,
        request,
        "follow_up.html",
        typed=typed,
        row=row,
        line=line,
        losing=next(iter(lost.losing(session, context.day, follow_up_ids=[follow_up_id])), None),
        pause=breaks.last_break(session, follow_up_id),
        asked_what_follows=withdrawals.asked(session, row.participant_id) if may_keep else None,
        unanswered=contacts.unanswered(session, follow_up_id),
        most_attempts=contacts.MOST_ATTEMPTS,
        today={part.kind: part for part in assigning.on_day(session, context.day, follow_up_ids=[follow_up_id])},
        before=workers.before,
        names=names_of(context, workers.people | written.people | {row.state_by}),
        places=places_by_id(context),
        candidates=candidates,
        notes=written.notes,
        drawn=STRIP,
        summaries=written.summaries,
        may_read_summaries=is_allowed(Action.READ_SUMMARY, as_reader(session, context.asker, row.number, given)),
        attempts=written.attempts,
        consents_to_research=row.participant_id in research.consents_to_research(session),
        reports=self_reports.self_reports_of(session, [follow_up_id])[follow_up_id],
        due=next(iter(self_reports.due_self_reports(session, context.day, among_rows=[row])), None),
        risks=RISKS_THEN,
        may_see_risk=is_allowed(Action.SEE_RISK, given),
        no_shows=contacts.no_shows_of(session, follow_up_id),
        history=told(context, _record(context, follow_up_id)),
        moves=[move for move in MOVES if FOLLOW_UP.allows(row.state, move)],
        may_keep=may_keep,
        may_assign=may_assign,
        may_read=is_allowed(Action.READ_FOLLOW_UP, given),
        **_before_committee(context, row, given),
        never_with_others=row.recruiter and is_allowed(Action.SEE_RISK, given),
        states=STATES,
        reasons=REASONS,
        kinds=KINDS,
        means=MEANS,
        why_none=WHY_NONE,
        strategies=STRATEGIES,
        intensities=INTENSITIES,
        bars_of=partial(bars_of, language=context.language),
        why_proposed=WHY_PROPOSED,
        move_words=MOVES,
        had_it=had_it,
        may_have_it=_who_may_have_it(candidates, had_it),
        nobody_yet=acts.NOBODY_YET,
        day=context.day,
    )


class BeforeCommittee(TypedDict):
    """What a follow-up's page says of it before the Clinical Committee; `marks` are those of the weeks shown.

    `heard` are the meetings of which the asker may read what was said.
    """

    may_raise: bool
    raised: CaseDiscussion | None
    spoken: list[CaseDiscussion]
    heard: Collection[UUID | None]
    weeks_shown: list[date]
    marks: Mapping[date, ProcessMark]
    case_outcomes: Mapping[str, str]
    processes: Mapping[str, str]


def _before_committee(context: RequestContext, row: Followed, given: Given) -> BeforeCommittee:
    """What is raised of the case and was said of it, none of it opened; and the processes of the last weeks."""
    spoken = discussing.discussions_of(context.session, row.id)
    return {
        "may_raise": is_allowed(Action.RAISE_ISSUE, given) and row.state not in access.ENDED,
        "raised": issues.waits_for(context.session, row.id),
        "spoken": spoken,
        "heard": access.heard_by(context.session, context.asker, given, spoken),
        "weeks_shown": strips.weeks_until(context.day, strips.SHOWN),
        "marks": caseloads.marks_by_week(context.session, [row.id], context.day).get(row.id, {}),
        "case_outcomes": CASE_OUTCOMES,
        "processes": PROCESSES,
    }


@dataclass(frozen=True)
class _Before:
    """A part that a person had until a day, and how it came to its holder of today, where it did."""

    part: Assignment
    to_id: UUID | None = None
    way: str = ""


def _record(context: RequestContext, follow_up_id: UUID) -> list[Event]:
    """What the record says of a follow-up, the newest first; who read it is the privacy officer's to see."""
    of_it = (Event.subject_id == follow_up_id, col(Event.verb).startswith("follow_up."))
    found = events.latest(context.session, *of_it, most=LINES_SHOWN)
    # A note that is saved as it is typed has a line for each save: of those in a row, the last one says it.
    return [line for before, line in zip([None, *found], found, strict=False) if not _same_note(before, line)]


def _same_note(later: Event | None, line: Event) -> bool:
    """Whether a line and the one after it are saves of one week's note by one person."""
    if later is None or {later.verb, line.verb} != {"follow_up.noted"}:
        return False
    return (later.actor_id, later.facts.get("week")) == (line.actor_id, line.facts.get("week"))


def _before(context: RequestContext, parts: Sequence[Assignment], follow_up_id: UUID) -> list[_Before]:
    """Who accompanied the participant before, the last first: the history of their workers."""
    handed = {(one.from_id, one.answered_at): one for one in offers.taken_over(context.session, follow_up_id)}
    over = [(part.ends_on, part) for part in parts if part.ends_on is not None and part.ends_on < context.day]
    found = []
    for _, part in sorted(over, key=itemgetter(0), reverse=True):
        one = handed.get((part.person_id, part.ended_at))
        found.append(_Before(part, one.to_id, one.way) if one else _Before(part))
    return found


#: More is no number of meetings or of minutes.
_MOST_FIGURES: Final = 5


def _count(text: str, code: str) -> int:
    """A number as it is typed, 0 where it is left empty. Raises Refusal."""
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_FIGURES):
        sentence = N_(
            "Write a whole number with at most %(most)s figures and no space, such as 45, or leave the field empty."
        )
        raise Refusal(code, sentence, most=_MOST_FIGURES)
    return int(text)
