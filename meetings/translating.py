"""Writing a decision in the language that its meeting left out, so that minutes and registers are whole in both.

The meeting's own text stays, and the page says which one that is. What is added is written once: a partner may have
endorsed what it read.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Language, Refusal, says_something
from locales import N_
from meetings import minutes
from meetings.decision_rows import change_decision, lock_decision, tell
from meetings.decisions import decision_of, unwritten
from meetings.locking import lock_meeting
from meetings.texts import checked_text
from models.lifecycles import MINUTES


def add_text(
    session: Session, decision_id: UUID, language: Language, text: str, *, by: Actor, at: datetime, seen: int | None
) -> None:
    """Write what was decided in the language in which it is not written. `seen` is the decision's version.

    Minutes that are a draft have it at once; those that are with their readers stay as they are. Raises Refusal: there
    is no such decision, or not in that version; it is written in it; or nothing is said.
    """
    meeting_id = decision_of(session, decision_id).meeting_id
    lock_meeting(session, meeting_id)
    row = lock_decision(session, decision_id, seen=seen)
    if unwritten(row) != language:
        raise Refusal("decision.written", N_("This decision is written in this language already."))
    words = checked_text(text)
    if not says_something(words):
        raise Refusal("decision.translation.empty", N_("Write what was decided, in the language that is missing."))
    if words in (row.text_fr, row.text_en):
        raise Refusal("decision.translation.same", N_("This is the text of the other language. Write it in this one."))
    said = {"text_fr": words} if language == "fr" else {"text_en": words}
    change_decision(session, row, **said, added_in=language, added_at=at, added_by=by.person_id)
    tell(session, "decision.translated", row, by=by, at=at, language=language)
    written_down = minutes.find(session, meeting_id)
    if written_down is not None and written_down.state == MINUTES.initial:
        minutes.refresh(session, meeting_id, by=by, at=at)
