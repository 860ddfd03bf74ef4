"""The lifecycles: for each thing that has a state, the one table of moves between its states.

A verb changes a state only through `Lifecycle.after`, or for many rows at once through `Lifecycle.moved`, so that a
move that is not in its table cannot be made. `docs/lifecycles.md` is drawn from the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import case
from sqlalchemy.sql.expression import ColumnElement

from models.lifecycle_words import HAPPENS, MEANS, TITLES


class NoSuchMove(Exception):
    """A move that is not in the lifecycle's table. The verbs turn it into a refusal for people."""

    def __init__(self, lifecycle: str, state: str, move: str) -> None:
        super().__init__(f"{lifecycle}: no {move} from {state}")
        self.state = state
        self.move = move


@dataclass(frozen=True)
class Lifecycle:
    """States, the first one, and the moves: (state, move) to the next state."""

    name: str
    states: tuple[str, ...]
    initial: str
    moves: Mapping[tuple[str, str], str]

    def after(self, state: str, move: str) -> str:
        """The state after `move`. Raises NoSuchMove."""
        try:
            return self.moves[state, move]
        except KeyError:
            raise NoSuchMove(self.name, state, move) from None

    def allows(self, state: str, move: str) -> bool:
        """Whether the table has this move."""
        return (state, move) in self.moves

    def open_to(self, move: str) -> tuple[str, ...]:
        """The states from which the table has this move, in their usual order."""
        return tuple(state for state in self.states if self.allows(state, move))

    def moved(self, column: ColumnElement[str], move: str, *, others_stay: bool = False) -> ColumnElement[str]:
        """The state after `move` as SQL, from the state in `column`: for a statement that changes many rows.

        A row whose state the move does not start from keeps it where `others_stay`; else it would be left without a
        state, which the database refuses. Raises NoSuchMove for a move that the table does not hold at all.
        """
        reached: dict[Any, str] = {state: self.after(state, move) for state in self.open_to(move)}
        if not reached:
            raise NoSuchMove(self.name, "any state", move)
        return case(reached, value=column, else_=column if others_stay else None)


CASE = Lifecycle(
    "case",
    states=("open", "closed", "cancelled"),
    initial="open",
    moves={
        ("open", "close"): "closed",
        ("open", "cancel"): "cancelled",
        ("closed", "reopen"): "open",
        ("cancelled", "reopen"): "open",
    },
)

#: planned: waits for other steps. submitted: done by the one who owes it, and waits for an approval.
TASK = Lifecycle(
    "task",
    states=("planned", "open", "submitted", "done", "waived", "cancelled"),
    initial="planned",
    moves={
        ("planned", "open"): "open",
        ("open", "postpone"): "planned",
        ("open", "complete"): "done",
        ("open", "submit"): "submitted",
        ("submitted", "approve"): "done",
        ("submitted", "reject"): "open",
        ("submitted", "undo"): "open",
        ("done", "undo"): "open",
        ("done", "postpone"): "planned",
        ("planned", "waive"): "waived",
        ("open", "waive"): "waived",
        ("submitted", "waive"): "waived",
        ("waived", "undo"): "planned",
        ("planned", "cancel"): "cancelled",
        ("open", "cancel"): "cancelled",
        ("submitted", "cancel"): "cancelled",
        ("cancelled", "restore"): "planned",
    },
)

AGREEMENT_VERSION = Lifecycle(
    "agreement version",
    states=("draft", "sent", "signed", "in_force", "ended"),
    initial="draft",
    moves={
        ("draft", "send"): "sent",
        ("draft", "sign"): "signed",
        ("sent", "sign"): "signed",
        ("signed", "unsign"): "sent",
        ("sent", "withdraw"): "draft",
        ("signed", "start"): "in_force",
        ("in_force", "end"): "ended",
        ("ended", "end"): "ended",
        ("in_force", "call_off"): "signed",
        ("ended", "call_off"): "signed",
    },
)

NOTICE = Lifecycle(
    "notice",
    states=("queued", "sent", "failed", "withdrawn"),
    initial="queued",
    moves={
        ("queued", "send"): "sent",
        ("queued", "give_up"): "failed",
        ("failed", "retry"): "queued",
        ("queued", "withdraw"): "withdrawn",
        ("failed", "withdraw"): "withdrawn",
    },
)

#: Words that are taken out of what is kept: one asks, another does it.
REDACTION = Lifecycle(
    "redaction",
    states=("asked", "done", "declined", "taken_back"),
    initial="asked",
    moves={("asked", "redact"): "done", ("asked", "decline"): "declined", ("asked", "take_back"): "taken_back"},
)

#: An export of a study: one asks, another approves, and a withdrawal closes it.
STUDY_EXPORT = Lifecycle(
    "study export",
    states=("asked", "made", "refused", "taken_back", "closed"),
    initial="asked",
    moves={
        ("asked", "approve"): "made",
        ("asked", "refuse"): "refused",
        ("asked", "take_back"): "taken_back",
        ("made", "close"): "closed",
    },
)

