"""What a restore left, in words: what had ended, what each decision does, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from api.views.names import places_by_id
from api.views.tasks import names_of
from api.views.timeline import told
from domain.kernel import surely, title_of
from domain.record import apart
from domain.restored import matters, reports, standing
from locales import N_, gettext, say, show_moment
from meetings.committees import committees
from meetings.told_since import ToldSince, told_since
from meetings.wording import when
from models.ledger import RestoredMatter
from models.record import Event

#: The kinds of matters, as the report counts them.
KINDS: Final[Mapping[str, str]] = {
    "access": N_("Access"),
    "role": N_("Roles"),
    "departure": N_("Departures"),
    "consent": N_("Consents"),
    "restriction": N_("Restrictions of files"),
    "redaction": N_("Redacted words"),
    "agreement": N_("Agreements"),
    "meeting": N_("Meetings that people were told of"),
    "other": N_("Other"),
}

#: What doing it again does, by the act. The day on which it was done is said beside it.
DOES: Final[Mapping[str, str]] = {
    "access.ended": N_("Everything that lets this person in is closed. To come back, they need a new invitation."),
    "identity.linked": N_("Everything that lets this person in is closed. To come back, they need a new invitation."),
    "passkey.removed": N_("The passkey no longer opens anything."),
    "tenure.ended": N_("The role ends on that day. Where it is their last one, their departure opens."),
    "tenure.taken_back": N_("The appointment is cancelled before it begins."),
    "departure.opened": N_(
        "The departure opens with that last day: roles end, and what they have in hand is asked for."
    ),
    "departure.last_day_over": N_("The departure ends as it did: seats, parts and access there are closed."),
    "seat.left": N_("They leave the seat on that day."),
    "absence.cancelled": N_("The absence is cancelled. What the deputy did meanwhile stays theirs."),
    "absence.deputy_changed": N_("This deputy acts for them no more. Name another where they need one."),
    "consent.withdrawn": N_(
        "The consent is withdrawn as of that day. The worker and the coordinator are asked what follows."
    ),
    "consent.replaced": N_(
        "This consent no longer holds. The one that replaced it is missing: have it signed again if the person agrees."
    ),
    "research_consent.withdrawn": N_("The consent to research is withdrawn as of that day."),
    "participant.barred": N_("The worker is barred from the file, and their part in it ends."),
    "follow_up.part_ended": N_("The worker’s part in the follow-up ends. Without another worker, it is a vacancy."),
    "participant.meets_no_more": N_(
        "They are not to meet this person any more. Without a worker, the coordinator is asked to find one."
    ),
    "referral.left": N_("The draft is left to the coordinator again, and its author no longer reads it."),
    "retention.held": N_("The file is on legal hold again. The reason given at the time is missing."),
    "retention.moved": N_("The file is kept until that day. The reason given at the time is missing."),
    "agreement.ended": N_("The agreement ends on that day."),
    "agreement.called_off": N_("This version of the agreement does not begin."),
    "agreement.withdrawn": N_("This version is a draft again, and its directors are told."),
    "agreement.signature_taken_back": N_("The signature is taken back. The reason given at the time is missing."),
    "redaction.done": N_(
        "It is noted that the words were redacted anew. Two people do that first, on the page of the words."
    ),
}

#: Why it cannot be done again here, by what `standing.standing_of` says.
WHY_NOT: Final[Mapping[str, str]] = {
    "so": N_("It is so already: nothing is left to do again."),
    "gone": N_("What this is about was made after the copy, and cannot be found any more."),
    "by_hand": N_("It has no act here. See to it where such things are done, then note it."),
}

DECISIONS: Final[Mapping[str, str]] = {
    "done_again": N_("Done again"),
    "left_undone": N_("Does not hold any more"),
    "noted": N_("Noted"),
    "cancelled": N_("Cancelled in calendars"),
    "kept": N_("Kept"),
}


@dataclass(frozen=True)
class MatterLine:
    """One thing that had ended, in words: when, what of it is known, and what can be decided.

    `about` are the partner and the people that it names beside its words.
    `can` is that of `standing.standing_of`. `does` says what doing it again does, or why it cannot be.
    """

    id: UUID
    kind: str
    what: str
    about: tuple[str, ...]
    at: datetime
    is_certain: bool
    can: standing.Can
    does: str


@dataclass(frozen=True)
class ToldLine:
    """A meeting that people were told of: the day and hour that they were told, and what the program has of it now."""

    id: UUID
    what: str
    at: datetime
    now: str
    people: int
    can_be_cancelled: bool
    does: str
    keeps: str


@dataclass(frozen=True)
class DecidedLine:
    """One that was decided: what, how, by whom, and why where it stays undone."""

    id: UUID
    what: str
    decision: str
    by: str
    at: datetime
    reason: str


def lines_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[MatterLine]:
    """Those of these matters that are no meetings, in words."""
    those = [one for one in rows if one.kind != "meeting"]
    names = names_of(context, {who for one in those for who in matters.concerned(one)})
    places = {str(one): name for one, name in places_by_id(context).items()}
    return [
        _line(context, one, what, _about(one, what, names, places))
        for one, what in zip(those, _sentences(context, those), strict=True)
    ]


def _about(matter: RestoredMatter, what: str, names: Mapping[UUID, str], places: Mapping[str, str]) -> tuple[str, ...]:
    """The partner and the people that a matter names, where the words do not say them."""
    said = [places.get(str(matter.facts.get("organization")), "")]
    said += sorted(names.get(one, "") for one in matters.concerned(matter))
    return tuple(one for one in said if one and one not in what)


def _line(context: RequestContext, matter: RestoredMatter, what: str, about: tuple[str, ...]) -> MatterLine:
    can = standing.standing_of(context.session, matter).can
    does = DOES[matter.verb] if can == "again" else WHY_NOT[can]
    kind = gettext(KINDS[matter.kind])
    return MatterLine(matter.id, kind, what, about, matter.at, matter.is_certain, can, gettext(does))


def told_lines_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[ToldLine]:
    """The meetings among these matters, in words, each once."""
    return [_told_line(context, one) for one in told_since(context.session, rows)]


def decided_lines_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[DecidedLine]:
    """What was decided of these matters, in words."""
    names = names_of(context, {one.decided_by for one in rows if one.decided_by})
    told_of = told_since(context.session, rows)
    meetings = {matter.id: _meeting(context, one) for one in told_of for matter in one.matters}
    sentences = _sentences(context, rows)
    return [
        DecidedLine(
            one.id,
            meetings.get(one.id, what),
            gettext(DECISIONS[one.decision]),
            names.get(surely(one.decided_by), "") if one.decided_by else "",
            surely(one.decided_at),
            one.reason,
        )
        for one, what in zip(rows, sentences, strict=True)
    ]


def _sentences(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[str]:
    """What the record said of each, as it said it then."""
    return [line.what for line in told(context, [_as_line(one) for one in rows])]


def _as_line(matter: RestoredMatter) -> Event:
    closing = apart.CLOSINGS.get(matter.verb)
    facts = dict(matter.facts)
    day = facts.get("day")
    if closing is not None and closing.day and day:
        facts[closing.day] = day
    if closing is not None and closing.whose not in ("", "subject") and matter.person_id:
        facts[closing.whose] = str(matter.person_id)
    verb = _CALLED.get(matter.verb, matter.verb)
    return Event(
        program_id=matter.program_id,
        id=matter.id,
        n=matter.ledger_n,
        at=matter.at,
        actor_id=None,
        actor_as="",
        verb=verb,
        subject_kind="redaction" if verb == "redaction.done" else matter.subject_kind,
        subject_id=matter.subject_id,
        facts=facts,
    )


#: What is called otherwise here than the record does: a line of the ledger says less.
_CALLED: Final[Mapping[str, str]] = {
    "consent.replaced": "restored.consent_replaced",
    "absence.deputy_changed": "restored.deputy_changed",
    "follow_up.part_ended": "restored.part_ended",
    "participant.meets_no_more": "restored.meets_no_more",
}


def _meeting(context: RequestContext, told: ToldSince) -> str:
    hour = when(context.language, told.starts)
    if told.row is None:
        return hour
    committee = committees(context.session)[told.row.committee_id]
    return f"{title_of(committee, context.language)}, {hour}"


def _told_line(context: RequestContext, told: ToldSince) -> ToldLine:
    row, last = told.row, told.last
    now, keeps = N_("This meeting is not in the program: it was planned after the copy."), _LEAVE_IT
    if row is not None:
        now, keeps = _NOW[getattr(row, "state", "season") if told.people else "off"], _TELL_ANEW
    return ToldLine(
        last.id,
        _meeting(context, told),
        last.at,
        gettext(now),
        len({*told.people, *told.gone}),
        told.can_be_cancelled,
        gettext(_CANCEL_IT),
        gettext(keeps),
    )


_LEAVE_IT: Final = N_("Calendars stay as they are. Plan the meeting again on its committee’s page.")
_TELL_ANEW: Final = N_("Everyone who was told hears how it stands now, and their calendar follows.")
_CANCEL_IT: Final = N_(
    "It is taken out of the calendar of everyone who was told of it. If it is planned here, it is cancelled."
)
_NOW: Final[Mapping[str, str]] = {
    "off": N_("People were told that it is off. The program has it as it was before."),
    "planned": N_("The program has it as it was before: people may have been told another day, hour or place."),
    "under_way": N_("The program has it as it was before: under way."),
    "held": N_("The program has it as it was before: held."),
    "cancelled": N_("The program has it as it was before: cancelled."),
    "season": N_("The program has this season as it was before: people may have been told something else."),
}


def report_facts(context: RequestContext, report: reports.Report) -> list[tuple[str, str]]:
    """What is told of a restore: from when to when something is missing, and what was done, by count."""
    restoration = report.restoration
    pairs = [(N_("Found"), show_moment(context.language, restoration.found_at))]
    if restoration.missing_from is not None and restoration.missing_to is not None:
        since, until = (
            show_moment(context.language, one) for one in (restoration.missing_from, restoration.missing_to)
        )
        missing = say(context.language, N_("%(since)s – %(until)s at least"), since=since, until=until)
        pairs.append((N_("Missing"), missing))
    pairs += [(KINDS[kind], str(n)) for kind, n in sorted(report.by_kind.items())]
    pairs += [
        (N_("Files destroyed again"), str(report.destroyed)),
        (N_("Letters not sent again"), str(report.letters)),
        (N_("Series of numbers that go on after the last one given"), str(report.series)),
    ]
    return [(gettext(label), value) for label, value in pairs]
