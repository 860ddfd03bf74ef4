"""What a restore left, in words: what had ended, what each decision does, and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.views.names import places_by_id
from api.views.restored_places import place_of
from api.views.restored_words import said_of
from api.views.tasks import names_of
from domain.access import KEEPS_OUT
from domain.kernel import only, run, surely, title_of
from domain.restored import matters, reports, standing
from locales import N_, gettext, say, show_moment
from meetings.committees import committees
from meetings.told_news import ToldDate
from meetings.told_since import ToldSince, by_meeting, told_since
from meetings.wording import days_in, named_in, when
from models.ledger import RestoredMatter
from models.program import Person

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
    "consent.narrowed": N_("The consent ends on that day, as the person had chosen."),
    "research_consent.withdrawn": N_("The consent to research is withdrawn as of that day."),
    "staff_research_consent.withdrawn": N_("The consent to take part in the research is withdrawn as of that day."),
    "study.recipient_removed": N_("They receive nothing more of this study."),
    "study.ended": N_("The study ends: its rows are emptied, and the key of its codes is destroyed."),
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
        "It is noted that the words were redacted anew, in all that was kept. Two people do that first: of a meeting, "
        "the coordinator asks on its page and you confirm; of an incident, you ask and the coordinator confirms."
    ),
}

#: Why it cannot be done again here, by what `standing.standing_of` says.
WHY_NOT: Final[Mapping[str, str]] = {
    "so": N_("It is so already: nothing is left to do again."),
    "gone": N_("What this is about was made after the copy, and cannot be found any more."),
    "by_hand": N_("It has no act here. See to it where such things are done, then note it."),
}

#: What noting a matter opens again, where it closes something until then.
_LETS_IN: Final = N_(
    "%(name)s is no longer kept out because of this. With a way to sign in they can use it, unless something else of "
    "theirs still waits here."
)
_AT_THIS_ADDRESS: Final = N_("Letters and links for signing in go to %(address)s, which the program has now.")
_OPENS: Final = N_("What this keeps closed is open again, as the program has it now.")
_REASON_STAYS: Final = N_("The reason stays here, for those who decide: name no participant.")
#: What decides that something is as it had been, by the act.
_AGAIN: Final = N_("Do it again")
_NOTED: Final[Mapping[str, str]] = {"redaction.done": N_("It is redacted anew")}
#: Said of what is open as the copy has it, decided or not.
_OPEN_MEANWHILE: Final = N_("Nothing is kept closed by it meanwhile: the program has it as it was in the copy.")

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
    `can` is that of `standing.standing_of`. `does` says what doing it again does, or why it cannot be. `opens` says
    what noting it opens again; "" where that opens nothing. `undone` says what follows where it does not hold any more,
    and `again` is the word for doing it again. `href` is where such things are done, or "".
    `was_decided` is what was decided of it before another restore, which lost that; "" where it was not.
    """

    id: UUID
    kind: str
    what: str
    about: tuple[str, ...]
    at: datetime
    is_certain: bool
    can: standing.Can
    does: str
    again: str
    undone: str
    opens: str = ""
    href: str = ""
    was_decided: str = ""


@dataclass(frozen=True)
class ToldLine:
    """A meeting that people were told of: the dates that they were told, and what the program has of it now.

    `told` says of each date how it was told, and who was told.
    """

    id: UUID
    what: str
    told: tuple[tuple[str, str], ...]
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
    deciders = {UUID(said.by) for one in those if (said := matters.decided_before(one)) and said.by}
    names = names_of(context, {who for one in those for who in matters.concerned(one)} | deciders)
    places = {str(one): name for one, name in places_by_id(context).items()}
    return [
        _line(context, one, what, _about(one, what, names, places), names)
        for one, what in zip(those, said_of(context, those), strict=True)
    ]


def _about(matter: RestoredMatter, what: str, names: Mapping[UUID, str], places: Mapping[str, str]) -> tuple[str, ...]:
    """The partner and the people that a matter names, where the words do not say them."""
    said = [places.get(str(matter.facts.get("organization")), "")]
    said += sorted(names.get(one, "") for one in matters.concerned(matter))
    return tuple(one for one in said if one and one not in what)


