"""By a document: given for the clause itself, or brought by a procedure that serves it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field as Bounded

from domain.declarations.checks.facts import DOCUMENT, LACKS_BY, STEP, WORD, stands_of
from domain.declarations.checks.forms import Field, Form, Sentence
from domain.declarations.checks.judging import GIVEN, Fact, Judging, PeriodFinding
from domain.declarations.checks.owed import PeriodOwed
from domain.declarations.checks.procedures import Procedure, Procedures
from domain.declarations.checks.records import Records
from domain.declarations.checks.rule import GIVE, CheckRule, ProofDeadline
from domain.declarations.checks.tasks import OF_STEPS
from domain.declarations.checks.windows import BindingWindow, Window
from domain.declared import Key
from domain.kernel import col, in_program, run, select
from locales import N_, say_n
from models.obligation import ObligationDocument


@dataclass(frozen=True)
class StandingDocument:
    """A document that stands: given for the clause itself, or in a task that serves it.

    It counts by the day that it speaks of or, where it comes from a procedure that is for a quarter or a year, by one
    of these days: `counts_on`. `lacks` says why it does not count yet: a code of `why`, or "".
    """

    id: str
    effective_on: date
    kind: str = DOCUMENT.key
    counts_on: date | None = None
    lacks: str = ""

    def is_of(self, window: Window) -> bool:
        """Whether it is of this window, and of no other."""
        return window.holds(self.counts_on or self.effective_on)


class DocumentRule(CheckRule):
    """How many documents of a kind the period must bring."""

    kind: Key
    at_least: Annotated[int, Bounded(ge=1)] = 1
    grace_days: Annotated[int, Bounded(ge=0)] = 0  # after the period's end

    key = "document"
    words = N_("by a document")
    facts = (DOCUMENT, STEP)
    why: ClassVar[Mapping[str, str]] = {
        "in_period": N_("of this period"),
        "other_period": N_("of another period"),
        "unfinished": N_("its procedure was not completed"),
        "not_endorsed": N_("not endorsed by the committee yet"),
        "given": N_("submitted, to review"),
        "returned": N_("returned: to submit again"),
    }
    adds_up: ClassVar[Mapping[str, str]] = {"brought": N_("Documents: %(brought)s; asked: %(wanted)s")}
    touched_by = OF_STEPS
    is_judged_with_cases = True
    asks_by = GIVE
    proof = "document"

    def document(self) -> str:
        """A document of this kind."""
        return self.kind

    def in_words(self, language: str, names: Mapping[str, str]) -> str:  # noqa: ARG002 - it names no committee or role
        """How many documents."""
        return say_n(language, "%(n)s document", "%(n)s documents", self.at_least)

    def form(self, first: date, last: date | None, on: date) -> Form:
        """A file, and the day that it speaks of.

        Who gives the proof of a period that is over means that period, and seldom today.
        """
        speaks_of = on if last is None else min(on, last)
        counts = Sentence(N_("It counts from this day on."))
        if last is not None:
            counts = Sentence(
                N_("It counts for the period that includes this day: here, from %(first)s to %(last)s."),
                {"first": first, "last": last},
            )
        hint = Sentence(N_("No participant’s name. At most 10 MB."))
        return Form(
            "document",
            "documents",
            (
                Field("document", "file", N_("File"), hint),
                Field("day", "day", N_("Day that it refers to"), counts, value=speaks_of.isoformat()),
            ),
            submit=N_("Submit"),
            opened_by=N_("Submit a document"),
        )

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By the documents that stand for the clause."""
        return self.judge(period.judging, papers(period))

    def judge(self, judging: Judging, brought: Sequence[StandingDocument]) -> PeriodFinding:
        """Whether the period brought as many documents as it must, by the last day for them.

        A document counts by the day that it speaks of, or by the quarter or year that its procedure is for (`Paper`);
        one that arrives in the days of grace is late for nothing.
        """
        in_order = sorted(brought, key=lambda one: (one.effective_on, one.id))
        facts = tuple(_looked_at(judging.window, paper) for paper in in_order)
        counted, given = sum(fact.counts for fact in facts), sum(fact.why == GIVEN for fact in facts)
        due = judging.last_day_for_proof(self.grace_days)
        state = judging.by_day(
            due,
            done=counted >= self.at_least,
            given=counted + given >= self.at_least,
            is_on_record=any(fact.why != "other_period" for fact in facts),
        )
        numbers = {"brought": counted, "wanted": self.at_least, **({"given": given} if given else {})}
        return PeriodFinding(state, numbers, facts, due_on=due)

    def asks(self, period: PeriodOwed, found: PeriodFinding) -> ProofDeadline | None:
        """Asked of the one who owes it, until there is a document; a task of its own asks again for a returned one."""
        if any(fact.why == "returned" for fact in found.facts):
            return None
        last, due = period.window.last_day, found.due_on or period.window.last_day
        if period.window.ends_on is None:
            return ProofDeadline(GIVE, last, due, N_("Submit a document by %(day)s, %(organization)s: %(what)s"))
        return ProofDeadline(
            GIVE, last, due, N_("Submit a document, %(organization)s, for the period up to %(day)s: %(what)s")
        )


