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
)

DRAWING: Final = Path(__file__).resolve().parents[1] / "docs" / "lifecycles.md"


def drawn() -> str:
    """The lifecycles as a page of `docs/`: for each a diagram, and a table that explains every state and move.

    Raises KeyError for a state or a move without a description: none is added without saying what it means.
    """
    parts = [_OPENING]
    for lifecycle in LIFECYCLES:
        parts += [f"## {_TITLES[lifecycle.name]}", _diagram(lifecycle), _states(lifecycle), _moves(lifecycle)]
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
        f"| {'**' + state + '**' if state == lifecycle.initial else state} | {_MEANS[lifecycle.name, state]} "
        f"| {'' if state in left else 'yes'} |"
        for state in lifecycle.states
    ]
    return "\n".join(["| state (the first in bold) | meaning | for good |", "| --- | --- | --- |", *rows])


def _moves(lifecycle: Lifecycle) -> str:
    rows = [
        f"| {move.replace('_', ' ')} | {state} | {reached} | {_HAPPENS[lifecycle.name, move]} |"
        for (state, move), reached in lifecycle.moves.items()
    ]
    return "\n".join(["| move | from | to | when |", "| --- | --- | --- | --- |", *rows])


_OPENING: Final = """\
# Lifecycles

What has a state, and every way from one state to another. A move that is not here cannot be made: the verbs refuse
it, and the database refuses a state that is not here.

Drawn from `models/lifecycles.py` by `python -m models.lifecycles`; change it there."""

_TITLES: Final = {
    "case": "A case: one running protocol",
    "task": "A task: what a role owes",
    "act": "An act: what the engine does by itself for a step",
    "notice": "A notice: a letter to one person",
    "agreement version": "A version of an agreement",
    "meeting": "A meeting",
    "agenda item": "An item of an agenda",
    "decision": "A decision of a committee",
    "endorsement": "What the partners say of a decision on management or coordination",
    "minutes": "The minutes of a meeting",
    "referral": "A referral of somebody to the program",
    "participant": "A candidate, and then a participant",
    "follow-up": "A follow-up of a participant",
    "destruction": "The destruction of a file, which takes two",
    "rights request": "What a person asks about their own data",
    "equipment": "A piece of equipment of the inventory",
    "redaction": "A redaction: words that are taken out of what is kept",
}

