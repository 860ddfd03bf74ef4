"""The acts on consents: a form that is signed, what the person narrows, the copy, the storing, and what follows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Final, Literal, Self, cast
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from api.access.participants import UnsealedFacts
from api.access.permissions import Action, Relation
from api.access.session import RequestContext
from api.acts.admissions import PARTICIPANT, find_file
from api.acts.declaring import ActSubject, On
from api.views.ticked_lines import TickedLines
from api.web.bytes_given import bytes_of
from api.web.given import NOT_ON_FORM, ActInput, Day, PlainText, on_form, yes
from api.web.readers import chosen, day_or_none, picked_number
from domain.accompaniment import (
    GivenSignature,
    KeptTick,
    PartnerTick,
    SignedForm,
    consent_forms,
    consents,
    reviews,
    withdrawals,
)
from domain.kernel import Refusal
from domain.participants import CURRENT
from locales import N_

#: A form of its own page, of which nothing is left on the page of the file.
SIGNING: Final = ActSubject("/participants/{participant_id}", find_file, nominative=True)
TICKS: Final = ActSubject("/participants/{participant_id}", find_file, nominative=True)

#: How a drawing comes from a canvas.
_DRAWING: Final = "data:image/png;base64,"
#: The id that a line of a form names.
_named = chosen("choice.malformed", N_("Choose from the list."))
_version_of_text = partial(picked_number, figures=4)
Tongue = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class PartnerGiven(ActInput):
    """A partner that was ticked, for what, and until which last day."""

    organization_id: UUID
    purpose: Literal["sharing", "referral"] = "sharing"
    ends_on: Day | None = None


class FormSignature(ActInput):
    """A drawing as PNG, or the scan of the paper: the name of its file, which is not kept, and its bytes in base64."""

    way: Literal["drawn", "paper"]
    file_name: Annotated[PlainText, StringConstraints(max_length=500)] = ""
    content: str


class FormGiven(ActInput):
    """A consent form as it was signed, once for all that is ticked on it.

    `worker_id` is who explained it and signed; where it is left out, the worker who records it. `ends_on` is the last
    day of the consent to the program. A drawing is of today; a paper has its days.
    """

    explained_on: Day
    signed_on: Day
    signed_by: Literal["self", "parental_authority", "tutor"]
    worker_signed_on: Day
    language: Annotated[Tongue, on_form(name="text")]
    limits_stated: Annotated[StrictBool, on_form(name="limits")]
    signature: Annotated[FormSignature, NOT_ON_FORM]
    partners: Annotated[list[PartnerGiven], NOT_ON_FORM] = Field(max_length=200, default_factory=list)
    research: StrictBool = False
    copy_given_on: Day | None = None
    ends_on: Day | None = None
    again_at_18: Annotated[StrictBool, Field(description="The form says that it is looked at again at 18.")] = False
    text_version: Annotated[int, Field(ge=1, le=10_000), on_form(_version_of_text, otherwise=str(CURRENT))] = CURRENT
    worker_id: Annotated[UUID | None, on_form(name="worker")] = None
    signed_after: Annotated[
        StrictBool, Field(description="A paper was signed after what the person withdrew or narrowed on its day.")
    ] = False

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What the form says. A drawing is of today, before the worker who sends it. Raises Refusal."""
        sent = typed[SENT]
        assert isinstance(sent, FormSent)  # noqa: S101 - the page puts it there
        signature = sent.signature()
        if signature.way == "drawn":
            today = context.day.isoformat()
            of_today = {"signed_on": today, "worker_signed_on": today, "worker": "", "text_version": str(CURRENT)}
            typed = {**typed, **of_today}
        said = super().from_form(typed, context)
        return said.model_copy(update={"signature": signature, "partners": sent.partners()})


#: Where a page puts, among what was typed, what no plain field holds.
SENT: Final = "sent"


@dataclass(frozen=True)
class FormSent:
    """What the page of a form sends besides its plain fields: what is ticked, the drawing, and the scan."""

    lines: TickedLines
    program: str = ""
    drawn: str = field(default="", repr=False)
    scan: tuple[str, bytes] | None = field(default=None, repr=False)

    def signature(self) -> FormSignature:
        """The one signature that came in: a drawing, or a scan. Raises Refusal: none, or both, or not the program."""
        if not yes(self.program):
            raise Refusal(
                "consent.no_program",
                N_("Nothing is signed without the program: tick it, or record on the person’s page that they decline."),
                source="AD-R8",
            )
        if self.drawn and self.scan is not None:
            raise Refusal("consent.two_signatures", N_("Keep one signature: clear the drawing, or do not add a scan."))
        if self.scan is not None:
            name, content = self.scan
            return FormSignature.model_construct(
                way="paper", file_name=name, content=b64encode(content).decode("ascii")
            )
        if not self.drawn.startswith(_DRAWING):
            raise Refusal(
                "consent.no_signature",
                N_("The form is signed by nobody: have it signed on the screen, or add the scan of the signed paper."),
            )
        return FormSignature.model_construct(way="drawn", file_name="", content=self.drawn.removeprefix(_DRAWING))

    def partners(self) -> list[PartnerGiven]:
        """The partners that are ticked: each line is "purpose:organization". Raises Refusal."""
        return [self._partner(line) for line in self.lines.ticked]

    def _partner(self, line: str) -> PartnerGiven:
        purpose, _, place = line.partition(":")
        return PartnerGiven.model_construct(
            organization_id=_named(place), purpose=cast("Any", purpose), ends_on=day_or_none(self.lines.beside(line))
        )


