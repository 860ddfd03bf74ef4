"""What is done to a follow-up: its weekly notes, attempts to reach the participant, its states, taking it up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Final, Literal, NamedTuple, Self, cast
from uuid import UUID

from fastapi import Path
from pydantic import Field, StrictBool

from api.access.follow_ups import find_ended, find_follow_up, move_to
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.views.follow_ups import MOVES
from api.web.given import ActInput, Day, Line, PlainText, Version, on_form
from api.web.readers import id_or_none, version_or_none
from domain.accompaniment import states
from domain.follow_ups import Followed, contacts, issues, notes, processes, self_reports, week_row
from domain.kernel import Refusal
from locales import N_

Satisfaction = Literal["dissatisfied", "somewhat_satisfied", "satisfied", "very_satisfied"]

#: What is chosen where a follow-up is taken up again and nobody accompanies the participant yet.
NOBODY_YET: Final = "nobody_yet"


def _find(context: RequestContext, _: Action, follow_up_id: UUID) -> tuple[Followed, Relations]:
    return find_follow_up(context.session, context.asker, follow_up_id)


def _find_ended(context: RequestContext, _: Action, follow_up_id: UUID) -> tuple[Followed, Relations]:
    return find_ended(context.session, context.asker, follow_up_id)


FOLLOW_UP: Final = ActSubject("/follow-ups/{follow_up_id}", _find, nominative=True)
ENDED: Final = ActSubject("/follow-ups/{follow_up_id}", _find_ended, nominative=True)


def _find_week(
    context: RequestContext,
    action: Action,
    follow_up_id: UUID,
    week: date,  # noqa: ARG001 - the verb looks whether it is one of the follow-up's
) -> tuple[Followed, Relations]:
    return _find(context, action, follow_up_id)


#: The note of one week of a follow-up, which is known by its Monday.
NOTE: Final = ActSubject("/follow-ups/{follow_up_id}/notes/{week}", _find_week, nominative=True)


def week_of(on: On[Followed]) -> tuple[UUID, date]:
    """The follow-up and the week that an act on a note is about."""
    follow_up_id, week = on.ids.values()
    return follow_up_id, week


def _count(code: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.strip() == "":
            return 0
        if not (text.strip().isascii() and text.strip().isdecimal()):
            raise Refusal(code, N_("Write a whole number."))
        return int(text.strip()[:6])  # the verb says how much may be

    return read


def _complete(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)


class NoteGiven(ActInput):
    """What a worker says of a week. What is left out stays as it is; of a new note it is empty.

    With `complete` null the note stays as complete as it was, as while one types. `confirmed` says that a very long
    meeting is no slip.
    """

    met: Annotated[int, Field(ge=0, le=1000), on_form(_count("met.malformed"))] = 0
    minutes: Annotated[int, Field(ge=0, le=100_000), on_form(_count("minutes.malformed"))] = 0
    communications: list[Literal["telephone", "text_message", "messenger", "email", "other"]] = Field(
        default_factory=list
    )
    why_none: Literal["not_scheduled", "no_news", "impossible", "withdrew", "other"] | None = None
    why_other: Line = ""
    need: Literal["emergency", "stability", "participation", "recovery", "relationship"] | None = None
    main_activity: Line = ""
    worker_satisfaction: Satisfaction | None = None
    participant_satisfaction: Satisfaction | None = None
    activity_type: (
        Literal["medical", "recreational", "sports", "cultural", "social", "legal", "community", "clinical", "other"]
        | None
    ) = None
    summary: PlainText = ""
    other_information: PlainText = ""
    other_workers: PlainText = ""
    complete: Annotated[StrictBool | None, on_form(_complete)] = True
    confirmed: StrictBool = False
    seen: Annotated[Version, on_form(lambda text: int(text) if text.isdecimal() else None)] = None

    #: Of a form alone: whether the page showed the words, and to which page it leads.
    opened: StrictBool = False
    back: Literal["week", "weeks"] = "weeks"

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What a form says. Words that the page did not show are left as they are where none are typed."""
        read = super().from_form(typed, context)
        kept = {name for name in week_row.WORDS if not typed[name] and typed.get("opened") != "yes"}
        return cast("Self", cls.model_construct(**{one: getattr(read, one) for one in read.model_fields_set - kept}))