_MEANS: Final = {
    ("case", "open"): "Work is left, or may still come.",
    ("case", "closed"): "Nothing that is required is left.",
    ("case", "cancelled"): "It will not be finished. Everything that was done stays on record.",
    ("task", "planned"): "It waits for other steps.",
    ("task", "open"): "Somebody owes it now.",
    ("task", "submitted"): "It was done, and waits for an approval by someone else.",
    ("task", "done"): "It was done and, where it needs that, approved.",
    ("task", "waived"): "It was decided, with a reason, that this case does not need it.",
    ("task", "cancelled"): "Its case was cancelled before it was done, or the step is gone from the protocol.",
    ("act", "none"): "There is nothing for the engine to do.",
    ("act", "wanted"): "The engine is to do it.",
    ("act", "done"): "The engine did it, and saw that it is so.",
    ("act", "stuck"): "A rule refuses it; the coordinator sees it.",
    ("act", "undo_wanted"): "What was done no longer holds, and the engine is to take it back.",
    ("act", "undone"): "The engine took it back.",
    ("notice", "queued"): "It waits to be sent, for the first time or again.",
    ("notice", "sent"): "The mail server took it.",
    ("notice", "failed"): "It was given up, and a person was told.",
    ("notice", "withdrawn"): "It does not leave: words were taken out of what it brings.",
    ("agreement version", "draft"): "It is being written.",
    ("agreement version", "sent"): "It is with the directors, and its text stands.",
    ("agreement version", "signed"): "Every director has signed it.",
    ("agreement version", "in_force"): "It binds the partner from its first day on.",
    ("agreement version", "ended"): "Its last day is set, and it binds nobody afterwards.",
    ("meeting", "planned"): "People are invited to it.",
    ("meeting", "under_way"): "People sit, and the secretary records who and what.",
    ("meeting", "held"): "It took place, and what was recorded stands.",
    ("meeting", "cancelled"): "It will not take place; everyone who was invited was told.",
    ("agenda item", "pool"): "The committee is to talk about it at a meeting that is not chosen yet.",
    ("agenda item", "scheduled"): "It is on the agenda of a meeting.",
    ("agenda item", "settled"): "The meeting said what becomes of it.",
    ("agenda item", "withdrawn"): "There is nothing left to talk about.",
    ("decision", "open"): "A role owes something by it, and it comes back on agendas.",
    ("decision", "standing"): "It holds, and nobody owes anything by it.",
    ("decision", "done"): "What was owed by it is done.",
    ("decision", "withdrawn"): "A later decision took it back.",
    ("endorsement", "not_asked"): "It is not on management or coordination: it counts, and no partner is asked.",
    ("endorsement", "pending"): "Partners are still to endorse it: nothing that rests on it counts.",
    ("endorsement", "endorsed"): "Every partner that it needs endorsed it: it counts.",
    ("endorsement", "objected"): "A partner objects: nothing that rests on it counts until that is settled.",
    ("endorsement", "earlier"): "It was taken before endorsements bound, and counts as it did.",
    ("minutes", "draft"): "The secretary is writing them.",
    ("minutes", "circulated"): "The members have them and may ask for changes.",
    ("minutes", "approved"): "A later meeting approved them; they stay as they are.",
    ("referral", "draft"): "Somebody is writing it, and nobody else sees it.",
    ("referral", "received"): "The coordinator has it, and looks at the criteria.",
    ("referral", "triaged"): "The coordinator said where it goes: to the committee, to a worker, or no further.",
    ("referral", "joined"): "It is about somebody who was known already, and belongs to them.",
    ("referral", "destroyed"): "It was never triaged, and what it says is destroyed with the file.",
    ("referral", "abandoned"): "It was never sent; what was written is destroyed.",
    ("participant", "draft"): "Somebody is writing a referral of them.",
    ("participant", "candidate"): "They were referred, and nobody has decided yet.",
    ("participant", "assigned"): "A worker is to meet them, or has, and they have not said yes or no.",
    ("participant", "committed"): "They said yes; the consent and the number come next.",
    ("participant", "admitted"): "They have a number, and a follow-up.",
    ("participant", "refused"): "The program said no, with what it offered instead.",
    ("participant", "declined"): "They said no.",
    ("participant", "destroyed"): "Their key is destroyed: nothing that was sealed can be read by anyone.",
    (
        "follow-up",
        "active",
    ): "A worker accompanies the participant; also while people are asked what a withdrawn consent leaves.",
    ("follow-up", "on_break"): "Worker and participant agreed on a break, which ends on its day.",
    ("follow-up", "inactive"): "Nobody accompanies the participant now, for a reason that is on record.",
    ("destruction", "asked"): "One person asked for it, with a reason; another is to answer, some days later.",
    ("destruction", "confirmed"): "Another person confirmed it, and the file is destroyed.",
    ("destruction", "refused"): "Another person refused it, with words; the file stays.",
    ("destruction", "withdrawn"): "It was taken back before anyone answered.",
    ("destruction", "lapsed"): "Nobody answered in time; it may be asked anew.",
    ("destruction", "stopped"): "Something came between: a legal hold, another last day, a return, a new referral.",
    ("follow-up", "completed"): "Participant and team consider the gains consolidated.",
    ("rights request", "received"): "It was received, and the days that the law gives run.",
    ("rights request", "preparing"): "The privacy officer looks at what leaves, and masks what is of other people.",
    ("rights request", "answered"): "It was answered on a day, and the answer was handed over.",
    ("rights request", "refused_in_part"): "It was answered but for a part, on a ground in law that was told.",
    ("rights request", "refused"): "It was refused on a ground in law that was told.",
    ("rights request", "withdrawn"): "Who asked does not want it any more.",
    ("rights request", "stopped"): "The file was destroyed meanwhile: there is nothing left to give.",
    ("equipment", "in_use"): "Somebody has it, or it can be lent.",
    ("equipment", "out_of_use"): "It is broken, given away or sold; nobody has it in hand.",
    ("equipment", "lost"): "It was given up, after it was found not to be there.",
    ("redaction", "asked"): "Somebody asked for it, and somebody else is to look at it.",
    ("redaction", "done"): "The words are gone, from every copy; the record says so.",
    ("redaction", "declined"): "The words stay, as somebody else decided.",
    ("redaction", "taken_back"): "The words stay, as who had asked for it decided.",
}

