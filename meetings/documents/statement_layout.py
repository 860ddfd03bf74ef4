"""Lays out a partner's yearly statement in one language. Its parts are numbered alike in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count, groupby, islice
from typing import Final

from domain.declarations import ADDED_UP, WHY
from domain.obligations import STATES, WORST_FIRST
from locales import N_, Counted, show_list, show_number, show_share
from meetings.decision_words import DECISION_STATES, ENDORSEMENTS, SAID
from meetings.documents.paper import Block, Cell, CellLine, Column, Group, Heading, Paper, Signing, Speaker, Tone
from meetings.documents.statement import (
    ClausePeriod,
    ClauseYear,
    Days,
    DecisionAsked,
    DecisionOwed,
    PartnerStatement,
    PostYear,
    SeatYear,
    StatementEvidence,
)

_RESOURCES: Final[Mapping[str, str]] = {
    "human": N_("People"),
    "material": N_("Equipment and premises"),
    "financial": N_("Money"),
    "structure": N_("Structure"),
    "service": N_("Services"),
}
#: What a reader must not pass over.
_ALARMING: Final = frozenset({"missed", "cannot_be_met", "at_risk"})
#: Of tasks, those done in time are told by their number: the others one by one.
_BY_NUMBER: Final = ("task", "in_time")


_APART: Final = N_("by referrals, whose number is not given here")


def statement(words: Speaker, content: PartnerStatement) -> Paper:
    """A partner's yearly statement, with a place to sign."""
    part = count(1)
    blocks: list[Block] = []
    for title, inside in (
        (N_("Agreement"), _agreement(words, content)),
        (N_("Seats and attendance"), _seats(words, content.seats)),
        (N_("Roles held and vacant"), _posts(words, content.posts)),
        (N_("Obligations"), _clauses(words, content)),
        (N_("Resources shared"), _resources(words, content)),
        (N_("Decisions to carry out, and decisions asked about"), _decisions(words, content)),
        (N_("Signature"), _signature(words, content)),
    ):
        blocks += [Heading(f"{next(part)}. {words.say(title)}"), *inside]
    heading = words.say(N_("Yearly statement %(year)s"), year=content.year)
    title, name = f"{heading} – {content.short_name}", words.of(content.organization)
    return words.paper(title, content.program, heading, name, _facts(words, content), blocks)


def _facts(words: Speaker, content: PartnerStatement) -> Iterator[tuple[str, str]]:
    yield words.say(N_("Covers")), show_list(words.language, [_days(words, days) for days in content.covered])
    yield words.say(N_("As of")), words.day(content.on)
    stand = content.states()
    in_words = [
        words.say(N_("%(state)s: %(n)s"), state=words.say(STATES[state]), n=stand[state])
        for state in reversed(WORST_FIRST)
        if state in stand
    ]
    if in_words:
        yield words.say(N_("In brief")), words.all_of(in_words)


_VERSIONS: Final = (
    Column(N_("Version"), 20),
    Column(N_("In force")),
    Column(N_("Signed by"), 50),
    Column(N_("Signed on"), 38),
)


def _agreement(words: Speaker, content: PartnerStatement) -> Iterator[Block]:
    if not content.is_final:
        yield words.note(
            N_("Provisional: the year is not over, and this is how things stood on %(day)s."), "warning", day=content.on
        )
    rows = []
    for version in content.versions:
        signed = words.say(N_("no one for this organization"))
        if version.signed_by:
            signed = show_list(words.language, version.signed_by)
        rows.append(_row(str(version.n), _days(words, version.days), signed, words.day(version.signed_on, "long")))
    yield words.table(_VERSIONS, rows)
    yield words.note(N_("Days on which no agreement was in force are counted nowhere below."), "quiet")


_SEATS: Final = (
    Column(N_("Seat")),
    Column(N_("Held"), 16, figures=True),
    Column(N_("By its holder"), 20, figures=True),
    Column(N_("By an alternate"), 22, figures=True),
    Column(N_("Excused"), 20, figures=True),
    Column(N_("Absent"), 18, figures=True),
    Column(N_("Not recorded"), 22, figures=True),
)


def _seats(words: Speaker, seats: Iterable[SeatYear]) -> Iterator[Block]:
    groups = [
        Group(committee, tuple(_seat_row(words, seat) for seat in of))
        for committee, of in groupby(seats, key=lambda seat: words.of(seat.committee))
    ]
    if not groups:
        yield words.note(N_("The organization has no seat on a committee."))
        return
    yield words.grouped(_SEATS, groups)
    yield words.note(N_("Meetings that were cancelled, or adjourned without quorum, are not counted as held."), "quiet")


