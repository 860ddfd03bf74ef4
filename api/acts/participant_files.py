"""What is kept of a candidate or participant beside the admission: disclosures (AD-R12), retention, destruction."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from api.access.destructions import answers_as, find_destruction
from api.access.participants import UnsealedFacts
from api.access.permissions import Action, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.admissions import Words, find_file
from api.acts.declaring import ActSubject, On, of_program
from api.web.given import ActInput, Day, PlainText, ReasonGiven, on_form
from api.web.readers import chosen
from domain.participants import DestructionRequest, destruction, disclosures, holds, research, retention, weighing
from locales import N_


def _find_destruction(
    context: RequestContext, action: Action, participant_id: UUID
) -> tuple[DestructionRequest, Relations]:
    return find_destruction(context.session, context.asker, participant_id, action)


def _find_consent(context: RequestContext, _: Action, participant_id: UUID) -> tuple[None, Relations]:  # noqa: ARG001 - its verb looks
    return None, to_program(context.asker)


KEPT: Final = ActSubject("/participants/{participant_id}", find_file, nominative=True)
DESTRUCTION: Final = ActSubject("/participants/{participant_id}/destruction", _find_destruction, nominative=True)

RESEARCH: Final = ActSubject("/research-consents", of_program, nominative=True)
RESEARCH_CONSENT: Final = ActSubject("/research-consents/{participant_id}", _find_consent, nominative=True)


class DisclosureGiven(ActInput):
    """What was disclosed without consent: ground, receiver, content; and that it was only what was necessary."""

    ground: Literal["ypa_38d", "ypa_39_1", "ypa_72_6", "danger_to_life", "court_order", "other_law"]
    to_whom: Words
    what: Words
    disclosed_on: Day
    only_necessary: StrictBool


@KEPT.act(Action.KEEP_DISCLOSURES, "/disclosures", form="disclose", place="disclosures", once=True)
def disclose(on: On[UnsealedFacts], said: DisclosureGiven) -> None:
    """Record what was said without consent, once it was said (AD-R12)."""
    disclosures.disclose(on.session, on.id, **said.model_dump(), by=on.by, at=on.at)


class RetentionGiven(ActInput):
    """Another last day on which a file is kept, and why."""

    day: Day
    reason: PlainText


@KEPT.act(Action.KEEP_RETENTION, "/retention", form="retain", place="retention", json="PUT")
def retain(on: On[UnsealedFacts], said: RetentionGiven) -> None:
    """Set another last day on which the file is kept than that of the retention calendar, and say why."""
    retention.retain_until(on.session, on.id, said.day, reason=said.reason, by=on.by, at=on.at)


@KEPT.act(Action.KEEP_RETENTION, "/hold", form="hold", place="retention", json="PUT")
def hold(on: On[UnsealedFacts], said: ReasonGiven) -> None:
    """Keep the file whatever its retention says, because the law asks for it, and say why."""
    holds.place_hold(on.session, on.id, reason=said.reason, by=on.by, at=on.at)


@KEPT.act(Action.KEEP_RETENTION, "/hold/release", form="release", place="retention", status=204)
def release(on: On[UnsealedFacts], said: ReasonGiven) -> None:
    """Let the retention of the file run again, and say why. The privacy officer is told."""
    holds.release_hold(on.session, on.id, reason=said.reason, by=on.by, at=on.at)


class DestructionGiven(ActInput):
    """Why a file is to be destroyed: a ground, and words, which may be empty where the calendar alone set its day."""

    ground: PlainText
    reason: PlainText = ""


@KEPT.act(Action.KEEP_RETENTION, "/destruction", form="destroy", place="retention", status=204)
def ask_to_destroy(on: On[UnsealedFacts], said: DestructionGiven) -> None:
    """Ask that a file be destroyed, once it ended and nothing holds it.

    Before its last day that takes another ground than the calendar's. Another person confirms it, some days later.
    """
    destruction.ask(on.session, on.id, said.ground, reason=said.reason, by=on.by, at=on.at)


@KEPT.act(Action.KEEP_RETENTION, "/destruction/withdrawal", place="retention", status=204)
def take_destruction_back(on: On[UnsealedFacts]) -> None:
    """Take back that the file be destroyed."""
    destruction.withdraw(on.session, on.id, by=on.by, at=on.at)


#: The request that a hidden field names. Where it names none, nothing was looked at.
_looked_at = chosen("destruction.unseen", N_("Read what is to be destroyed on its page, and answer there."))


class DestructionAnswered(ActInput):
    """Which request was looked at."""

    seen: Annotated[UUID, on_form(_looked_at)]


class DestructionConfirmed(DestructionAnswered):
    """Which request was looked at, and each caution about it that was read and is confirmed by itself."""

    knowing: list[weighing.Caution] = Field(default_factory=list, max_length=len(weighing.CAUTIONS))


class DestructionRefused(DestructionAnswered):
    """Why the file is kept."""

    reason: PlainText


@DESTRUCTION.act(Action.CONFIRM_DESTRUCTION, "/confirmation", form="confirm")
def confirm(on: On[DestructionRequest], said: DestructionConfirmed) -> None:
    """Confirm it, as another person than who asked: the file is destroyed, for good and in every copy."""
    by = answers_as(on.session, on.context.asker, on.row, on.given)
    destruction.confirm(on.session, on.id, seen=said.seen, knowing=said.knowing, by=by, at=on.at)


@DESTRUCTION.act(Action.CONFIRM_DESTRUCTION, "/refusal", form="refuse")
def refuse(on: On[DestructionRequest], said: DestructionRefused) -> None:
    """Refuse it, as another person than who asked: the file is kept, and who asked reads why."""
    by = answers_as(on.session, on.context.asker, on.row, on.given)
    destruction.refuse(on.session, on.id, reason=said.reason, seen=said.seen, by=by, at=on.at)


class ResearchGiven(ActInput):
    """A signed consent to research, by the number on its form."""

    number: PlainText
    signed_on: Day


@RESEARCH.act(Action.KEEP_RESEARCH_CONSENTS, form="keep", once=True)
def keep_research_consent(on: On[None], said: ResearchGiven) -> str:
    """Record a consent to research that was signed (FU-9)."""
    participant_id = research.of_number(on.session, said.number)
    research.keep_research_consent(on.session, participant_id, said.signed_on, by=on.by, at=on.at)
    return said.number


@RESEARCH_CONSENT.act(Action.KEEP_RESEARCH_CONSENTS, "/keeping", status=204)
def keep_ticked_consent(on: On[None]) -> None:
    """Take over a consent that was ticked on the consent form: from now on the research coordinator keeps it."""
    research.keep_ticked(on.session, on.id, by=on.by, at=on.at)


@RESEARCH_CONSENT.act(Action.KEEP_RESEARCH_CONSENTS, "/withdrawal", form="withdraw", status=204)
def withdraw_research_consent(on: On[None]) -> None:
    """The participant takes it back; nothing else changes for them."""
    research.withdraw_research_consent(on.session, on.id, by=on.by, at=on.at)
