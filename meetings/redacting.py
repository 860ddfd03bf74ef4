"""Taking words out of all that is kept of a meeting or an incident: one asks, another who answers for it confirms.

What goes out is searched for names (`domain.mail.name_gate`); what got in nevertheless is taken out here, in items,
notes, decisions, minutes and the register of incidents, in every copy: of an agenda as it went out, of minutes as they
were circulated, of letters in the outbox. What is sealed is sealed anew under another key, and the one before is
destroyed, so that no copy of the database opens any more. The record keeps a digest of before and of after, and that it
was done, by which two. Papers that were made are made anew and sent; letters that had not left are withdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.casework import asking
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    every,
    first,
    hold_row,
    local_day,
    of,
    open_words,
    program_of,
    rewrite,
    run,
    seal_words,
    surely,
)
from domain.mail import coordination_chain, resending
from domain.record import events, incident_versions
from domain.roles import FOR_PRIVACY, SEES_EVERY_CASE, deputies_of
from locales import N_
from meetings import freezing, invitations, meeting_words, minutes, minutes_posting, posting, told
from meetings.documents.content import minutes_from
from meetings.locking import lock_meeting, read_meeting
from meetings.meeting_words import Changed, Taker, composed, taker, walked
from meetings.minutes import OpenedMinutes
from models.lifecycles import REDACTION, NoSuchMove
from models.redaction import TAKEN_OUT, Redaction

#: The step of the task to look at what is to be taken out; its item is the redaction's id.
STEP: Final = "redaction"
DAYS_TO_LOOK: Final = 2
MOST_WORDS: Final = 20
LONGEST: Final = 200
#: So many letters or figures at least: one letter would be taken out everywhere.
_LEAST: Final = 2
_UNKNOWN: Final = N_("There is no such request.")
_CHANGED: Final = N_("This was settled by someone else or in another window. Nothing was changed; look again.")

Of = Literal["meeting", "incident"]


@dataclass(frozen=True)
class RedactedText:
    """A text from which words go: as it stands, and as it will. For the two alone who look at it."""

    before: str
    after: str


def ask(
    session: Session,
    of: Of,
    subject_id: UUID,
    words: Sequence[str],
    *,
    taken_out: str = "name",
    by: Actor,
    at: datetime,
) -> UUID:
    """Ask that these words are taken out of all that is kept of a meeting or an incident; the id of what is asked.

    Raises Refusal: nothing is asked for, too much, or the words stand nowhere in it.
    """
    (lock_meeting if of == "meeting" else incident_versions.hold)(session, subject_id)
    wanted = _checked(words)
    if taken_out not in TAKEN_OUT:
        raise Refusal("redaction.kind.malformed", N_("Choose from the list what is redacted."))
    found = places_of(session, of, subject_id, wanted)
    if not found and not (
        of == "meeting" and told.letters_hold(session, [read_meeting(session, subject_id)], taker(wanted)(""))
    ):
        raise Refusal("redaction.nothing", N_("These words are not in it. Write them exactly as they appear."))
    assert by.person_id is not None  # noqa: S101 - people ask
    row = Redaction(
        program_id=program_of(session),
        taken_out=taken_out,
        asked_by=by.person_id,
        asked_as=by.role,
        asked_for=by.acting_for,
        asked_at=at,
        places=len(found),
        meeting_id=subject_id if of == "meeting" else None,
        incident_id=subject_id if of == "incident" else None,
    )
    row.words = seal_words(session, of, subject_id, _place(row.id), {"words": wanted}, at=at)
    add_row(session, row)
    facts: dict[str, events.Fact] = {"of": of, "taken_out": taken_out, "n": len(found)}
    events.write(session, "redaction.asked", "redaction", row.id, by=by, at=at, case_id=None, **facts)
    said = N_("Check words to redact, and confirm or refuse")
    chain = coordination_chain(session) if _answers_as(by.role) == SEES_EVERY_CASE else FOR_PRIVACY
    asking.ask(session, STEP, row.id, said, chain=chain, working_days=DAYS_TO_LOOK, by=by, at=at)
    return row.id


def confirm(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> int:
    """Take the words out, everywhere at once; in how many texts. It cannot be undone. Raises Refusal."""
    row = _lock_for_another(session, redaction_id, seen, by, at)
    state = _moved(row, "redact")
    of, subject_id = of_what(row)
    words = words_of(session, row)
    takes = taker(words)
    if of == "incident":
        before, after, n = incident_versions.redact(session, subject_id, takes(""), by=by, at=at)
    else:
        before, after, n = _redact_meetings(session, subject_id, takes, row, by=by, at=at)
    _settle(session, row, state, by=by, at=at, words=None, before=before, after=after, places=n)
    facts: dict[str, events.Fact] = {"of": of, "subject": str(subject_id), "taken_out": row.taken_out}
    facts |= {"before": before, "after": after, "n": n}
    events.write(session, "redaction.done", "redaction", redaction_id, by=by, at=at, case_id=None, **facts)
    asking.answered(session, STEP, redaction_id, by=by, at=at)
    return n


def decline(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Say that the words stay. Raises Refusal as `confirm`."""
    row = _lock_for_another(session, redaction_id, seen, by, at)
    _end(session, row, "decline", "redaction.declined", by=by, at=at)
    asking.answered(session, STEP, redaction_id, by=by, at=at)


