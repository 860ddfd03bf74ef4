"""The acts on consents: a form that is signed, what the person narrows, the copy, the storing, and what follows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from api.access.participants import UnsealedFacts
from api.access.permissions import Action, Relation
from api.access.session import RequestContext
from api.acts.admissions import PARTICIPANT, find_file
from api.acts.declaring import ActSubject, On
from api.web.bytes_given import bytes_of
from api.web.given import ActInput, Day, OnForm, PlainText, yes
from api.web.readers import day_of, day_or_none, id_or_none
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
Tongue = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


def _version_of_text(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 5):  # noqa: PLR2004  # there are not so many
        raise Refusal("choice.malformed", N_("Choose from the list."))
    return int(text)


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
    language: Tongue
    limits_stated: StrictBool
    signature: FormSignature
    partners: Annotated[list[PartnerGiven], Field(max_length=200, default_factory=list)]
    research: StrictBool = False
    copy_given_on: Day | None = None
    ends_on: Day | None = None
    again_at_18: Annotated[StrictBool, Field(description="The form says that it is looked at again at 18.")] = False
    text_version: Annotated[int, Field(ge=1, le=10_000)] = CURRENT
    worker_id: UUID | None = None

    #: The fields of the page: each line is there with its last day, whether or not it is ticked.
    typed: ClassVar[Sequence[str | OnForm]] = (
        *("explained_on", "signed_on", "signed_by", "worker_signed_on", "text", "limits", "drawn", "program"),
        "ends_on",
        *("again_at_18", "text_version", "worker", "research", "copy_given_on"),
        *(OnForm(name=one, is_list=True) for one in ("ticked", "line", "until")),
    )

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:
        """What the form says. A drawing is of today, before the worker who sends it. Raises Refusal."""
        text = {name: str(value) for name, value in typed.items() if isinstance(value, str)}
        if not yes(text["program"]):
            raise Refusal(
                "consent.no_program",
                N_("Nothing is signed without the program: tick it, or record on the person’s page that they decline."),
                source="AD-R8",
            )
        signature = _signature_of(text["drawn"], cast("tuple[str, bytes] | None", typed.get("scan")))
        drawn = signature.way == "drawn"
        said = cls.model_construct(
            explained_on=day_of(text["explained_on"]),
            signed_on=context.day if drawn else day_of(text["signed_on"]),
            signed_by=cast("Any", text["signed_by"]),
            worker_signed_on=context.day if drawn else day_of(text["worker_signed_on"]),
            language=text["text"],
            limits_stated=yes(text["limits"]),
            signature=signature,
            partners=list(_partners_of(typed)),
            research=yes(text["research"]),
            copy_given_on=day_or_none(text["copy_given_on"]),
            ends_on=day_or_none(text["ends_on"]),
            again_at_18=yes(text["again_at_18"]),
            text_version=CURRENT if drawn else _version_of_text(text["text_version"]),
            worker_id=None if drawn else id_or_none(text["worker"]),
        )
        return cast("Self", said)


def _signature_of(drawn: str, scan: tuple[str, bytes] | None) -> FormSignature:
    """The one signature that came in: a drawing, or a scan. Raises Refusal: none, or both."""
    if drawn and scan is not None:
        raise Refusal("consent.two_signatures", N_("Keep one signature: clear the drawing, or do not add a scan."))
    if scan is not None:
        return FormSignature.model_construct(way="paper", file_name=scan[0], content=b64encode(scan[1]).decode("ascii"))
    if not drawn.startswith(_DRAWING):
        raise Refusal(
            "consent.no_signature",
            N_("The form is signed by nobody: have it signed on the screen, or add the scan of the signed paper."),
        )
    return FormSignature.model_construct(way="drawn", file_name="", content=drawn.removeprefix(_DRAWING))


def _until(typed: Mapping[str, object]) -> dict[str, date | None]:
    """The last day beside each line of a page, by the line. Raises Refusal."""
    lines, days = cast("Sequence[str]", typed["line"]), cast("Sequence[str]", typed["until"])
    return {line: day_or_none(day) for line, day in zip(lines, days, strict=False)}


def _partners_of(typed: Mapping[str, object]) -> list[PartnerGiven]:
    """The partners that are ticked: each line is "purpose:organization". Raises Refusal."""
    until, found = _until(typed), []
    for line in cast("Sequence[str]", typed["ticked"]):
        purpose, _, place = line.partition(":")
        organization_id = id_or_none(place)
        if organization_id is None:
            raise Refusal("choice.malformed", N_("Choose from the list."))
        given: dict[str, Any] = {"purpose": purpose, "ends_on": until.get(line)}
        found.append(PartnerGiven.model_construct(organization_id=organization_id, **given))
    return found


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


class TicksKept(ActInput):
    """What the person leaves ticked of all that stands. What is left out is withdrawn, at once and without a reason."""

    kept: Annotated[list[TickKept], Field(max_length=400)]
    no_research: Annotated[StrictBool, Field(description="Consent to research is withdrawn too, if there is one.")] = (
        False
    )

    typed: ClassVar[Sequence[str | OnForm]] = (
        "no_research",
        *(OnForm(name=one, is_list=True) for one in ("ticked", "line", "until")),
    )

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:  # noqa: ARG003 - as all of them
        """What stays ticked on the page. Raises Refusal."""
        until, kept = _until(typed), []
        for line in cast("Sequence[str]", typed["ticked"]):
            consent_id = id_or_none(line)
            if consent_id is None:
                raise Refusal("choice.malformed", N_("Choose from the list."))
            kept.append(TickKept.model_construct(consent_id=consent_id, ends_on=until.get(line)))
        return cast("Self", cls.model_construct(kept=kept, no_research=yes(str(typed["no_research"]))))


def _to_the_ticks(on: On[UnsealedFacts], _: None) -> str:
    return f"/participants/{on.id}/consents"


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