@SIGNING.act(Action.KEEP_ADMISSION, "/consents", form="sign", place="consent", once=True, versioned=True)
def sign_consents(on: On[UnsealedFacts], said: FormGiven) -> None:
    """Record a consent form that was explained, and signed once for all that is ticked on it."""
    given = said.signature
    signature = GivenSignature(given.way, bytes_of(given.content), given.file_name)
    ticks = tuple(PartnerTick(one.organization_id, one.purpose, one.ends_on) for one in said.partners)
    facts = {name: getattr(said, name) for name in FormGiven.model_fields if name not in ("signature", "partners")}
    signed = SignedForm(**facts, partners=ticks)
    consent_forms.sign_form(on.session, on.id, signed, signature, seen=on.seen, by=on.by, at=on.at)


class TickKept(ActInput):
    """A consent that stays ticked, and its last day: the same, or an earlier one."""

    consent_id: UUID
    ends_on: Day | None = None


#: Where a page puts, among what was typed, its lines.
LINES: Final = "lines"


class TicksKept(ActInput):
    """What the person leaves ticked of all that stands. What is left out is withdrawn, at once and without a reason."""

    kept: Annotated[list[TickKept], NOT_ON_FORM] = Field(max_length=400)
    no_research: StrictBool = False  # consent to research is withdrawn too, if there is one

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What stays ticked on the page. Raises Refusal."""
        lines = typed[LINES]
        assert isinstance(lines, TickedLines)  # noqa: S101 - the page puts it there
        kept = [_kept(line, lines) for line in lines.ticked]
        return super().from_form(typed, context).model_copy(update={"kept": kept})


def _kept(line: str, lines: TickedLines) -> TickKept:
    return TickKept.model_construct(consent_id=_named(line), ends_on=day_or_none(lines.beside(line)))


def _to_the_ticks(on: On[UnsealedFacts], _: None) -> str:
    return f"/participants/{on.id}/consents#confirmation"


@TICKS.act(Action.KEEP_ADMISSION, "/consents/narrowing", form="narrow", versioned=True, leads=_to_the_ticks)
def narrow_consents(on: On[UnsealedFacts], said: TicksKept) -> None:
    """Keep what the person leaves ticked: the rest is withdrawn, and a last day may come earlier."""
    kept = [KeptTick(one.consent_id, one.ends_on) for one in said.kept]
    consents.narrow(on.session, on.id, kept, no_research=said.no_research, seen=on.seen, by=on.by, at=on.at)


@PARTICIPANT.act(Action.DECIDE_ADMISSION, "/consents/review", place="consent")
def leave_consents(on: On[UnsealedFacts]) -> None:
    """The consents were looked at again, and stay as they were signed by the birth date that is known now."""
    reviews.leave_as_signed(on.session, on.id, by=on.by, at=on.at)


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/consents/going-on", place="consent")
def go_on(on: On[UnsealedFacts]) -> None:
    """The person goes on with what the withdrawal of the consent to the program leaves."""
    for_everyone = Relation.COORDINATOR in on.given
    withdrawals.go_on(on.session, on.id, for_everyone=for_everyone, by=on.by, at=on.at)


class CopyGiven(ActInput):
    """When the participant got their copy."""

    copy_given_on: Day


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/consent-forms/{form_id}/copy", form="copy-{form_id}", place="consent")
def give_copy(on: On[UnsealedFacts], said: CopyGiven, form_id: UUID) -> None:
    """The participant got a copy of the form."""
    consent_forms.give_copy(on.session, on.id, form_id, said.copy_given_on, by=on.by, at=on.at)


class StoringGiven(ActInput):
    """When the participant got their copy, where that was not said before."""

    copy_given_on: Day | None = None


@PARTICIPANT.act(Action.DECIDE_ADMISSION, "/consent-forms/{form_id}/storing", form="store-{form_id}", place="consent")
def store_consents(on: On[UnsealedFacts], said: StoringGiven, form_id: UUID) -> None:
    """The coordinator keeps the signed form."""
    consent_forms.store_form(on.session, on.id, form_id, copy_given_on=said.copy_given_on, by=on.by, at=on.at)