_HAPPENS: Final = {
    ("case", "close"): "The last required step is settled; the program sees it by itself.",
    ("case", "cancel"): "Someone whom the protocol names ends it, with a reason.",
    ("case", "reopen"): "Someone whom the protocol names takes it up again, with a reason.",
    ("task", "open"): "Nothing holds it up any more.",
    ("task", "postpone"): "Something that it waits for was taken back.",
    ("task", "complete"): "Whoever owes it, or the engine, did it.",
    ("task", "submit"): "Whoever owes it did it, and the step is approved by another role.",
    ("task", "approve"): "The approver agrees; never the one who did it.",
    ("task", "reject"): "The approver sends it back with a reason.",
    ("task", "undo"): "A mistake is taken back by its author or the coordinator.",
    ("task", "waive"): "Someone whom the protocol names decides that it is not needed.",
    ("task", "cancel"): "Its case is cancelled, or a newer version of the protocol no longer asks for it.",
    ("task", "restore"): "Its case is reopened.",
    ("act", "want"): "The steps before it are done; after an undo, once more.",
    ("act", "perform"): "The engine does it, or finds that it was done.",
    ("act", "fail"): "A rule refuses it, so that nothing changes until somebody sees to it.",
    ("act", "look_again"): "A day that it hangs on moved: the engine looks whether it is still so, and sees to it.",
    ("act", "drop"): "It is no longer needed, and was never done.",
    ("act", "want_undo"): "It was done, and the case is cancelled or what it rested on was taken back.",
    ("act", "undo"): "The engine takes it back by the declared undo.",
    ("act", "perform_late"): "It was called off while the engine was at it, and is done all the same.",
    ("act", "let_go"): "It no longer holds, and the protocol declares no undo: nothing is left to take back.",
    ("notice", "send"): "The mail server accepts it.",
    ("notice", "give_up"): "The address is refused for good, or the tries are used up.",
    ("notice", "retry"): "The coordinator asks for another try.",
    ("notice", "withdraw"): "Words are taken out of what it brings, before it has left.",
    ("agreement version", "send"): "It goes to the directors.",
    ("agreement version", "withdraw"): "It is taken back before anyone has signed.",
    ("agreement version", "sign"): "The last director whose signature it needs signs it, or no longer directs.",
    ("agreement version", "unsign"): "A signature recorded from paper is taken back, before it is set to begin.",
    ("agreement version", "start"): "Its first day is set.",
    ("agreement version", "end"): "Its last day is set, or comes sooner than it was set.",
    ("agreement version", "call_off"): "Before its first day its partner leaves the program: it does not begin.",
    ("meeting", "open"): "The secretary opens it, from its agenda.",
    ("meeting", "put_back"): "It was opened by mistake, and nothing was recorded.",
    ("meeting", "close"): "The secretary closes it; every item has its outcome.",
    ("meeting", "cancel"): "The coordinator cancels it, with a reason; its items return to the pool.",
    ("agenda item", "schedule"): "It is put on the agenda of a meeting.",
    ("agenda item", "put_back"): "It is taken off, or the meeting is cancelled.",
    ("agenda item", "settle"): "The meeting treats, decides, carries, refers or withdraws it.",
    ("agenda item", "correct"): "What was recorded of it was wrong, and the meeting is still under way.",
    ("agenda item", "withdraw"): "The fact that put it there no longer holds, or whoever asked for it takes it back.",
    ("decision", "stand"): "It is adopted without an owner.",
    ("decision", "complete"): "The task that it opened is done.",
    ("decision", "reopen"): "That task is taken back.",
    ("decision", "withdraw"): "A later decision that says so comes to count.",
    ("decision", "stand_again"): "What took it back counts no more; nobody owes anything by it.",
    ("decision", "owe_again"): "What took it back counts no more, and what it asks for is owed again.",
    ("endorsement", "ask"): "The committee says that it is on management, or a partner asks that it be endorsed.",
    ("endorsement", "endorse"): "The last partner that it needs endorses it, or is a partner no more.",
    ("endorsement", "object"): "A partner objects, with the reason.",
    ("endorsement", "settle"): "Who objected takes it back, or a sitting with its quorum settles it by a decision.",
    ("endorsement", "settle_as_before"): "The same, of a decision that was taken before endorsements bound.",
    ("minutes", "circulate"): "The secretary sends them to the members.",
    ("minutes", "amend"): "A member asks for a change before they are approved.",
    ("minutes", "approve"): "A later meeting of the committee approves them.",
    ("referral", "send"): "Whoever refers sends it.",
    ("referral", "abandon"): "It is thrown away, or was left for too long.",
    ("referral", "triage"): "The coordinator decides, every criterion looked at.",
    ("referral", "take_back"): "The coordinator corrects a triage of which nothing has come yet, or asks for more.",
    ("referral", "join"): "The coordinator sees that it is about somebody who is known.",
    ("referral", "destroy"): "The file of somebody whom nobody ever triaged is destroyed.",
    ("participant", "send"): "Their first referral is sent.",
    ("participant", "assign"): "The committee, or the coordinator directly, names the worker who meets them.",
    ("participant", "reassign"): "Another worker is named.",
    ("participant", "take_back"): "The worker can no longer meet them, and nobody else is named yet.",
    ("participant", "refuse"): "The coordinator or the committee refuses, with a reason.",
    ("participant", "decline"): "They do not want it.",
    ("participant", "commit"): "They say yes at a first meeting.",
    ("participant", "admit"): "The consent is signed, and a number given.",
    ("participant", "refer_again"): "Somebody refers them anew.",
    ("participant", "destroy_again"): "A restore brought back what was destroyed: it is destroyed at once.",
    ("participant", "join"): "They are somebody who is known already: what was kept apart is destroyed.",
    (
        "participant",
        "destroy",
    ): "Two people want it, their retention has ended and nothing holds them; or the draft was thrown away.",
    ("follow-up", "pause"): "Worker and participant agree on a break; the participant sets the terms of the return.",
    ("follow-up", "resume"): "The day of the return has come, or the participant comes back before it.",
    (
        "follow-up",
        "deactivate",
    ): "The participant withdraws, the team says why it ends, or it ends for a withdrawn consent.",
    ("follow-up", "complete"): "The participant and the team consider that the gains are consolidated.",
    ("follow-up", "reactivate"): "The participant comes back, at any time.",
    ("destruction", "confirm"): "Another person than who asked confirms it, after the delay that the program declares.",
    ("destruction", "refuse"): "Another person than who asked says why not.",
    ("destruction", "withdraw"): "The coordination takes it back.",
    ("destruction", "lapse"): "Its last day is over without an answer.",
    ("destruction", "stop"): "A hold, another last day, a return or a new referral comes between.",
    ("rights request", "prepare"): "The privacy officer begins to look at what leaves.",
    ("rights request", "answer"): "The answer is handed over to who asked.",
    ("rights request", "refuse_in_part"): "The answer is handed over, with the ground on which a part is refused.",
    ("rights request", "refuse"): "The refusal is handed over, with its ground and where to complain.",
    ("rights request", "withdraw"): "Who asked says that they do not want it any more.",
    ("rights request", "stop"): "The file was destroyed, after a restore or by another way.",
    ("equipment", "take_out_of_use"): "Who keeps the inventory says so, with the reason, while nobody has it in hand.",
    ("equipment", "put_back"): "It can be lent again.",
    ("equipment", "lose"): "It was reported missing, and somebody else than who had it gives it up.",
    ("equipment", "find"): "It turned up.",
    ("redaction", "redact"): "Somebody else than who asked, who answers for it, confirms it.",
    ("redaction", "decline"): "Somebody else than who asked, who answers for it, says no.",
    ("redaction", "take_back"): "Whoever asked no longer does.",
}


if __name__ == "__main__":
    DRAWING.parent.mkdir(exist_ok=True)
    DRAWING.write_text(drawn(), encoding="utf-8")
