"""What is held of one person, piece by piece, as codes and as the words that people wrote: nothing but their own file.

It writes no record: who shows it does (`packages`). A table with words of a participant that is not read here is named
in `NOT_GIVEN` with the reason; a test holds that every one is either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, SQLModel

from domain.follow_ups import BREAK_TERMS, CASE_SAID, NOTE, RAISED, WHERE, week_row
from domain.kernel import col, every, local_day, of, unseal
from domain.participants import Said, ToldField, Who, fields_of, identity_within
from models.casework import TaskWords
from models.consent import Consent, ResearchConsent
from models.departure import FollowUpSummary
from models.destruction import Destruction, KeptUntil
from models.discussion import PROCESSES, CaseDiscussion, ProcessMark
from models.follow_up import (
    ActivityPart,
    Assignment,
    ContactAttempt,
    FollowUp,
    FollowUpBreak,
    NoShow,
    SelfReport,
    WeeklyNote,
)
from models.participant import Barred, CandidateWorker, FirstMeeting, Participant, RiskAssessment
from models.referral import AdmissionDecision, CriterionFinding, Referral
from models.right import RightsRequest

#: Opens the words of a row, by the place where they open.
_Opening = Callable[[str, UUID, bytes | None], dict[str, str]]
#: Words of a participant that are not given, and why.
NOT_GIVEN: Final[Mapping[str, str]] = {
    "participant.names": "the same names again, for the gate of letters",
    "consent_form.sealed": "the form that they signed, of which they were given a copy",
    "note_import_sheet.sealed": "a workbook's words, which are in the weekly notes once it is saved",
    "study_row.sealed": "codes and groups that are told apart from no one else; which study and when is given",
    "rights_request.asked": "what they asked in their own words, and have",
    "rights_request.answer": "the answers that they were handed",
    "rights_request.statement": "their own words, which they gave",
    "rights_request.masks": "the words of other people that are masked in what is given",
    "rights_package.sealed": "what was given before",
}


@dataclass(frozen=True)
class Held:
    """One piece of what is held: its kind, its local day, codes and numbers, and words by the name of their field."""

    kind: str
    on: date | None
    said: Said = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Said:
        """The piece as it is sealed, and as it is given to be taken elsewhere."""
        return {
            "kind": self.kind,
            "on": self.on.isoformat() if self.on else None,
            "said": dict(self.said),
            "words": dict(self.words),
        }

    @classmethod
    def of_json(cls, kept: Said) -> Held:
        """The piece from its sealed form."""
        made = cls(**kept)
        return made if made.on is None else replace(made, on=date.fromisoformat(str(made.on)))


def held_of(session: Session, participant_id: UUID) -> list[Held]:
    """Everything that is held of a participant, opened, in the order in which a reader looks for it.

    What was told to others is in `told`. Raises Refusal where keys cannot be used, or are destroyed.
    """
    return [
        _identity(session, participant_id),
        *_of_admission(session, participant_id),
        *_of_decisions(session, participant_id),
        *_of_follow_up(session, participant_id),
    ]


def _identity(session: Session, participant_id: UUID) -> Held:
    who = identity_within(session, participant_id)
    (row,) = every(session, of(Participant, without=(Participant.sealed,)).where(Participant.id == participant_id))
    said = {name: value for one in (who, *who.also) for name, value in _plain(one).items()}
    beside = [_plain(one) for one in who.also]
    return Held(
        "identity",
        None,
        {
            **said,
            **_plain(who),
            **({"also": beside} if beside else {}),
            "number": row.number or row.candidate_ref,
            "languages": list(row.languages),
            "area": row.area,
            "admitted_on": row.admitted_on.isoformat() if row.admitted_on else "",
            "kept_until": row.retain_until.isoformat() if row.retain_until else "",
        },
        {name: text for name in _WORDS_OF_WHO if (text := getattr(who, name))},
    )


#: What of an identity is a sentence: it may name who passes a message on.
_WORDS_OF_WHO: Final = ("address", "contact_note")


def _plain(who: Who) -> Said:
    """The fields of an identity that say something and are no sentence, as JSON has them."""
    values = {one.name: getattr(who, one.name) for one in fields_of(Who) if one.name not in _WORDS_OF_WHO}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value not in ("", None)
    }


def _of_admission(session: Session, participant_id: UUID) -> Iterator[Held]:
    """What came with the referrals, and what was found and decided."""
    for referral in _each(session, Referral, participant_id, Referral.begun_at):
        yield _referral(session, referral)
        if referral.result:
            why = _opened(session, participant_id, f"triage/{referral.id}", referral.result_sealed)
            yield Held("triage", _day(session, referral.triaged_at), {"result": referral.result}, _texts(why))
    for finding in _each(session, CriterionFinding, participant_id, CriterionFinding.found_at):
        told = _opened(session, participant_id, f"finding/{finding.id}", finding.sealed)
        said = {"criterion": finding.criterion, "finding": finding.finding}
        yield Held("finding", finding.on, said | _numbers(told), _texts(told))
    for decision in _each(session, AdmissionDecision, participant_id, AdmissionDecision.taken_at):
        told = _opened(session, participant_id, f"admission/{decision.id}", decision.sealed)
        yield Held("admission", _day(session, decision.taken_at), {"result": decision.outcome}, _texts(told))
    for named in _each(session, CandidateWorker, participant_id, CandidateWorker.named_at):
        until = _iso(_day(session, named.ended_at))
        where = {"organization": str(named.organization_id), "until": until}
        yield Held("named", _day(session, named.named_at), where)
    for met in _each(session, FirstMeeting, participant_id, FirstMeeting.met_on):
        yield Held("first_meeting", met.met_on, {"way": met.way, "outcome": met.outcome})
    for risk in _each(session, RiskAssessment, participant_id, RiskAssessment.assessed_at):
        told = _opened(session, participant_id, f"risk/{risk.id}", risk.sealed)
        yield Held("risk", _day(session, risk.assessed_at), {"result": risk.level}, _texts(told))


def _referral(session: Session, row: Referral) -> Held:
    """A referral. Who referred is another person: that one did, and by which way, is told."""
    told = _opened(session, row.participant_id, f"referral/{row.id}", row.sealed)
    facts = _texts(told.get("facts", {}))
    words = {one.name: told[one.name] for one in fields_of(ToldField) if one.kind != "facts" and told.get(one.name)}
    said = {f"fact_{name}": text for name, text in facts.items()}
    return Held("referral", _day(session, row.received_at or row.begun_at), {"way": row.way}, words | said)


def _of_decisions(session: Session, participant_id: UUID) -> Iterator[Held]:
    """What the person agreed to and asked for, and how long the file is kept."""
    for consent in _each(session, Consent, participant_id, Consent.signed_on):
        yield Held("sharing" if consent.organization_id else "consent", consent.signed_on, _of_consent(consent))
    for research in _each(session, ResearchConsent, participant_id, ResearchConsent.signed_on):
        yield Held("research", research.signed_on, {"withdrawn_on": _iso(research.withdrawn_on)})
    for kept_away in _each(session, Barred, participant_id, Barred.recorded_at):
        since = _day(session, kept_away.recorded_at)
        yield Held("barred", since, {"lifted_on": _iso(_day(session, kept_away.lifted_at))})
    for request in _each(session, RightsRequest, participant_id, RightsRequest.number):
        if request.ended_at is not None:  # the others are not answered yet: this one among them
            said = {"right": request.kind, "state": request.state, "answered_on": _iso(request.answered_on)}
            yield Held("asked", request.received_on, said)
    for kept in _each(session, KeptUntil, participant_id, KeptUntil.set_at):
        told = _opened(session, participant_id, f"kept_until/{kept.id}", kept.sealed)
        yield Held("kept_until", _day(session, kept.set_at), {"change": kept.kind, "day": _iso(kept.day)}, _texts(told))
    for asked in _each(session, Destruction, participant_id, Destruction.asked_at):
        why = _opened(session, participant_id, f"destruction/{asked.id}", asked.sealed)
        answer = _opened(session, participant_id, f"destruction/{asked.id}/answer", asked.answer_sealed)
        words = _texts(why) | {f"answer_{name}": text for name, text in _texts(answer).items()}
        yield Held("destruction", _day(session, asked.asked_at), {"ground": asked.ground, "state": asked.state}, words)


def _of_follow_up(session: Session, participant_id: UUID) -> Iterator[Held]:
    """Who accompanied the person from when until when, and what was written week by week and with steps."""
    for follow_up in every(session, of(FollowUp).where(FollowUp.participant_id == participant_id)):
        yield Held("follow_up", follow_up.opened_on, {"state": follow_up.state, "since": _iso(follow_up.state_since)})
        yield from _parts_of(session, participant_id, follow_up.id)
    theirs = of(TaskWords).where(TaskWords.participant_id == participant_id)
    for row in every(session, theirs.order_by(col(TaskWords.id))):
        told = _texts(_opened(session, participant_id, f"task_words/{row.task_id}", row.sealed))
        if told:
            # Beside an offer that was refused stands its id: to a reader each is a note.
            yield Held("step", None, {}, {f"note_{n}": text for n, text in enumerate(told.values(), 1)})


def _parts_of(session: Session, participant_id: UUID, follow_up_id: UUID) -> Iterator[Held]:
    def mine(table: Any, order: Any) -> list[Any]:
        return every(session, of(table).where(table.follow_up_id == follow_up_id).order_by(col(order), col(table.id)))

    def words(place: str, row_id: UUID, sealed: bytes | None) -> dict[str, str]:
        return _texts(_opened(session, participant_id, f"{place}/{row_id}", sealed))

    for part in mine(Assignment, Assignment.starts_on):
        if part.withdrawn_at is None:
            said = {"part": part.kind, "organization": str(part.organization_id), "until": _iso(part.ends_on)}
            yield Held("assignment", part.starts_on, said)
    yield from _of_weeks(mine, words)
    yield from _of_cases(mine(CaseDiscussion, CaseDiscussion.recorded_at), words, partial(_day, session))
    yield from _of_work(mine)
    for one in mine(FollowUpBreak, FollowUpBreak.starts_on):
        back = {"returns_on": _iso(one.returns_on)}
        yield Held("break", one.starts_on, back, words(BREAK_TERMS, one.id, one.terms))
    for summary in mine(FollowUpSummary, FollowUpSummary.written_at):
        on = _day(session, summary.written_at)
        yield Held("summary", on, {}, words("follow_up_summary", summary.id, summary.words))
    for place in mine(ActivityPart, ActivityPart.id):
        yield Held("activity", None, {}, words(WHERE, place.id, place.sealed))
    for tried in mine(ContactAttempt, ContactAttempt.tried_on):
        yield Held("attempt", tried.tried_on, {"means": tried.means, "reached": tried.reached})
    for missed in mine(NoShow, NoShow.expected_at):
        yield Held("no_show", _day(session, missed.expected_at), {"waited_minutes": missed.waited_minutes})


def _of_weeks(mine: Callable[[Any, Any], list[Any]], words: _Opening) -> Iterator[Held]:
    """What was noted week by week."""
    for note in mine(WeeklyNote, WeeklyNote.week):
        week = week_row.Week.of(note, words(NOTE, note.id, note.words))
        yield Held("weekly_note", note.week, week.columns() | {"reached": note.reached}, week.words)


def _of_work(mine: Callable[[Any, Any], list[Any]]) -> Iterator[Held]:
    """What the work of each week was about, and the questionnaires."""
    for marked in mine(ProcessMark, ProcessMark.week):
        yield Held("processes", marked.week, {name: True for name in PROCESSES if getattr(marked, name)})
    for report in mine(SelfReport, SelfReport.n):
        yield Held("self_report", report.done_on, {"time": report.n, "result": report.risk or ""})


def _of_cases(
    rows: list[CaseDiscussion], words: _Opening, day_of: Callable[[datetime | None], date | None]
) -> Iterator[Held]:
    """What a worker raised of the person before the committee, and what was said of it there."""
    for row in rows:
        raised = {"raised": "".join(words(RAISED, row.id, row.raised).values())} if row.raised else {}
        said = {"urgent": row.urgent, "outcome": row.outcome, "day": _iso(row.due_on)}
        yield Held(
            "discussion", day_of(row.recorded_at or row.raised_at), said, raised | words(CASE_SAID, row.id, row.said)
        )


def _of_consent(row: Consent) -> Said:
    return {
        "purpose": row.purpose,
        "organization": str(row.organization_id or ""),
        "signed_by": row.signed_by,
        "until": _iso(row.ends_on),
        "withdrawn_on": _iso(row.withdrawn_on),
    }


def _each(session: Session, table: type[SQLModel], participant_id: UUID, order: Any) -> list[Any]:
    found: Any = table
    theirs = of(found).where(found.participant_id == participant_id)
    return every(session, theirs.order_by(col(order), col(found.id)))


def _opened(session: Session, participant_id: UUID, place: str, sealed: bytes | None) -> Said:
    return {} if sealed is None else unseal(session, participant_id, place, sealed)


def texts_in(session: Session, participant_id: UUID, place: str, sealed: bytes | None) -> dict[str, str]:
    """The words of a row, unsealed, by the names of their fields."""
    return _texts(_opened(session, participant_id, place, sealed))


def _texts(told: Said) -> dict[str, str]:
    return {name: text for name, text in told.items() if isinstance(text, str) and text}


def _numbers(told: Said) -> dict[str, int]:
    return {name: value for name, value in told.items() if isinstance(value, int)}


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _day(session: Session, at: datetime | None) -> date | None:
    return None if at is None else local_day(session, at)