#: What the engine does automatically for one step, and undoes by its declared undo.
ACT = Lifecycle(
    "act",
    states=("none", "wanted", "done", "stuck", "undo_wanted", "undone"),
    initial="none",
    moves={
        ("none", "want"): "wanted",
        ("undone", "want"): "wanted",
        ("wanted", "perform"): "done",
        ("wanted", "fail"): "stuck",
        ("wanted", "drop"): "none",
        ("stuck", "drop"): "none",
        ("stuck", "perform"): "done",
        ("done", "look_again"): "wanted",
        ("done", "want_undo"): "undo_wanted",
        ("wanted", "want_undo"): "undo_wanted",
        ("stuck", "want_undo"): "undo_wanted",
        ("none", "perform_late"): "undo_wanted",
        ("undone", "perform_late"): "undo_wanted",
        ("undo_wanted", "perform_late"): "undo_wanted",
        ("done", "let_go"): "undone",
        ("none", "let_go"): "undone",
        ("undone", "let_go"): "undone",
        ("undo_wanted", "let_go"): "undone",
        ("undo_wanted", "undo"): "undone",
    },
)

#: under_way: people sit and the coordinator records. held: it was closed, and its minutes can be drafted.
MEETING = Lifecycle(
    "meeting",
    states=("planned", "under_way", "held", "cancelled"),
    initial="planned",
    moves={
        ("planned", "open"): "under_way",
        ("planned", "cancel"): "cancelled",
        ("under_way", "put_back"): "planned",
        ("under_way", "close"): "held",
    },
)

AGENDA_ITEM = Lifecycle(
    "agenda item",
    states=("pool", "scheduled", "settled", "withdrawn"),
    initial="pool",
    moves={
        ("pool", "schedule"): "scheduled",
        ("scheduled", "put_back"): "pool",
        ("scheduled", "settle"): "settled",
        ("settled", "correct"): "scheduled",
        ("pool", "withdraw"): "withdrawn",
        ("scheduled", "withdraw"): "withdrawn",
    },
)

#: standing: no task is owed by it; it holds until it is withdrawn.
DECISION = Lifecycle(
    "decision",
    states=("open", "standing", "done", "withdrawn"),
    initial="open",
    moves={
        ("open", "stand"): "standing",
        ("open", "complete"): "done",
        ("done", "reopen"): "open",
        ("open", "withdraw"): "withdrawn",
        ("standing", "withdraw"): "withdrawn",
        ("withdrawn", "stand_again"): "standing",
        ("withdrawn", "owe_again"): "open",
    },
)

#: The partners' word on a decision (GV-4). earlier: it was taken before endorsements bound, and keeps its effect.
ENDORSEMENT = Lifecycle(
    "endorsement",
    states=("not_asked", "pending", "endorsed", "objected", "earlier"),
    initial="not_asked",
    moves={
        ("not_asked", "ask"): "pending",
        ("pending", "endorse"): "endorsed",
        ("pending", "object"): "objected",
        ("endorsed", "object"): "objected",
        ("earlier", "object"): "objected",
        ("earlier", "endorse"): "endorsed",
        ("objected", "settle"): "pending",
        ("objected", "settle_as_before"): "earlier",
    },
)

MINUTES = Lifecycle(
    "minutes",
    states=("draft", "circulated", "approved"),
    initial="draft",
    moves={
        ("draft", "circulate"): "circulated",
        ("circulated", "amend"): "draft",
        ("circulated", "approve"): "approved",
    },
)

#: draft: still being written. candidate: no decision yet. assigned: a worker meets them. committed: yes.
_KEPT: Final = ("draft", "candidate", "assigned", "committed", "admitted", "refused", "declined")
PARTICIPANT = Lifecycle(
    "participant",
    states=(*_KEPT, "destroyed"),
    initial="draft",
    moves={
        ("draft", "send"): "candidate",
        ("candidate", "assign"): "assigned",
        ("candidate", "refuse"): "refused",
        ("candidate", "decline"): "declined",
        ("candidate", "join"): "destroyed",
        ("assigned", "reassign"): "assigned",
        ("assigned", "take_back"): "candidate",
        ("assigned", "commit"): "committed",
        ("assigned", "decline"): "declined",
        ("committed", "reassign"): "committed",
        ("committed", "take_back"): "candidate",
        ("committed", "decline"): "declined",
        ("committed", "admit"): "admitted",
        ("refused", "refer_again"): "candidate",
        ("declined", "refer_again"): "candidate",
        **{(state, "destroy"): "destroyed" for state in _KEPT if state not in ("assigned", "committed")},
        **{(state, "destroy_again"): "destroyed" for state in _KEPT},
    },
)

REFERRAL = Lifecycle(
    "referral",
    states=("draft", "received", "triaged", "joined", "abandoned", "destroyed"),
    initial="draft",
    moves={
        ("draft", "send"): "received",
        ("draft", "abandon"): "abandoned",
        ("received", "triage"): "triaged",
        ("received", "join"): "joined",
        ("triaged", "take_back"): "received",
        ("triaged", "join"): "joined",
        ("received", "destroy"): "destroyed",
    },
)

