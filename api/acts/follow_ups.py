"""What is done to a follow-up: attempts to reach the participant, its states, and taking it up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from api.access.follow_ups import find_ended, find_follow_up, move_to
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.views.follow_ups import MOVES
from api.web.given import ActInput, Day, PlainText, Version, on_form
from api.web.readers import id_or_none, version_or_none
from domain.accompaniment import states
from domain.follow_ups import Followed, contacts, issues, processes
from domain.kernel import Refusal
from locales import N_

#: What is chosen where a follow-up is taken up again and nobody accompanies the participant yet.
NOBODY_YET: Final = "nobody_yet"


def _find(context: RequestContext, _: Action, follow_up_id: UUID) -> tuple[Followed, Relations]:
    return find_follow_up(context.session, context.asker, follow_up_id)


def _find_ended(context: RequestContext, _: Action, follow_up_id: UUID) -> tuple[Followed, Relations]:
    return find_ended(context.session, context.asker, follow_up_id)


FOLLOW_UP: Final = ActSubject("/follow-ups/{follow_up_id}", _find, nominative=True)
ENDED: Final = ActSubject("/follow-ups/{follow_up_id}", _find_ended, nominative=True)


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
