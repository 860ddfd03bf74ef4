"""Checks the record against its seals, and the seals against the heads that were sent out: what was changed, and where.

It finds any line that was edited, removed, moved or put in behind the seals, and any seal that was changed, removed or
made without the key. A head from outside shows that the newest seals were cut off together with their lines. It cannot
find what is done to a line in the seconds before it is sealed, since no seal covers it yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Row, cast, func
from sqlmodel import Session

from domain.kernel import Refusal, col, every, hook, in_program, of, run, scalars, select, surely
from domain.record import incident_versions
from domain.record.seals import BEGINNING, LINE, LINES_AT_A_TIME, LastSeal, digest_of, signature_of
from locales import N_
from models.ports import SealKeys
from models.record import Event, Seal, SentHead

#: A line that is older by more than this than a seal that did not cover it was put in later. No transaction of ours
#: stays open for so long.
LONGEST_TRANSACTION: Final = timedelta(hours=1)
#: How much of a signature must be typed to compare it: 64 bits of it.
SHORTEST_SIGNATURE: Final = 16
#: A finding names so many lines at most; the rest it counts.
_NAMED: Final = 20
_SEALS_AT_A_TIME: Final = 50


@dataclass(frozen=True)
class Finding:
    """One thing that differs from what was sealed: `code` for machines; for people the msgid `sentence` and facts."""

    code: str
    sentence: str
    facts: Mapping[str, str | int | date]


@dataclass
class Report:
    """What a check saw: seals and lines, how many wait for a seal, the newest head, and what is wrong.

    `compared` counts the heads from outside that were compared: with none, a cut at the end cannot be seen.
    """

    seals: int = 0
    lines: int = 0
    waiting: int = 0
    compared: int = 0
    head: LastSeal | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def found(self, code: str, sentence: str, **facts: str | int | date) -> None:
        """Note one thing that is wrong."""
        self.findings.append(Finding(code, sentence, facts))


def head_of_letter(typed: str) -> LastSeal:
    """A head as it is typed from a letter: NUMBER:SIGNATURE, the signature in groups or not, at least 16 signs of it.

    Raises Refusal where it is none.
    """
    number, _, signature = typed.partition(":")
    signature = "".join(signature.split()).replace("-", "").lower()
    whole = number.strip().isascii() and number.strip().isdigit() and not set(signature) - set("0123456789abcdef")
    if not whole or len(signature) < SHORTEST_SIGNATURE or len(number.strip()) > 9:  # noqa: PLR2004  # of an integer
        raise Refusal(
            "head.malformed",
            N_("Write the head as in the letter: its number, a colon, and at least %(least)s signs of its signature."),
            least=SHORTEST_SIGNATURE,
        )
    return LastSeal(int(number), signature)


def check(session: Session, keys: SealKeys, *, heads: Sequence[LastSeal] = ()) -> Report:
    """Check the whole record of the session's program: lines, seals, the heads mailed out, and `heads` from letters.

    The register of incidents too, and what directors signed: the record holds both by their digests. Reads every line
    once, and blocks no one. To see one moment of a record that grows meanwhile, the transaction must be REPEATABLE
    READ. Raises NoSealKey where the keys cannot be read at all.
    """
    report = Report()
    _Checking(session, keys, report, _Outside(session, heads)).all()
    register = incident_versions.altered(session)
    if register:
        report.found(
            "incident.altered",
            N_("Incidents of the register are not as the record tells: %(numbers)s."),
            numbers=_listed(register),
        )
    check_digests(session, report)
    return report


@hook
def check_digests(session: Session, report: Report) -> None:
    """Compare what the record holds by its digest alone with what is kept elsewhere, and add what differs."""


class _Checking:
    """A check on its way from seal to seal."""

    def __init__(self, session: Session, keys: SealKeys, report: Report, outside: _Outside) -> None:
        self._session, self._keys, self._report, self._outside = session, keys, report, outside
        self._before: Seal | None = None
        #: When a seal last took all the lines that there were.
        self._complete: datetime | None = None
        self._unknown_keys: dict[str, list[int]] = {}

    def all(self) -> None:
        """Every seal in its order with its lines, then what only the whole shows."""
        report = self._report
        for seal in _seals(self._session):
            self._check_seal(seal)
            self._check_lines(seal)
            self._outside.meet(report, seal)
            report.seals += 1
            if seal.lines < LINES_AT_A_TIME:
                self._complete = seal.sealed_at
            self._before = seal
        if self._before is not None:
            report.head = LastSeal(self._before.number, self._before.signature)
        for key_id, numbers in self._unknown_keys.items():
            report.found("key.missing", _KEY_MISSING, key=key_id, count=len(numbers), first=numbers[0])
        self._outside.close(report)
        _check_numbers(self._session, report)
        _check_waiting(self._session, report, self._complete)

    def _check_seal(self, seal: Seal) -> None:
        """Whether a seal carries on the one before, and was made with its key."""
        before = self._before
        expected = before.number + 1 if before else 1
        if seal.number != expected:
            _gone(self._report, expected, seal.number - 1)
        signature = signature_of(self._keys, seal, before=before.signature if before else BEGINNING)
        if signature is None:
            self._unknown_keys.setdefault(seal.key_id, []).append(seal.number)
        elif signature != seal.signature and seal.number == expected:
            self._report.found(
                "seal.changed",
                N_("Seal %(number)s was changed, or was not made with the key, or does not carry on the one before."),
                number=seal.number,
            )

    def _check_lines(self, seal: Seal) -> None:
        """Hold the lines under one seal to it."""
        rows = run(self._session, select(*LINE).where(in_program(Event), col(Event.n) == func.any(seal.events))).all()
        lines = {row.n: row for row in rows}
        there = [lines[n] for n in seal.events if n in lines]
        self._report.lines += len(there)
        digest, marks = digest_of(there)
        gone = [n for n in seal.events if n not in lines]
        changed = _changed(seal, there, marks)
        wrong = {
            "line.gone": gone,
            "line.double": _double(rows),
            "line.changed": changed,
            "line.late": self._late(there),
        }
        self._tell_of_lines(seal, wrong)
        is_told = gone or changed
        if not _is_whole(seal) or (digest != seal.digest and not is_told):
            self._report.found(
                "seal.not_its_lines",
                N_("The lines under seal %(number)s are not those it was made for."),
                number=seal.number,
            )

    def _tell_of_lines(self, seal: Seal, wrong: Mapping[str, Sequence[int]]) -> None:
        for code, lines in wrong.items():
            if lines:
                self._report.found(code, _OF_LINES[code], number=seal.number, lines=_listed(lines))

    def _late(self, lines: Iterable[Row[*tuple[Any, ...]]]) -> list[int]:
        """The lines that are older than a seal before this one, which took all that there was."""
        if self._complete is None:
            return []
        since = self._complete - LONGEST_TRANSACTION
        return [line.n for line in lines if line.recorded_at < since]


def _is_whole(seal: Seal) -> bool:
    """Whether a seal names as many lines as it says, each with its mark."""
    return len(seal.events) == seal.lines == len(seal.marks)


def _changed(seal: Seal, lines: Iterable[Row[*tuple[Any, ...]]], marks: Iterable[str]) -> list[int]:
    """The numbers of the lines whose marks are not those that the seal has of them."""
    marked = dict(zip(seal.events, seal.marks, strict=False))
    return [line.n for line, mark in zip(lines, marks, strict=True) if marked.get(line.n) != mark]


def _double(lines: Iterable[Row[*tuple[Any, ...]]]) -> list[int]:
    """The numbers that several lines have: nothing in the database keeps a superuser from giving one twice."""
    return sorted(n for n, count in Counter(line.n for line in lines).items() if count > 1)


_KEY_MISSING: Final = N_(
    "The key %(key)s is not here: signatures from seal %(first)s on cannot be checked. Seals: %(count)s."
)
#: What is said of lines under a seal, by the code.
_OF_LINES: Final[Mapping[str, str]] = {
    "line.gone": N_("Under seal %(number)s lines are gone: %(lines)s."),
    "line.double": N_("Under seal %(number)s several lines have one number: %(lines)s."),
    "line.changed": N_("Under seal %(number)s lines were changed: %(lines)s."),
    "line.late": N_("Under seal %(number)s lines came later than they say: %(lines)s."),
}


def _seals(session: Session) -> Iterator[Seal]:
    """Every seal in its order, some at a time."""
    after = -(2**31)
    while rows := every(
        session, of(Seal).where(col(Seal.number) > after).order_by(col(Seal.number)).limit(_SEALS_AT_A_TIME)
    ):
        yield from rows
        after = rows[-1].number


def _gone(report: Report, first: int, last: int) -> None:
    if first >= last:
        report.found("seal.gone", N_("Seal %(number)s is gone."), number=first)
    else:
        report.found("seal.gone", N_("Seals %(first)s to %(last)s are gone."), first=first, last=last)


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_NAMED]))
    return shown if len(numbers) <= _NAMED else f"{shown}, … ({len(numbers)})"


class _Outside:
    """The heads from outside, each waiting for the seal of its number."""

    def __init__(self, session: Session, typed: Iterable[LastSeal]) -> None:
        mailed = every(session, of(SentHead))
        self._waiting: dict[int, list[tuple[LastSeal, date | None]]] = {}
        for row in mailed:
            self._waiting.setdefault(row.number, []).append((LastSeal(row.number, row.signature), row.sent_on))
        for head in typed:
            self._waiting.setdefault(head.number, []).append((head, None))

    def meet(self, report: Report, seal: Seal) -> None:
        """Compare one seal with the heads of its number."""
        for head, sent_on in self._waiting.pop(seal.number, ()):
            report.compared += 1
            if seal.signature.startswith(head.signature):
                continue
            if sent_on is None:
                report.found("head.other", N_("Seal %(number)s is not the one in the letter."), number=head.number)
            else:
                report.found(
                    "head.other",
                    N_("Seal %(number)s is not the one that was mailed out on %(day)s."),
                    number=head.number,
                    day=sent_on,
                )

    def close(self, report: Report) -> None:
        """Report each head that met no seal: the record was cut off before it."""
        last = report.head.number if report.head else 0
        for heads in self._waiting.values():
            for head, _ in heads:
                report.compared += 1
                report.found(
                    "head.cut_off",
                    N_("Seal %(number)s was mailed out and is not there: the record ends at seal %(last)s."),
                    number=head.number,
                    last=last,
                )


def _check_numbers(session: Session, report: Report) -> None:
    """Report each line that is under two seals."""
    sealed = _sealed()
    twice = scalars(
        session, select(sealed.c.n).group_by(sealed.c.n).having(func.count() > 1).order_by(sealed.c.n)
    ).all()
    if twice:
        report.found("line.twice", N_("Lines stand under two seals: %(lines)s."), lines=_listed(twice))


def _check_waiting(session: Session, report: Report, complete: datetime | None) -> None:
    """Count the lines that wait for a seal, and name those that are older than a seal that should have covered them."""
    waiting = (in_program(Event), col(Event.n).not_in(select(_sealed().c.n)))
    report.waiting = run(session, select(func.count()).select_from(Event).where(*waiting)).scalar_one()
    if complete is None:
        return
    behind = scalars(
        session,
        select(surely(Event.n))
        .where(*waiting, col(Event.recorded_at) < complete - LONGEST_TRANSACTION)
        .order_by(col(Event.n)),
    ).all()
    if behind:
        report.found("line.behind", N_("Lines were put in behind the seals: %(lines)s."), lines=_listed(behind))


def _sealed() -> Any:
    """The number of every line under a seal."""
    numbers = cast(func.jsonb_array_elements_text(col(Seal.events)), BigInteger).label("n")
    return select(numbers).where(in_program(Seal)).subquery()
