"""The acts of the triage, all on one page: who they are, the criteria, what is asked of the referrer, where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast
from uuid import UUID

from pydantic import Field, StrictBool

from api.access.participants import UnsealedFacts, find_participant, ground_of, sent_referral
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.admissions import Offers, Words, find_file
from api.acts.declaring import ActSubject, On
from api.views.criteria import on_form_of
from api.web.given import NOT_ON_FORM, ActInput, on_form, yes
from api.web.readers import chosen
from api.web.referral_shapes import Criterion, corrected, with_fields
from domain.accompaniment import referred_again
from domain.admissions import ASKABLE, Finding, asking_referrers, duplicates, triage
from domain.participants import OwnReferral, ReferralForm, fields_of, opened
from locales import N_
from meetings import admissions

Referral = Annotated[UUID, on_form(chosen("referral.not_there", N_("There is no such referral.")), name="referral")]
#: The criteria that people find; the age works itself out.
FOUND_ON_FORM: Final[tuple[Criterion, ...]] = ("AD-C0", "AD-C2", "AD-C3", "AD-C4", "AD-C5")


def _page(on: On[UnsealedFacts], _: Any) -> str:
    return f"/participants/{on.id}/triage"


TRIAGE: Final = ActSubject("/participants/{participant_id}", find_file, nominative=True)


@TRIAGE.act(Action.TRIAGE, "/triage/opening", form="opening", leads=lambda on, _: f"{_page(on, _)}#who")
def open_name(on: On[UnsealedFacts]) -> None:
    """Open who they are for this sitting of work: the record is told once, and the page shows it for half an hour."""
    ground = ground_of(on.given)
    opened.open_for_work(on.session, on.id, sign_in=on.context.sign_in, by=on.by, at=on.at, ground=ground)


class FindingGiven(ActInput):
    """How a criterion was found, and by what fact; an exception is made of AD-C3 alone, with why."""

    finding: Literal["met", "not_met", "unknown"] = "unknown"
    fact: Words = ""
    admit_all_the_same: StrictBool = False
    why: Words = ""


#: The fields of the exception that is made of AD-C3.
_OF_EXCEPTION: Final = ("exception", "why")


class FindingsGiven(ActInput):
    """The findings on the criteria of a referral, saved all together. The age works itself out, as of the day."""

    #: What the form has: for each criterion what is found and the fact.
    typed: ClassVar = (
        "referral",
        *(f"{name}_{on_form_of(one)}" for one in FOUND_ON_FORM for name in ("finding", "fact")),
        *_OF_EXCEPTION,
    )

    referral_id: Referral
    findings: Annotated[dict[Criterion, FindingGiven], NOT_ON_FORM] = Field(default_factory=dict)

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What the form says: of a criterion that it does not show, nothing."""
        found: dict[Criterion, FindingGiven] = {}
        for criterion in FOUND_ON_FORM:
            finding, fact = (str(typed[f"{name}_{on_form_of(criterion)}"]) for name in ("finding", "fact"))
            exception, why = (str(typed[name]) if criterion == "AD-C3" else "" for name in _OF_EXCEPTION)
            if finding:
                found[criterion] = FindingGiven.model_construct(
                    finding=cast("Any", finding), fact=fact, admit_all_the_same=yes(exception), why=why
                )
        return super().from_form(typed, context).model_copy(update={"findings": found})


@TRIAGE.act(Action.TRIAGE, "/findings", form="findings", versioned=True, json="PUT", leads=_page)
def find(on: On[UnsealedFacts], said: FindingsGiven) -> None:
    """Record how the criteria were found, all of them or none. If-Match is the referral's version."""
    triage.refuse_other(on.session, on.id, said.referral_id)
    found: dict[str, Finding] = {name: Finding(**one.model_dump()) for name, one in said.findings.items()}
    triage.find_criteria(on.session, said.referral_id, found, by=on.by, at=on.at, seen=on.seen)


class MissingGiven(ActInput):
    """What is missing in a referral: fields of its form and criteria, which who referred is asked for."""

    referral_id: Referral
    missing: list[Annotated[str, Field(max_length=40)]] = Field(default_factory=list, max_length=len(ASKABLE))


def _after_asking(on: On[UnsealedFacts], said: Any) -> str:
    """The page of the triage; the file's own where it is triaged, or joined, by now."""
    page = _page(on, said) if triage.is_triaged_now(on.session, on.id) else f"/participants/{on.id}"
    return f"{page}#missing"


@TRIAGE.act(Action.TRIAGE, "/questions", form="missing", versioned=True, leads=_after_asking)
def ask_referrer(on: On[UnsealedFacts], said: MissingGiven) -> None:
    """Ask who referred for what is missing; nothing asks no more, whenever. If-Match is the referral's version."""
    triage.refuse_other(on.session, on.id, said.referral_id)
    triage.ask_referrer(on.session, said.referral_id, said.missing, by=on.by, at=on.at, seen=on.seen)