_WEEKS: Final = "/follow-ups/{follow_up_id}/weeks#row-{follow_up_id}-{week}"


class NoteWritten(NamedTuple):
    """A note as it was written, and to which page its form leads."""

    note: notes.NoteLine
    back: str


#: To which page the form of a note leads back.
_BACK: Final[Mapping[str, str]] = {"week": "/caseload/week?week={week}#row-{follow_up_id}-{week}", "weeks": _WEEKS}


@NOTE.act(
    Action.KEEP_FOLLOW_UP,
    form="note-{follow_up_id}-{week}",
    json="PUT",
    leads=lambda on, done: _BACK.get(done.back, _WEEKS).format(**on.ids),
)
def write_note(on: On[Followed], said: NoteGiven) -> NoteWritten:
    """Write the note of a week, or what is given of it."""
    note = notes.amend_note(
        on.session,
        *week_of(on),
        {name: getattr(said, name) for name in week_row.FIELDS if name in said.model_fields_set},
        complete=said.complete,
        confirmed=said.confirmed,
        by=on.by,
        at=on.at,
        seen=said.seen,
    )
    return NoteWritten(note, said.back)


def _answered(text: str) -> bool:
    if text not in ("yes", "no"):
        raise Refusal("reached.missing", N_("Say whether they answered."))
    return text == "yes"


class AttemptGiven(ActInput):
    """An attempt to reach a participant."""

    means: Literal["call", "message", "visit", "through_someone"]
    reached: Annotated[StrictBool, on_form(_answered)]
    tried_on: Annotated[Day | None, on_form(name="day")] = None


@FOLLOW_UP.act(Action.KEEP_FOLLOW_UP, "/attempts", form="attempt", once=True)
def record_attempt(on: On[Followed], said: AttemptGiven) -> None:
    """Write down an attempt to reach the participant."""
    contacts.record_attempt(
        on.session, on.id, means=said.means, reached=said.reached, tried_on=said.tried_on, by=on.by, at=on.at
    )


class StrategyGiven(ActInput):
    """What was agreed after a missed meeting."""

    strategy: Literal["new_meeting", "another_place", "reminder_before", "less_often", "break", "attempts"]


@FOLLOW_UP.act(
    Action.KEEP_FOLLOW_UP,
    "/missed-meetings/{no_show_id}/strategy",
    form="strategy-{no_show_id}",
    json="PUT /missed-meetings/{no_show_id}",
)
def agree_strategy(on: On[Followed], said: StrategyGiven, no_show_id: UUID) -> None:
    """Write down what was agreed after a missed meeting."""
    contacts.agree_strategy(on.session, on.id, no_show_id, said.strategy, by=on.by, at=on.at)


class MoveGiven(ActInput):
    """A move of a follow-up's state, with what it needs: a reason, or a day and terms of return, or their agreement.

    One that is taken up again has its worker, or says that there is `nobody_yet`.
    """

    move: Literal["pause", "resume", "deactivate", "complete", "reactivate"]
    reason: Literal["", "withdrew", "no_longer_benefits", "needs_beyond_program", "other_purposes", "lost_contact"] = ""
    returns_on: Day | None = None
    terms: PlainText = ""
    participant_agrees: Annotated[StrictBool, on_form(name="agrees")] = False
    worker_id: Annotated[
        UUID | None, on_form(lambda text: None if text == NOBODY_YET else id_or_none(text), name="worker")
    ] = None
    nobody_yet: Annotated[StrictBool, on_form(NOBODY_YET.__eq__, name="worker")] = False