def take_back(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """No longer ask for it. Raises Refusal: it is settled, or another person asked."""
    row = _lock(session, redaction_id, seen)
    if not by.is_one_of(row.asked_by):
        raise Refusal("redaction.not_yours", N_("Someone else asked for this."))
    _end(session, row, "take_back", "redaction.taken_back", by=by, at=at)
    asking.no_more(session, STEP, redaction_id, by=by, at=at)


def waiting(session: Session) -> list[Redaction]:
    """What is asked for and not settled, the first asked first."""
    asked = of(Redaction).where(Redaction.state == "asked")
    return every(session, asked.order_by(col(Redaction.asked_at), col(Redaction.id)))


def find(session: Session, redaction_id: UUID) -> Redaction | None:
    """One that was asked for; None where there is none."""
    return first(session, of(Redaction).where(Redaction.id == redaction_id))


def of_subject(session: Session, kind: Of, subject_id: UUID) -> list[Redaction]:
    """What was asked for of one meeting or incident, the newest first."""
    statement = of(Redaction).where(col(getattr(Redaction, f"{kind}_id")) == subject_id)
    return every(session, statement.order_by(col(Redaction.asked_at).desc(), col(Redaction.id)))


def of_what(row: Redaction) -> tuple[Of, UUID]:
    """Of what words are taken out."""
    return ("meeting", row.meeting_id) if row.meeting_id is not None else ("incident", surely(row.incident_id))


def answered_as(row: Redaction) -> str:
    """The role of who answers: the coordinator's words go to the privacy officer, and theirs to the coordinator.

    So it is of an incident too, which the coordinator keeps while no one else can: they never answer themselves.
    """
    return _answers_as(row.asked_as)


def _answers_as(asked_as: str) -> str:
    return FOR_PRIVACY[0].role if asked_as == SEES_EVERY_CASE else SEES_EVERY_CASE


def words_of(session: Session, row: Redaction) -> list[str]:
    """The words that are to go, while it is asked. Raises Refusal."""
    found: list[str] = open_words(session, _place(row.id), surely(row.words))["words"]
    return found


def places_of(session: Session, of: Of, subject_id: UUID, words: Sequence[str]) -> list[RedactedText]:
    """Each text from which these words would go, once: as it stands, and as it would. Raises Refusal."""
    takes = taker(words)
    if of == "incident":
        said = [(text, "") for text in incident_versions.texts(session, subject_id)]
    else:
        said = list(meeting_words.texts_of(session, subject_id))
    found = {text: takes(language)(text) for text, language in said}
    return [RedactedText(text, left) for text, left in found.items() if left != composed(text)]


def _redact_meetings(
    session: Session, meeting_id: UUID, takes: Taker, row: Redaction, *, by: Actor, at: datetime
) -> tuple[str, str, int]:
    of_season = told.of_the_season(session, read_meeting(session, meeting_id), takes(""))
    meetings = sorted({*meeting_words.chain(session, meeting_id), *of_season})
    for one_meeting in meetings:
        lock_meeting(session, one_meeting)
    found = {one_meeting: list(meeting_words.texts_of_one(session, one_meeting)) for one_meeting in meetings}
    before, after, n = _digests(str(row.id), [said for of_one in found.values() for said in of_one], takes)
    # What nothing is taken out of stays under the key that it has.
    changed = [
        _redact_one(session, one_meeting, takes, apart=row.id, by=by, at=at)
        for one_meeting, of_one in found.items()
        if any(takes(language)(text) != text for text, language in of_one)
    ]
    emptied = _redact_what_was_told(session, meetings, changed, takes, by=by, at=at)
    # Last, once nothing says the words any more: what is written from here on says what is left.
    _send_anew(session, changed, takes, by=by, at=at)
    if changed or emptied:
        _tell_anew(session, meetings, at=at)
    return before, after, n


def _digests(salt: str, texts: Sequence[tuple[str, str]], takes: Taker) -> tuple[str, str, int]:
    """The digests of texts before and after, and from how many of them words go."""
    left = [takes(language)(text) for text, language in texts]
    before = incident_versions.digest_of([salt, *(text for text, _ in texts)])
    gone = {said for said, now in zip(texts, left, strict=True) if said[0] != now}
    return before, incident_versions.digest_of([salt, *left]), len(gone)


def _redact_what_was_told(
    session: Session, meetings: Sequence[UUID], changed: Sequence[Changed], takes: Taker, *, by: Actor, at: datetime
) -> int:
    """Take words out of what was told of these meetings and of their seasons, and out of letters; of how many of them.

    Letters are read once for all of these: each of a season is of every date of it.
    """
    rows = [read_meeting(session, one_meeting) for one_meeting in meetings]
    for meeting in {row.series_id or row.id: row for row in rows}.values():
        told.redact(session, meeting, takes(""))
    papers = [told.kept_under(session, [one.meeting]) for one in changed if one.agenda or one.minutes is not None]
    n = sum(resending.redact(session, ids, takes(""), whole=True, by=by, at=at) for ids in papers)
    return n + resending.redact(session, told.letters_of(session, rows), takes(""), whole=False, by=by, at=at)


def _redact_one(session: Session, meeting_id: UUID, takes: Taker, *, apart: UUID, by: Actor, at: datetime) -> Changed:
    """Take words out of a meeting; what else is asked of it is sealed anew with the rest."""
    others = {
        asked.id: words_of(session, asked)
        for asked in of_subject(session, "meeting", meeting_id)
        if asked.state == "asked" and asked.id != apart
    }
    changed = meeting_words.redact(session, meeting_id, takes, by=by, at=at)
    for other, words in others.items():
        sealed = seal_words(session, "meeting", meeting_id, _place(other), {"words": words}, at=at)
        run(session, changes(Redaction).where(Redaction.id == other).values(words=sealed))
    return changed


def _send_anew(session: Session, changed: Sequence[Changed], takes: Taker, *, by: Actor, at: datetime) -> None:
    for one in changed:
        if one.minutes is not None:
            _send_minutes_anew(session, one.minutes, takes, at=at)
        if one.agenda:
            _send_agenda_anew(session, one.meeting.id, by=by, at=at)


def _send_minutes_anew(session: Session, written: OpenedMinutes, takes: Taker, *, at: datetime) -> None:
    """Minutes that are with their readers: whose edition changed gets it anew, with a letter that says where."""
    if not written.circulations:
        return
    was, now = minutes_from(written.circulated), minutes_from(walked(written.circulated, takes, ""))
    n = written.circulations + 1
    with suppress(Refusal), session.begin_nested():  # something else stops them: the coordinator sends them then
        minutes_posting.post(session, written.meeting_id, now, before=was, n=n, at=at)
        minutes.count_circulation(session, written, n)


def _send_agenda_anew(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """The agenda of a meeting to come leaves again, as a version that stands in the place of the one with the words."""
    meeting = read_meeting(session, meeting_id)
    if meeting.state != "planned" or meeting.agenda_frozen_at is None or meeting.starts_at <= at:
        return
    with suppress(Refusal), session.begin_nested():  # something else stops it: the coordinator sends it then
        outgoing = freezing.restate(session, meeting_id, by=by, at=at)
        posting.post(session, outgoing, "frozen", at=at)


def _tell_anew(session: Session, meetings: Sequence[UUID], *, at: datetime) -> None:
    """Calendars that show words which were taken out get what is left; so do those whose letter was withdrawn."""
    for committee_id in sorted({read_meeting(session, one_meeting).committee_id for one_meeting in meetings}):
        with suppress(Refusal), session.begin_nested():  # something else stops it: the next change tells them
            invitations.tell(session, committee_id, at=at)


def _checked(words: Sequence[str]) -> list[str]:
    wanted = [word for word in dict.fromkeys(" ".join(word.split()) for word in words) if word]
    if not wanted:
        raise Refusal("redaction.words.missing", N_("Write the words to redact."))
    if len(wanted) > MOST_WORDS or max(map(len, wanted)) > LONGEST:
        raise Refusal(
            "redaction.words.too_long",
            N_("At most %(most)s words or lines at once, each of at most %(longest)s characters."),
            most=MOST_WORDS,
            longest=LONGEST,
        )
    if any(sum(letter.isalnum() for letter in word) < _LEAST for word in wanted):
        raise Refusal("redaction.words.malformed", N_("A single letter would be redacted everywhere. Write the word."))
    return wanted


def _lock(session: Session, redaction_id: UUID, seen: int | None) -> Redaction:
    return hold_row(session, Redaction, redaction_id, seen, "redaction", _UNKNOWN, _CHANGED)


def _lock_for_another(session: Session, redaction_id: UUID, seen: int | None, by: Actor, at: datetime) -> Redaction:
    """Lock it for an answer: of neither the one who asked, in any role, nor their deputies. Raises Refusal."""
    row = _lock(session, redaction_id, seen)
    asked = {one for one in (row.asked_by, row.asked_for) if one is not None}
    asked |= deputies_of(session, asked, [(local_day(session, row.asked_at), local_day(session, at))])
    if by.person_id is None or asked & {by.person_id, by.acting_for}:
        raise Refusal("redaction.own", N_("Redaction takes two people: someone else must answer."))
    return row


def _moved(row: Redaction, move: str) -> str:
    try:
        return REDACTION.after(row.state, move)
    except NoSuchMove:
        raise Refusal("redaction.settled", N_("This was settled already.")) from None


def _end(session: Session, row: Redaction, move: str, verb: str, *, by: Actor, at: datetime) -> None:
    _settle(session, row, _moved(row, move), by=by, at=at, words=None)
    events.write(session, verb, "redaction", row.id, by=by, at=at, taken_out=row.taken_out)


def _settle(session: Session, row: Redaction, state: str, *, by: Actor, at: datetime, **values: Any) -> None:
    settled = {"settled_by": by.person_id, "settled_as": by.role, "settled_for": by.acting_for, "settled_at": at}
    rewrite(session, Redaction, row.id, state=state, **settled, **values)


def _place(redaction_id: UUID) -> str:
    return f"redaction/{redaction_id}"