def _line(
    context: RequestContext, matter: RestoredMatter, what: str, about: tuple[str, ...], names: Mapping[UUID, str]
) -> MatterLine:
    can = standing.standing_of(context.session, matter).can
    is_open = can == "by_hand" and not matters.is_closed_meanwhile(matter)
    does = f"{gettext(_does(matter.verb, can))} {gettext(_OPEN_MEANWHILE) if is_open else ''}".strip()
    kind = gettext(KINDS[matter.kind])
    lets_in, is_closed = _lets_in(context, matter, names), matters.is_closed_meanwhile(matter)
    opened = lets_in or (gettext(_OPENS) if is_closed else "")
    return MatterLine(
        matter.id,
        kind,
        what,
        about,
        matter.at,
        matter.is_certain,
        can,
        does,
        again=gettext(_NOTED.get(matter.verb, _AGAIN)),
        undone=f"{opened} {gettext(_REASON_STAYS)}".strip(),
        opens=opened if can == "by_hand" else lets_in if can != "again" else "",
        href=place_of(context, matter) if can == "by_hand" or matter.verb in _NOTED else "",
        was_decided=_decided_before(context, matter, names),
    )


def _decided_before(context: RequestContext, matter: RestoredMatter, names: Mapping[UUID, str]) -> str:
    """What was decided of a matter before another restore, in words; "" where the ledger tells of nothing."""
    before = matters.decided_before(matter)
    if before is None:
        return ""
    name = names.get(UUID(before.by), "") if before.by else ""
    return say(
        context.language,
        _DECIDED_BY if name else _DECIDED,
        decision=gettext(DECISIONS[before.decision]),
        name=name,
        moment=show_moment(context.language, before.at),
    )


_DECIDED_BY: Final = N_(
    "Decided before this restore: “%(decision)s” (%(name)s, %(moment)s). A reason that was given is missing. Decide it "
    "once more."
)
_DECIDED: Final = N_(
    "Decided before this restore: “%(decision)s” (%(moment)s). A reason that was given is missing. Decide it once more."
)


def _does(verb: str, can: standing.Can) -> str:
    return DOES[verb] if can == "again" else WHY_NOT[can]


def _lets_in(context: RequestContext, matter: RestoredMatter, names: Mapping[UUID, str]) -> str:
    """Who is let in once a matter is decided without being done again, in words; "" where it keeps out no one."""
    name = names.get(matter.person_id, "") if matter.person_id else ""
    if matter.kind not in KEEPS_OUT or not name:
        return ""
    said = gettext(_LETS_IN) % {"name": name}
    if matter.verb != "person.updated":
        return said
    address = run(context.session, only(Person.email).where(Person.id == matter.person_id)).scalar_one()
    return f"{said} {gettext(_AT_THIS_ADDRESS) % {'address': address}}" if address else said


class ToAsk(NamedTuple):
    """A meeting whose words are to be redacted anew: what had been done, and where it is asked for."""

    what: str
    href: str


def to_ask_anew(context: RequestContext, waiting: Sequence[RestoredMatter]) -> list[ToAsk]:
    """The meetings of which words had been redacted, for who asks for that: the privacy officer confirms it."""
    if not is_allowed(Action.ASK_REDACTION, to_program(context.asker)):
        return []
    rows = [
        one
        for one in waiting
        if one.verb == "redaction.done"
        and one.subject_kind == "meeting"
        and standing.standing_of(context.session, one).can != "gone"
    ]
    asked = zip(rows, said_of(context, rows), strict=True)
    return [ToAsk(what, f"/meetings/{matters.id_in(one, 'subject')}/words") for one, what in asked]


def told_lines_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[ToldLine]:
    """The meetings among these matters, in words, each once."""
    return [_told_line(context, one) for one in told_since(context.session, rows)]


