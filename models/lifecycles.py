"""The lifecycles: for each thing that has a state, the one table of moves between its states.

A verb changes a state only through `Lifecycle.after`, so that a move that is not in its table cannot be
made, and `docs/lifecycles.md` is drawn from the same tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class NoSuchMove(Exception):
    """A move that the lifecycle's table does not hold. The verbs turn it into a refusal for people."""

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
        """Whether the table holds this move."""
        return (state, move) in self.moves


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
        ("done", "reject"): "open",
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
        ("sent", "withdraw"): "draft",
        ("signed", "start"): "in_force",
        ("in_force", "end"): "ended",
    },
)

NOTICE = Lifecycle(
    "notice",
    states=("queued", "sent", "failed"),
    initial="queued",
    moves={
        ("queued", "send"): "sent",
        ("queued", "give_up"): "failed",
        ("failed", "retry"): "queued",
    },
)

#: What the engine does by itself for one step, and undoes by its declared undo.
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
        ("stuck", "want"): "wanted",
        ("stuck", "drop"): "none",
        ("stuck", "perform"): "done",
        ("done", "want_undo"): "undo_wanted",
        ("wanted", "want_undo"): "undo_wanted",
        ("stuck", "want_undo"): "undo_wanted",
        ("undo_wanted", "undo"): "undone",
        ("undo_wanted", "fail"): "undo_wanted",
    },
)

LIFECYCLES = (CASE, TASK, ACT, NOTICE, AGREEMENT_VERSION)