def _seat_row(words: Speaker, seat: SeatYear) -> tuple[Cell, ...]:
    about = [CellLine(words.of(seat.seat), "strong")]
    if seat.principals:
        about.append(CellLine(show_list(words.language, seat.principals)))
    else:
        about.append(words.line(N_("vacant"), "warning"))
    if seat.alternates:
        about.append(words.line(N_("Alternate: %(names)s"), "quiet", names=show_list(words.language, seat.alternates)))
    if seat.not_counted:
        counted = Counted("%(n)s meeting not counted", "%(n)s meetings not counted", seat.not_counted)
        about.append(CellLine(words.count(counted), "quiet"))
    counts = [CellLine(str(n)) for n in (seat.held, seat.sat, seat.alternate, seat.excused)]
    absent = CellLine(str(seat.absent), "warning" if seat.absent else "plain")
    return tuple(about), *((one,) for one in (*counts, absent, CellLine(str(seat.unrecorded))))


_POSTS: Final = (
    Column(N_("Role"), 44),
    Column(N_("Held by")),
    Column(N_("Promised person-days"), 26, figures=True),
    Column(N_("Vacant person-days"), 26, figures=True),
    Column(N_("Share"), 16, figures=True),
)


def _posts(words: Speaker, posts: Iterable[PostYear]) -> Iterator[Block]:
    rows = [_post_row(words, post) for post in posts]
    if not rows:
        yield words.note(N_("The agreement creates no role."))
        return
    yield words.table(_POSTS, rows)
    yield words.note(N_("In calendar days. During an absence the deputy acts, and the role is not vacant."), "quiet")


def _post_row(words: Speaker, post: PostYear) -> tuple[Cell, ...]:
    about = [CellLine(words.of(post.role), "strong")]
    if post.headcount > 1 or post.hours_a_week is not None:
        promised = [words.count(Counted("%(n)s person", "%(n)s people", post.headcount))]
        if post.hours_a_week is not None:
            hours = show_number(words.language, post.hours_a_week)
            promised.append(words.say(N_("%(hours)s h a week each"), hours=hours))
        about.append(CellLine(words.all_of(promised), "quiet"))
    holders: list[CellLine] = []
    for name, days in post.holders:
        holders += [CellLine(name), CellLine(_days(words, days), "quiet")]
    empty: Tone = "warning" if post.empty_days else "plain"
    return (
        tuple(about),
        tuple(holders) or (words.line(N_("no one"), "warning"),),
        (CellLine(str(post.promised_days)),),
        (CellLine(str(post.empty_days), empty),),
        (CellLine(show_share(words.language, post.empty_days, post.promised_days)),),
    )


_CLAUSES: Final = (
    Column(N_("Clause"), 24),
    Column(N_("Obligation")),
    Column(N_("Period and state"), 46),
    Column(N_("Counted as proof, or not"), 50),
)


def _clauses(words: Speaker, content: PartnerStatement) -> Iterator[Block]:
    if not content.clauses:
        yield words.note(N_("Nothing was owed in these days."))
        return
    yield words.grouped(
        _CLAUSES,
        (
            Group(owner, tuple(row for clause in of for row in _clause_rows(words, clause)))
            for owner, of in groupby(content.clauses, key=lambda clause: words.of(clause.owner))
        ),
    )


def _clause_rows(words: Speaker, clause: ClauseYear) -> Iterator[tuple[Cell, ...]]:
    """A row a period; the duty is written out once. A part of a clause stands under its number."""
    number, _, part = clause.clause.partition(".")
    called = (CellLine(number, "strong"), *((CellLine(part, "quiet"),) if part else ()))
    for place, period in enumerate(clause.periods):
        duty = CellLine(words.of(clause.duty)) if place == 0 else CellLine("–", "quiet")
        yield called, (duty,), tuple(_state(words, period)), tuple(_proofs(words, period))


def _state(words: Speaker, period: ClausePeriod) -> Iterator[CellLine]:
    """How a period stands, its days, and the last day for what may still come."""
    tone: Tone = "warning" if period.state in _ALARMING else "strong"
    yield words.line(STATES[period.state], tone)
    yield CellLine(_days(words, period.days), "quiet")
    if period.due_on and period.state not in ("met", "waived"):
        yield words.line(N_("last day for proof: %(day)s"), "quiet", day=words.day(period.due_on, "long"))


