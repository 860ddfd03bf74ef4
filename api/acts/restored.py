"""What is decided of what a restore left: done again, undone with a reason, noted; a meeting cancelled, or kept."""

from __future__ import annotations

from typing import Final

from api.access.permissions import Action
from api.access.restored import find_matter
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, PlainText
from domain.restored import deciding
from meetings import told_since
from models.ledger import RestoredMatter

#: What the page is told of a decision that led to it: which matter was decided.
JUST: Final = "just"


def _back(on: On[RestoredMatter], _: object) -> str:
    return f"/restored?{JUST}={on.id}#just"


MATTER: Final = ActSubject("/restored/{matter_id}", find_matter)


class UndoneGiven(ActInput):
    """Why what had ended does not hold any more."""

    reason: PlainText


@MATTER.act(Action.DECIDE_RESTORED, "/again", leads=_back)
def do_again(on: On[RestoredMatter]) -> None:
    """Do again what had ended, by the act itself, as of the day on which it was done."""
    deciding.done_again(on.session, on.id, by=on.by, at=on.at)


@MATTER.act(Action.DECIDE_RESTORED, "/undone", form="undone-{matter_id}", leads=_back)
def leave_undone(on: On[RestoredMatter], said: UndoneGiven) -> None:
    """Say that what had ended does not hold any more, and why."""
    deciding.leave_undone(on.session, on.id, reason=said.reason, by=on.by, at=on.at)


@MATTER.act(Action.DECIDE_RESTORED, "/noted", leads=_back)
def note_matter(on: On[RestoredMatter]) -> None:
    """Note what is so already, cannot be found any more, or was done where such things are done."""
    deciding.note(on.session, on.id, by=on.by, at=on.at)


@MATTER.act(Action.DECIDE_RESTORED, "/cancellation", leads=_back)
def cancel_told_meeting(on: On[RestoredMatter]) -> None:
    """Cancel a meeting in the calendars of all who were told of it."""
    told_since.cancel(on.session, on.id, by=on.by, at=on.at)


@MATTER.act(Action.DECIDE_RESTORED, "/keeping", leads=_back)
def keep_told_meeting(on: On[RestoredMatter]) -> None:
    """Keep a meeting that people were told of: all are told how it stands, where the program has it."""
    told_since.keep(on.session, on.id, by=on.by, at=on.at)