def decided_lines_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[DecidedLine]:
    """What was decided of these matters, in words."""
    names = names_of(context, {one.decided_by for one in rows if one.decided_by})
    # What people were told of a meeting is decided as one, of which a row here is one line.
    has_meetings = any(one.kind == "meeting" for one in rows)
    told_of = told_since(context.session, matters.decided(context.session) if has_meetings else ())
    meetings = {matter.id: _meeting(context, one) for one in told_of for matter in one.matters}
    sentences = said_of(context, rows)
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


def _meeting(context: RequestContext, told: ToldSince) -> str:
    """The committee, where it is known, and the dates that people may have been told otherwise."""
    dates = sorted({one.original for _, dates in told.told_dates() for one in dates}) if told.is_season else []
    days = named_in(context.language, dates or [told.starts])
    if told.row is None:
        return days
    committee = committees(context.session)[told.row.committee_id]
    return f"{title_of(committee, context.language)}, {days}"


def _told_dates(context: RequestContext, told: ToldSince) -> Iterator[tuple[str, str]]:
    """What people were told of each date, and who: those of which they were told alike are one line."""
    alike = told.told_dates()
    names = names_of(context, {one for people, _ in alike for one in people})
    for people, dates in alike:
        who = ", ".join(sorted(names[one] for one in people if one in names))
        for said in _said_of_dates(context.language, dates):
            yield said, who


def _said_of_dates(language: str, dates: Sequence[ToldDate]) -> Iterator[str]:
    for one in dates:
        if one.starts not in (None, one.original):
            was, now = (when(language, moment) for moment in (one.original, surely(one.starts)))
            yield say(language, N_("Told as moved from %(was)s to %(now)s"), was=was, now=now)
    off = [one.original.date() for one in dates if one.starts is None]
    on = [one.original.date() for one in dates if one.starts == one.original]
    if off:
        yield say(language, N_("Told as off, or as a date without them: %(days)s"), days=days_in(language, off))
    if on:
        yield say(language, N_("Told as taking place: %(days)s"), days=days_in(language, on))


def _told_line(context: RequestContext, told: ToldSince) -> ToldLine:
    row, last = told.row, told.last
    now, keeps = N_("This meeting is not in the program: it was planned after the copy."), _LEAVE_IT
    if row is not None:
        now, keeps = _NOW[getattr(row, "state", "season") if told.people else "off"], _TELL_ANEW
    return ToldLine(
        last.id,
        _meeting(context, told),
        tuple(_told_dates(context, told)),
        last.at,
        gettext(now),
        len({*told.people, *told.gone}),
        told.can_be_cancelled,
        gettext(_CANCEL_IT),
        gettext(keeps),
    )


_LEAVE_IT: Final = N_("Calendars stay as they are. Plan the meeting again on its committee’s page.")
_TELL_ANEW: Final = N_("Everyone who was told otherwise hears what holds now, and their calendar follows.")
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


def report_facts(
    context: RequestContext, report: reports.Report, theirs: Sequence[RestoredMatter]
) -> list[tuple[str, str]]:
    """What is told of a restore: from when to when something is missing, and what was done, by count.

    Of what it left to decide, what is the reader's to decide alone: a number of the others would tell of them.
    """
    restoration = report.restoration
    pairs = [(N_("Found"), show_moment(context.language, restoration.found_at))]
    if restoration.missing_from is not None and restoration.missing_to is not None:
        since, until = (
            show_moment(context.language, one) for one in (restoration.missing_from, restoration.missing_to)
        )
        missing = say(context.language, N_("%(since)s – %(until)s at least"), since=since, until=until)
        pairs.append((N_("What was done in this time is missing"), missing))
    count = Counter(one.kind for one in theirs if one.kind != "meeting")
    count["meeting"] = len(by_meeting(theirs))
    pairs += [(KINDS[kind], str(n)) for kind, n in sorted(count.items()) if n]
    pairs += [
        (N_("Files destroyed again"), str(report.destroyed)),
        (N_("Letters not sent again"), str(report.letters)),
        (N_("Series of numbers that go on after the last one given"), str(report.series)),
    ]
    return [(gettext(label), value) for label, value in pairs]