#: on_break: agreed with the participant, who sets the terms of their return; inactive: meetings have ended.
FOLLOW_UP = Lifecycle(
    "follow-up",
    states=("active", "on_break", "inactive", "completed"),
    initial="active",
    moves={
        ("active", "pause"): "on_break",
        ("on_break", "resume"): "active",
        ("active", "deactivate"): "inactive",
        ("on_break", "deactivate"): "inactive",
        ("active", "complete"): "completed",
        ("on_break", "complete"): "completed",
        ("inactive", "reactivate"): "active",
        ("completed", "reactivate"): "active",
    },
)

#: asked: by one person. Another confirms or refuses; the one who asked can withdraw it; what comes between stops it.
DESTRUCTION = Lifecycle(
    "destruction",
    states=("asked", "confirmed", "refused", "withdrawn", "lapsed", "stopped"),
    initial="asked",
    moves={
        ("asked", "confirm"): "confirmed",
        ("asked", "refuse"): "refused",
        ("asked", "withdraw"): "withdrawn",
        ("asked", "lapse"): "lapsed",
        ("asked", "stop"): "stopped",
    },
)

#: received: what a person asks about their own data. Its days run until it is answered, refused or withdrawn.
RIGHTS_REQUEST = Lifecycle(
    "rights request",
    states=("received", "preparing", "answered", "refused_in_part", "refused", "withdrawn", "stopped"),
    initial="received",
    moves={
        ("received", "prepare"): "preparing",
        **{
            (state, move): after
            for state in ("received", "preparing")
            for move, after in (
                ("answer", "answered"),
                ("refuse_in_part", "refused_in_part"),
                ("refuse", "refused"),
                ("withdraw", "withdrawn"),
                ("stop", "stopped"),
            )
        },
    },
)

#: in_use: it can be lent, or is. What is lost, or out of use, is in nobody's hands.
EQUIPMENT = Lifecycle(
    "equipment",
    states=("in_use", "out_of_use", "lost"),
    initial="in_use",
    moves={
        ("in_use", "take_out_of_use"): "out_of_use",
        ("in_use", "lose"): "lost",
        ("out_of_use", "put_back"): "in_use",
        ("lost", "find"): "in_use",
    },
)

LIFECYCLES = (
    CASE,
    TASK,
    ACT,
    NOTICE,
    AGREEMENT_VERSION,
    MEETING,
    AGENDA_ITEM,
    DECISION,
    ENDORSEMENT,
    MINUTES,
    REFERRAL,
    PARTICIPANT,
    FOLLOW_UP,
    DESTRUCTION,
    RIGHTS_REQUEST,
    EQUIPMENT,
    REDACTION,
    STUDY_EXPORT,
)

DRAWING: Final = Path(__file__).resolve().parents[1] / "docs" / "lifecycles.md"


def drawn() -> str:
    """The lifecycles as a page of `docs/`: for each a diagram, and a table that explains every state and move.

    Raises KeyError for a state or a move without a description: none is added without saying what it means.
    """
    parts = [_OPENING]
    for lifecycle in LIFECYCLES:
        parts += [f"## {TITLES[lifecycle.name]}", _diagram(lifecycle), _states(lifecycle), _moves(lifecycle)]
    return "\n\n".join(parts) + "\n"


def _diagram(lifecycle: Lifecycle) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {lifecycle.initial}"]
    lines += [
        f"    {state} --> {reached}: {move.replace('_', ' ')}" for (state, move), reached in lifecycle.moves.items()
    ]
    return "\n".join(["```mermaid", *lines, "```"])


def _states(lifecycle: Lifecycle) -> str:
    left = {state for state, _ in lifecycle.moves}
    rows = [
        f"| {'**' + state + '**' if state == lifecycle.initial else state} | {MEANS[lifecycle.name, state]} "
        f"| {'' if state in left else 'yes'} |"
        for state in lifecycle.states
    ]
    return "\n".join(["| state (the first in bold) | meaning | for good |", "| --- | --- | --- |", *rows])


def _moves(lifecycle: Lifecycle) -> str:
    rows = [
        f"| {move.replace('_', ' ')} | {state} | {reached} | {HAPPENS[lifecycle.name, move]} |"
        for (state, move), reached in lifecycle.moves.items()
    ]
    return "\n".join(["| move | from | to | when |", "| --- | --- | --- | --- |", *rows])


_OPENING: Final = """\
# Lifecycles

What has a state, and every way from one state to another. A move that is not here cannot be made: the verbs refuse
it, and the database refuses a state that is not here.

Drawn from `models/lifecycles.py` by `python -m models.lifecycles`; change it there."""


if __name__ == "__main__":
    DRAWING.parent.mkdir(exist_ok=True)
    DRAWING.write_text(drawn(), encoding="utf-8")