def _looked_at(window: Window, paper: StandingDocument) -> Fact:
    why = "other_period" if not paper.is_of(window) else paper.lacks or "in_period"
    return Fact(paper.kind, paper.id, paper.effective_on, why == "in_period", why)


def papers(period: PeriodOwed) -> list[StandingDocument]:
    """The documents that stand for a clause: given for it, or brought by a procedure of the partner's or program's.

    A procedure brings one once every step of it that serves the clause is done and one of them has a document. Where a
    committee must endorse it, it counts by what that committee decided, with its quorum, on a step of the procedure
    that is for the same days; this goes for a document that was given for the clause itself as well.
    """
    clause, one = period.clause, period.one
    every_case = period.records.read(Procedures).of(clause)
    cases = [case for case in every_case if case.organization_id in (None, one.organization_id)]
    given = period.records.read(_given)[one.agreement_id, clause.key]
    if clause.endorsed_by:
        endorsed = [case.covers for case in cases if clause.endorsed_by in case.decided_by]
        given = [
            paper if any(span.holds(paper.effective_on) for span in endorsed) else replace(paper, lacks="not_endorsed")
            for paper in given
        ]
    return given + [_brought(case, clause.endorsed_by, one.bounds) for case in cases]


def _brought(case: Procedure, endorsed_by: str, bounds: Iterable[BindingWindow]) -> StandingDocument:
    """The document of a procedure, with what it lacks to count. What a committee endorsed was accepted by that.

    It counts once, also where the quarter or year that it is for was cut: by the day on which it was done, or the
    nearest one of that quarter or year on which the clause bound the partner.
    """
    if endorsed_by and endorsed_by not in case.decided_by:
        lacks = "not_endorsed"
    elif not case.is_done:
        lacks = "unfinished"
    else:
        lacks = "" if endorsed_by else case.lacks
    inside = [part for bound in bounds if (part := bound.days.within(case.covers)) is not None]
    day = case.covers.nearest(case.on)
    counts_on = min((part.nearest(day) for part in inside), key=lambda near: abs(near - day), default=day)
    return StandingDocument(case.task_id, case.on, STEP.key, counts_on, lacks)


def _given(records: Records) -> Mapping[tuple[UUID, str], list[StandingDocument]]:
    """The documents given for each clause of each agreement, those that were taken back left out."""
    columns = (ObligationDocument.id, ObligationDocument.agreement_id, ObligationDocument.key)
    rows = run(
        records.session,
        select(*columns, ObligationDocument.effective_on, WORD.said)
        .outerjoin(WORD, stands_of(col(WORD.document_id), ObligationDocument))
        .where(in_program(ObligationDocument), col(ObligationDocument.withdrawn_at).is_(None)),
    )
    found: dict[tuple[UUID, str], list[StandingDocument]] = defaultdict(list)
    for row in rows:
        paper = StandingDocument(str(row.id), row.effective_on, lacks=LACKS_BY[row.said])
        found[row.agreement_id, row.key].append(paper)
    return found
