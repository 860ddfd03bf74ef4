"""By attestation: what the holder of a role states in writing, once a period."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field as Bounded

from domain.declarations.checks.facts import LACKS_BY, STATEMENT, WORD, stands_of
from domain.declarations.checks.forms import Field, Form, Sentence
from domain.declarations.checks.judging import GIVEN, Fact, Judging, PeriodFinding
from domain.declarations.checks.owed import PeriodOwed
from domain.declarations.checks.records import Records
from domain.declarations.checks.rule import ATTEST, CheckRule, ProofDeadline
from domain.declarations.role_keys import COORDINATOR, RoleKey
from domain.declared import Bilingual
from domain.kernel import col, in_program, run, select
from locales import N_, say
from models.obligation import ATTESTED_AS, Attestation

HELD, NOT_HELD = ATTESTED_AS


@dataclass(frozen=True)
class StandingAttestation:
    """The attestation that stands. `lacks` says why it does not count yet, as that of a document."""

    id: str
    on: date
    held: bool
    lacks: str = ""

    @property
    def code(self) -> str:
        """The code of `why` that says what it is worth."""
        return NOT_HELD if not self.held else self.lacks or HELD


class AttestationRule(CheckRule):
    """What the holder of a role states in writing, once a period.

    That it held can be stated after the period has had its time: from its middle on, or from its first or its last day
    where the rule says so. That it did not can be stated at any time of it.
    """

    statement: Bilingual
    by: RoleKey
    stated_from: Literal["start", "middle", "end"] = "middle"
    grace_days: Annotated[int, Bounded(ge=0)] = 0  # after the period's end

    key = "attestation"
    words = N_("by attestation")
    facts = (STATEMENT,)
    why: ClassVar[Mapping[str, str]] = {
        HELD: N_("attested as met"),
        NOT_HELD: N_("attested as not met"),
        "given": N_("submitted, to review"),
        "returned": N_("returned: to submit again"),
    }
    touched_by = frozenset()
    asks_by = ATTEST
    proof = "statement"

    def from_day(self, first: date, last: date | None) -> date:
        """The first local day on which it can be stated that it held, of a period from `first` to `last`, inclusive."""
        if last is None or self.stated_from == "start":
            return first
        return last if self.stated_from == "end" else first + (last - first + timedelta(days=1)) / 2

    def has_somebody(self, roles: Container[str]) -> bool:
        """Whether anyone can state it, at a partner whose agreement creates these roles.

        The holder of the role there; the coordinator states it of every partner.
        """
        return self.by == COORDINATOR or self.by in roles

    def stated(self) -> AttestationRule:
        """Itself."""
        return self

    def named_by(self, fact: Fact) -> str:  # noqa: ARG002 - each statement is named alike
        """A statement is named by the role that states it."""
        return self.by

    def in_words(self, language: str, names: Mapping[str, str]) -> str:
        """Who states it."""
        return say(language, N_("attested in writing by: %(role)s"), role=names.get(self.by, self.by))

    def form(self, first: date, last: date | None, on: date) -> Form:
        """That it held, or that it did not, and a few words."""
        held_from = self.from_day(first, last)
        options, hint = [(HELD, N_("It was met")), (NOT_HELD, N_("It was not met"))], Sentence()
        if held_from > on:
            del options[0]
            hint = Sentence(
                N_("“It was met” can be attested once the period is far enough along: from %(day)s on."),
                {"day": held_from},
            )
        in_words = Sentence(N_("Required if it was not met. No participant’s name."))
        return Form(
            "attestation",
            "attestation",
            (
                Field("said", "one_of", N_("What do you attest for this period?"), hint, tuple(options)),
                Field("note", "area", N_("In a few words"), in_words),
            ),
            submit=N_("Attest"),
        )

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By the statement that stands of the period."""
        said = period.records.read(_said).get(period.period_id) if period.period_id is not None else None
        is_secretarys = self.by == COORDINATOR and not period.clause.is_of_coordination
        return self.judge(period.judging, said, is_secretarys=is_secretarys)

    def judge(self, judging: Judging, said: StandingAttestation | None, *, is_secretarys: bool) -> PeriodFinding:
        """Whether the holder of the rule's role stated it, by the last day for it.

        `is_secretarys` says that the one who has to state it is the coordinator, of another's duty: it is then awaited.
        """
        due = judging.last_day_for_proof(self.grace_days)
        if said is None:
            state = judging.by_day(due, done=False, given=False, is_on_record=False)
            state = "awaiting_record" if state == "missed" and is_secretarys else state
            return PeriodFinding(state, {"said": 0}, due_on=due)
        state = judging.by_day(due, done=said.code == HELD, given=said.code == GIVEN, is_on_record=True)
        if not said.held and state not in ("waived", "not_yet"):
            state = "missed" if due is not None and judging.on > due else "at_risk"
        return PeriodFinding(
            state, {"said": 1}, (Fact(STATEMENT.key, said.id, said.on, said.code == HELD, said.code),), due_on=due
        )

    def asks(self, period: PeriodOwed, found: PeriodFinding) -> ProofDeadline | None:
        """Asked of the person who states it, until they have stated that it held or that it did not."""
        if found.numbers.get("said"):
            return None
        last = period.window.last_day
        sentence = N_("Attest in writing, %(organization)s, for the period up to %(day)s: %(what)s")
        return ProofDeadline(ATTEST, last, found.due_on or last, sentence)


def _said(records: Records) -> Mapping[UUID, StandingAttestation]:
    """The attestation that stands of each period."""
    columns = (Attestation.id, Attestation.period_id, Attestation.said, Attestation.said_at, Attestation.to_be_accepted)
    rows = run(
        records.session,
        select(*columns, col(WORD.said).label("word"))
        .outerjoin(WORD, stands_of(col(WORD.attestation_id), Attestation))
        .where(in_program(Attestation), col(Attestation.superseded_at).is_(None)),
    )
    return {
        row.period_id: StandingAttestation(
            str(row.id),
            records.local_day(row.said_at),
            row.said == HELD,
            LACKS_BY[row.word] if row.to_be_accepted else "",
        )
        for row in rows
    }
