"""Lays out a document in one language: what stands where, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Final

from locales import N_, Counted
from meetings.decision_words import DECISION_STATES
from meetings.documents.content import (
    AgendaContent,
    AgendaLine,
    AttendanceLine,
    DecisionLine,
    MeetingHeading,
    MinutesContent,
    MinutesItem,
    RegisterContent,
    RegisterLine,
    refuse_untranslated,
)
from meetings.documents.measures import MeasuresContent
from meetings.documents.measures_layout import measures
from meetings.documents.paper import Block, Cell, CellLine, Column, Decided, Group, Heading, Paper, PaperNote, Speaker
from meetings.documents.person_paper import PersonPaper, given
from meetings.documents.statement import PartnerStatement, Printed
from meetings.documents.statement_layout import statement

_PURPOSES: Final[Mapping[str, str]] = {
    "information": N_("Information"),
    "discussion": N_("Discussion"),
    "decision": N_("Decision"),
}
_ATTENDED: Final[Mapping[str, str]] = {
    "unrecorded": N_("Not recorded"),
    "present": N_("On site"),
    "remote": N_("Remotely"),
    "alternate": N_("Alternate, on site"),
    "excused": N_("Excused"),
    "absent": N_("Absent"),
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "treated": N_("Outcome: treated."),
    "decided": N_("Outcome: decided."),
    "carried": N_("Outcome: carried over to a later meeting."),
    "referred": N_("Outcome: referred to another committee."),
    "withdrawn": N_("Outcome: withdrawn."),
}


def laid_out(content: Printed | PersonPaper, language: str) -> Paper:
    """`content` as a document in "fr" or "en".

    Raises Refusal where a text is missing in that language, and ValueError for any other language.
    """
    refuse_untranslated(content, language)
    words = Speaker(language)
    if isinstance(content, AgendaContent):
        return _agenda(words, content)
    if isinstance(content, MinutesContent):
        return _minutes(words, content)
    if isinstance(content, PartnerStatement):
        return statement(words, content)
    if isinstance(content, MeasuresContent):
        return measures(words, content)
    if isinstance(content, PersonPaper):
        return given(words, content)
    return _register(words, content)


_ITEMS: Final = (
    Column(N_("No."), 11),
    Column(N_("Item")),
    Column(N_("Presented by"), 38),
    Column(N_("Purpose"), 24),
    Column(N_("Length"), 17, figures=True),
)


def _agenda(words: Speaker, content: AgendaContent) -> Paper:
    heading = words.say(N_("Agenda"))
    if content.addendum:
        heading = words.say(N_("Addendum %(n)s to the agenda"), n=content.addendum)
    blocks: list[Block] = [Heading(words.say(N_("Items")))]
    if content.overrun_minutes:
        over = Counted(
            "All items together take %(n)s minute more than the meeting has.",
            "All items together take %(n)s minutes more than the meeting has.",
            content.overrun_minutes,
        )
        blocks.append(PaperNote(words.count(over), "warning"))
    if content.items:
        groups = (
            Group(section, tuple(_item_row(words, item) for item in lines))
            for section, lines in groupby(content.items, key=lambda item: words.of(item.section))
        )
        blocks += [words.grouped(_ITEMS, groups), _total(words, content)]
    else:
        blocks.append(words.note(N_("There is no item.")))
    return _of_meeting(words, content.head, heading, blocks, with_link=True)


def _item_row(words: Speaker, item: AgendaLine) -> tuple[Cell, ...]:
    about = [CellLine(words.of(item.title), "strong")]
    if item.points:
        about.append(CellLine(words.all_of(words.of(point) for point in item.points)))
    about += [CellLine(text, "quiet") for text in _why(words, item)]
    return (
        (CellLine(item.number),),
        tuple(about),
        (CellLine(words.of(item.presenter)),),
        (words.line(_PURPOSES[item.purpose]),),
        (CellLine(words.minutes(item.minutes)),),
    )


def _why(words: Speaker, item: AgendaLine) -> Iterator[str]:
    """What put the item there: the fact, how often it was left over, and the reason of one that came late."""
    if item.why:
        yield words.of(item.why)
    if n := item.times_seen:
        yield words.count(
            Counted("Carried over from %(n)s earlier meeting.", "Carried over from %(n)s earlier meetings.", n)
        )
    if item.late and item.late_reason:
        yield words.say(N_("Added after the freeze: %(reason)s"), reason=words.of(item.late_reason))
    elif item.late:
        yield words.say(N_("Added after the freeze."))


def _total(words: Speaker, content: AgendaContent) -> PaperNote:
    taken = words.minutes(sum(item.minutes for item in content.items))
    if content.addendum:
        return words.note(N_("These items: %(taken)s."), "quiet", taken=taken)
    length = words.minutes(content.head.minutes)
    return words.note(N_("All items: %(taken)s. The meeting: %(length)s."), "quiet", taken=taken, length=length)


def _minutes(words: Speaker, content: MinutesContent) -> Paper:
    blocks: list[Block] = [Heading(words.say(N_("Attendance")))]
    if content.attendance:
        blocks.append(words.table(_SEATS, (_attendance_row(words, line) for line in content.attendance)))
    blocks.append(_quorum(words, content))
    for section, items in groupby(content.items, key=lambda item: words.of(item.line.section)):
        blocks.append(Heading(section or words.say(N_("Items"))))
        for item in items:
            blocks += _treated(words, item)
    if content.decisions:
        blocks.append(Heading(words.say(N_("Other decisions"))))
        blocks += [_decided(words, line) for line in content.decisions]
    blocks += [Heading(words.say(N_("Approval"))), _approval(words, content)]
    # The link lets people into a room that is used again, and minutes are kept for years.
    return _of_meeting(words, content.head, words.say(N_("Minutes of the meeting")), blocks, with_link=False)


_SEATS: Final = (
    Column(N_("Seat")),
    Column(N_("Organization"), 40),
    Column(N_("Person"), 45),
    Column(N_("Attended"), 40),
)


def attended(words: Speaker, line: AttendanceLine) -> tuple[CellLine, ...]:
    """How a seat was filled, and since when and until when, in lines."""
    remotely = line.state == "alternate" and line.remote
    shown = [words.line(N_("Alternate, remotely") if remotely else _ATTENDED[line.state])]
    if line.arrived:
        shown.append(words.line(N_("arrived at %(hour)s"), "quiet", hour=words.clock(line.arrived)))
    if line.left:
        shown.append(words.line(N_("left at %(hour)s"), "quiet", hour=words.clock(line.left)))
    return tuple(shown)


def _attendance_row(words: Speaker, line: AttendanceLine) -> tuple[Cell, ...]:
    return (
        (CellLine(words.of(line.seat)) if line.seat else words.line(N_("Guest")),),
        (CellLine(words.of(line.organization)),),
        (CellLine(words.of(line.person) or "–"),),
        attended(words, line),
    )


def _quorum(words: Speaker, content: MinutesContent | DecisionLine) -> PaperNote:
    met = words.say(N_("Quorum: met") if content.has_quorum else N_("Quorum: not met"))
    # Where it was counted, what was counted says it already.
    return PaperNote(words.of(content.quorum) or met, "plain" if content.has_quorum else "warning")


def _treated(words: Speaker, item: MinutesItem) -> Iterator[Block]:
    line = item.line
    yield Heading(f"{line.number}. {words.of(line.title)}", 3)
    yield PaperNote(words.all_of((words.of(line.presenter), words.say(_PURPOSES[line.purpose]))), "quiet", keeps=True)
    if why := " ".join(_why(words, line)):
        yield PaperNote(why, "quiet", keeps=True)
    for paragraph in words.prose(item.said).split("\n\n"):
        if paragraph:
            yield PaperNote(paragraph)
    for decision in item.decisions:
        yield _decided(words, decision)
    if item.outcome and not (item.outcome == "decided" and item.decisions):
        where = words.of(item.referred_to)
        referred = words.say(N_("Outcome: referred to another committee (%(committee)s)."), committee=where)
        yield PaperNote(referred if where else words.say(_OUTCOMES[item.outcome]), "quiet")


def _decided(words: Speaker, line: DecisionLine) -> Decided:
    owner = words.say(N_("Owner: %(role)s"), role=words.of(line.owner)) if line.owner else ""
    due = words.say(N_("Due: %(day)s"), day=line.due_on) if line.due_on else ""
    facts = (
        CellLine(words.all_of((owner, due)), "quiet"),
        CellLine(_quorum(words, line).text, "quiet" if line.has_quorum else "warning"),
        CellLine(words.of(line.endorsement), "quiet"),
    )
    title = words.say(N_("Decision %(number)s"), number=line.number)
    return Decided(title, words.prose(line.text), tuple(fact for fact in facts if fact.text))


def _approval(words: Speaker, content: MinutesContent) -> PaperNote:
    if content.approved_on is not None:
        return words.note(N_("Approved at the meeting of %(day)s."), day=content.approved_on)
    if content.state == "circulated":
        return words.note(N_("To be approved at a later meeting."))
    return words.note(N_("Draft: these minutes are not circulated yet."), "warning")


_REGISTER: Final = (
    Column(N_("Number and day"), 27),
    Column(N_("Decision")),
    Column(N_("Owner"), 37),
    Column(N_("Due"), 23),
    Column(N_("State"), 27),
)


def _register(words: Speaker, content: RegisterContent) -> Paper:
    heading, committee = words.say(N_("Register of decisions")), words.of(content.committee)
    facts = (
        (words.say(N_("As of")), words.day(content.on)),
        (words.say(N_("To be done")), str(sum(line.state == "open" for line in content.decisions))),
        (words.say(N_("Late")), str(sum(line.is_late(content.on) for line in content.decisions))),
    )
    rows = [_register_row(words, line, content.on) for line in content.decisions]
    decisions = words.table(_REGISTER, rows) if rows else words.note(N_("There is no decision."))
    title = f"{heading} – {committee} – {words.day(content.on, 'long')}"
    blocks = (Heading(words.say(N_("Decisions"))), decisions)
    return words.paper(title, content.program, heading, committee, facts, blocks)


def _register_row(words: Speaker, line: RegisterLine, on: date) -> tuple[Cell, ...]:
    state = [words.line(DECISION_STATES[line.state])]
    if line.is_late(on):
        state.append(words.line(N_("late"), "warning"))
    if not line.has_quorum and line.state != "no_quorum":
        state.append(words.line(N_("without a quorum"), "warning"))
    if line.closed_on:
        state.append(CellLine(words.day(line.closed_on, "short"), "quiet"))
    text = [CellLine(words.of(line.text))]
    if line.endorsement:
        text.append(CellLine(words.of(line.endorsement), "quiet"))
    return (
        (CellLine(line.number, "strong"), CellLine(words.day(line.decided_on, "short"), "quiet")),
        tuple(text),
        (CellLine(words.of(line.owner) or "–"),),
        (CellLine(words.day(line.due_on, "short")),),
        tuple(state),
    )


def _of_meeting(
    words: Speaker, head: MeetingHeading, heading: str, blocks: Iterable[Block], *, with_link: bool
) -> Paper:
    committee = words.of(head.committee)
    title = f"{heading} – {committee} – {words.day(head.starts.date(), 'long')}"
    number = words.say(N_("Meeting %(number)s"), number=head.number) if head.number else ""
    facts = _facts(words, head, with_link=with_link)
    return words.paper(title, head.program, heading, words.all_of((committee, number)), facts, blocks)


def _facts(words: Speaker, head: MeetingHeading, *, with_link: bool) -> Iterator[tuple[str, str]]:
    yield words.say(N_("Day")), words.day(head.starts.date())
    hours = words.say(N_("%(start)s to %(end)s"), start=words.clock(head.starts), end=words.clock(head.ends))
    yield words.say(N_("Planned hours")), f"{hours} ({words.minutes(head.minutes)})"
    for label, text in (
        (N_("Place"), head.place),
        (N_("Online"), head.online if with_link else ""),
        (N_("Chair"), words.of(head.chair)),
        (N_("Host"), words.of(head.host)),
    ):
        if text:
            yield words.say(label), words.of(text)