def _which_move(typed: Mapping[str, str]) -> str:
    move = typed["move"]
    return move if move in MOVES else "state"


@FOLLOW_UP.act(Action.KEEP_FOLLOW_UP, "/state", form=_which_move, versioned=True, json="PUT")
def move_state(on: On[Followed], said: MoveGiven) -> None:
    """Have a follow-up pause, come back, end for a reason, be completed, or be taken up again."""
    move_to(
        on.context,
        on.id,
        said.move,
        reason=said.reason,
        returns_on=said.returns_on,
        terms=said.terms,
        agrees=said.participant_agrees,
        worker_id=said.worker_id,
        nobody_yet=said.nobody_yet,
        by=on.by,
        seen=on.seen,
    )


class SelfReportGiven(ActInput):
    """A self-report questionnaire: on which day it was filled in, and the risk then; both null where it was not."""

    done_on: Day | None = None
    risk: Literal["red", "yellow", "green", "none"] | None = None
    seen: Annotated[Version, on_form(lambda text: int(text) if text.isdecimal() else None)] = None


@FOLLOW_UP.act(Action.KEEP_FOLLOW_UP, "/self-reports/{n}", form="self-report-{n}", json="PUT", place="research")
def record_self_report(on: On[Followed], said: SelfReportGiven, n: Annotated[int, Path(ge=1, le=2)]) -> None:
    """Record that the questionnaire of time 1 or 2 was filled in, or that it was not after all."""
    self_reports.record_self_report(
        on.session, on.id, n, done_on=said.done_on, risk=said.risk, by=on.by, at=on.at, seen=said.seen
    )


class IssueGiven(ActInput):
    """What the worker raises for the next Clinical Committee, in their own words. `version` is that which was read."""

    words: PlainText
    urgent: StrictBool = False
    version: Annotated[Version, on_form(version_or_none)] = None


@FOLLOW_UP.act(Action.RAISE_ISSUE, "/issue", form="issue", place="issue", json="PUT /issue")
def raise_issue(on: On[Followed], said: IssueGiven) -> None:
    """Raise an issue of a case for the next sitting, or word it anew."""
    told = issues.Issue(said.words, urgent=said.urgent)
    issues.raise_issue(on.session, on.id, told, by=on.by, at=on.at, seen=said.version)


class IssueTakenBack(ActInput):
    """The version that was read."""

    version: Annotated[Version, on_form(version_or_none)] = None


@FOLLOW_UP.act(Action.RAISE_ISSUE, "/issue/taking-back", form="issue", place="issue", json="POST /issue/taking-back")
def take_issue_back(on: On[Followed], said: IssueTakenBack) -> None:
    """Take back what was raised, before a sitting has spoken of it."""
    issues.take_issue_back(on.session, on.id, by=on.by, at=on.at, seen=said.version)


class ProcessesGiven(ActInput):
    """Which processes of motivational interviewing the work of a week was about; the week is known by its Monday."""

    week: Day
    processes: list[Literal["relationship", "focus", "evocation", "planning"]] = Field(default_factory=list)
    version: Annotated[Version, on_form(version_or_none)] = None


@FOLLOW_UP.act(Action.KEEP_FOLLOW_UP, "/processes", form="processes", place="processes", json="PUT /processes")
def mark_processes(on: On[Followed], said: ProcessesGiven) -> None:
    """Mark the processes of a week."""
    processes.mark_processes(on.session, on.id, said.week, said.processes, by=on.by, at=on.at, seen=said.version)


@ENDED.act(Action.TAKE_UP_AGAIN, "/taking-up", form="again", versioned=True)
def take_up_again(on: On[Followed]) -> None:
    """Take up again, as its worker, a follow-up that one had until it ended."""
    me = on.context.asker.person_id
    states.reactivate(on.session, on.id, worker_id=me, by=on.by, at=on.at, seen=on.seen)