class JoiningGiven(ActInput):
    """That a referral is about a person who is known, and why they are the same."""

    referral_id: Referral
    reason: Words = ""
    to: Annotated[UUID, on_form(chosen("choice.missing", N_("Choose from the list.")))]


@TRIAGE.act(Action.TRIAGE, "/joining", form="joining", status=204, leads=lambda _, known: f"/participants/{known}")
def join(on: On[UnsealedFacts], said: JoiningGiven) -> UUID:
    """Say that a referral is about a known person: it becomes theirs."""
    find_participant(on.session, on.context.asker, said.to)  # no file that is kept from the asker is joined
    triage.refuse_other(on.session, on.id, said.referral_id)
    duplicates.join_referral(on.session, said.referral_id, said.to, reason=said.reason, by=on.by, at=on.at)
    return said.to


class TriageGiven(ActInput):
    """Where a referral goes; a worker goes with `forwarded`, what was offered with `refused`.

    `offers` is what who referred is told was offered.
    """

    referral_id: Referral
    result: Literal["committee", "forwarded", "refused"]
    reason: Words = ""
    offered: Words = ""
    offers: Offers = Field(default_factory=list)
    worker_id: Annotated[UUID | None, on_form(name="worker")] = None
    second_id: Annotated[UUID | None, on_form(name="second")] = None


@TRIAGE.act(Action.TRIAGE, "/triage", form="triage", place="criteria", versioned=True)
def decide_triage(on: On[UnsealedFacts], said: TriageGiven) -> None:
    """Say where the referral goes; straight to a worker where it cannot wait. If-Match is the referral's version."""
    triage.refuse_other(on.session, on.id, said.referral_id)
    triage.triage(
        on.session,
        said.referral_id,
        said.result,
        reason=said.reason,
        offered=said.offered,
        offers=said.offers,
        by=on.by,
        at=on.at,
        seen=on.seen,
    )
    if said.result == "forwarded":
        admissions.forward(on.session, on.id, said.worker_id, second_id=said.second_id, by=on.by, at=on.at)


class TakingBackGiven(ActInput):
    """The referral that is triaged again."""

    referral_id: Referral


@TRIAGE.act(Action.TRIAGE, "/triage/taking-back", versioned=True, leads=_page)
def take_back_triage(on: On[UnsealedFacts], said: TakingBackGiven) -> None:
    """Triage a referral again; its worker no longer meets the person. If-Match is the referral's version."""
    triage.refuse_other(on.session, on.id, said.referral_id)
    triage.take_back_triage(on.session, said.referral_id, by=on.by, at=on.at, seen=on.seen)


# ----------------------------------------------------------------------------------------------- by who referred


def find_sent(context: RequestContext, _: Action, referral_id: UUID) -> tuple[OwnReferral, Relations]:
    """A referral that was sent, for its author; for the coordinator, what they hear by telephone. Raises Forbidden."""
    return sent_referral(context.session, context.asker, referral_id)


class HearingGiven(ActInput):
    """What who referred a known person hears: of a worker; not admitted, with `offers`; or nothing more."""

    hears: Literal["worker", "not_admitted", "nothing"]
    worker_id: Annotated[UUID | None, on_form(name="worker")] = None
    offers: Offers = Field(default_factory=list)


SENT: Final = ActSubject("/referrals/{referral_id}", find_sent, nominative=True)
_FACTS: Final = {f"fact_{on_form_of(one)}": one for one in FOUND_ON_FORM}


@with_fields(corrected([one for one in fields_of(ReferralForm) if one.name in ASKABLE]))
class AnswerGiven(ActInput):
    """What is answered of what was asked; the rest is not taken. `facts` are by criterion."""

    #: What the form has: the fields, and the fact behind each criterion.
    typed: ClassVar = (*(one for one in ASKABLE if one not in FOUND_ON_FORM), *_FACTS)

    facts: Annotated[dict[Criterion, Words], NOT_ON_FORM] = Field(default_factory=dict)

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What the form says."""
        said = super().from_form(typed, context)
        return said.model_copy(update={"facts": {one: str(typed[name]) for name, one in _FACTS.items()}})

    def form(self) -> ReferralForm:
        """As the verb takes it."""
        return ReferralForm(**self.model_dump(exclude_none=True))


@SENT.act(Action.TRIAGE, "/hearing", form="hearing")
def say_to_who_referred(on: On[OwnReferral], said: HearingGiven) -> None:
    """Say what who referred a known person hears, and when; a letter then goes to them as to anybody."""
    referred_again.say_to_who_referred(
        on.session, on.id, said.hears, worker_id=said.worker_id, offers=said.offers, by=on.by, at=on.at
    )


@SENT.act(Action.KEEP_DRAFT, "/answer", form="answer")
def answer(on: On[OwnReferral], said: AnswerGiven) -> None:
    """Complete a referral that was sent by what was asked of it."""
    asking_referrers.answer(on.session, on.id, said.form(), by=on.by, at=on.at)