def _proofs(words: Speaker, period: ClausePeriod) -> Iterable[CellLine]:
    """What was counted as proof, or not; where there is none, that nothing is on record."""
    proofs = [CellLine(text) for text in _numbers(words, period)]
    proofs += [_proof(words, proof) for proof in period.proofs if (proof.kind, proof.why) != _BY_NUMBER]
    return proofs or [words.line(_APART if period.is_apart else N_("nothing on record"), "quiet")]


def _numbers(words: Speaker, period: ClausePeriod) -> list[str]:
    """What the facts add up to, where that says more than they do one by one."""
    sentences = (sentence for number, sentence in ADDED_UP.items() if number in period.numbers)
    return [words.say(sentence, **period.numbers) for sentence in islice(sentences, 1)]


def _proof(words: Speaker, proof: StatementEvidence) -> CellLine:
    on = words.day(proof.on, "medium") if proof.on else ""
    what = ", ".join(part for part in (words.of(proof.what), on) if part)
    why = words.say(WHY[proof.why]) if proof.why in WHY else proof.why
    said = words.say(N_("%(what)s: %(why)s"), what=what, why=why)
    hands = words.of(proof.hands)
    return CellLine(f"{said} – {hands}" if hands else said, "plain" if proof.counts else "quiet")


def _resources(words: Speaker, content: PartnerStatement) -> Iterator[Block]:
    if not content.resources:
        yield words.note(N_("The agreement names no resource."))
        return
    columns = (Column(N_("Type"), 50), Column(N_("What the organization brings")))
    rows = (_row(words.say(_RESOURCES[one.kind]), words.of(one.brings)) for one in content.resources)
    yield words.table(columns, rows)
    yield words.note(N_("As the agreement says. The program keeps no record of hours or of money given."), "quiet")


_NUMBER: Final = Column(N_("Number and day"), 30)
_STATE: Final = Column(N_("State"), 34)
_OWED: Final = (_NUMBER, Column(N_("To carry out")), Column(N_("Due"), 26), _STATE)
_ASKED: Final = (_NUMBER, Column(N_("To endorse")), Column(N_("Answer of the organization"), 44), _STATE)


def _decisions(words: Speaker, content: PartnerStatement) -> Iterator[Block]:
    if content.owed:
        yield words.table(_OWED, (_owed_row(words, content, line) for line in content.owed))
    else:
        yield words.note(N_("The organization had no decision to carry out in these days."))
    if content.asked:
        yield words.table(_ASKED, (_asked_row(words, line) for line in content.asked))


def _owed_row(words: Speaker, content: PartnerStatement, line: DecisionOwed) -> tuple[Cell, ...]:
    state = [words.line(DECISION_STATES[line.state])]
    if line.state == "open" and line.due_on and line.due_on < content.on:
        state.append(words.line(N_("late"), "warning"))
    if line.closed_on:
        state.append(CellLine(words.day(line.closed_on, "medium"), "quiet"))
    return (
        _numbered(words, line),
        (CellLine(_decided(words, line)), CellLine(words.of(line.owner), "quiet")),
        (CellLine(words.day(line.due_on, "medium")),),
        tuple(state),
    )


def _asked_row(words: Speaker, line: DecisionAsked) -> tuple[Cell, ...]:
    return (
        _numbered(words, line),
        (CellLine(_decided(words, line)),),
        (words.line(SAID[line.said]),),
        (words.line(ENDORSEMENTS[line.state]) if line.state else CellLine("–"),),
    )


def _decided(words: Speaker, line: DecisionOwed | DecisionAsked) -> str:
    return words.of(line.text) if line.text else words.say(N_("A clinical decision: its text stays in the minutes."))


def _numbered(words: Speaker, line: DecisionOwed | DecisionAsked) -> Cell:
    return (CellLine(line.number, "strong"), CellLine(words.day(line.decided_on, "medium"), "quiet"))


def _signature(words: Speaker, content: PartnerStatement) -> Iterator[Block]:
    said = N_("I have read this statement of %(organization)s for %(year)s.")
    yield Signing(
        words.say(said, organization=words.of(content.organization), year=content.year),
        (
            (words.say(N_("Name of the director")), words.of(content.director)),
            (words.say(N_("Signature")), ""),
            (words.say(N_("Day")), ""),
        ),
    )


def _days(words: Speaker, days: Days) -> str:
    first = words.day(days.starts_on, "medium")
    if days.ends_on is None:
        return words.say(N_("since %(day)s"), day=first)
    return words.say(N_("%(first)s to %(last)s"), first=first, last=words.day(days.ends_on, "medium"))


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple((CellLine(text),) for text in texts)
