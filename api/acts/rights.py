"""What is done with a person's request about their own data: received, prepared, answered, refused, withdrawn."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.rights import find_request
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, of_program
from api.web.given import ActInput, Day, PlainText, Short, on_form
from domain.rights import RequestGiven, done_first, finding, packages, requests, statements
from models.right import RightsRequest


def _find(context: RequestContext, action: Action, rights_request_id: UUID) -> tuple[RightsRequest, Relations]:
    return find_request(context.session, context.asker, rights_request_id, action)


RIGHTS: Final = ActSubject("/privacy/rights", of_program, nominative=True)
REQUEST: Final = ActSubject("/privacy/rights/{rights_request_id}", _find, nominative=True)

Handed = Literal["in_person", "sealed_envelope", "own_medium", "read_together"]


class ReceivedGiven(ActInput):
    """A request as it is taken down: `file` is the number or reference that the person gave, or nothing."""

    kind: Literal["access", "portability", "who_read", "correction", "restriction", "complaint"]
    file: Short = ""
    received_on: Day
    asked_by: Literal["self", "parental_authority", "tutor"]
    verified_by: Literal["known_to_worker", "card_shown", "judgment_shown", "by_lawyer"]
    verified_on: Day
    language: Literal["fr", "en"]
    person_id: Annotated[UUID | None, on_form(name="person")] = None
    asked: PlainText = ""


@RIGHTS.act(Action.KEEP_RIGHTS, form="receive", once=True, leads=lambda _, found: f"{RIGHTS.path}/{found}")
def receive_request(on: On[None], said: ReceivedGiven) -> UUID:
    """Record what a person asks about their own data, under the register's next number."""
    given = RequestGiven(**{name: getattr(said, name) for name in ReceivedGiven.model_fields})
    return requests.receive(on.session, given, by=on.by, at=on.at)


class FileSought(ActInput):
    """Who a person said and showed that they are, where they lost their number."""

    given_name: Short
    family_name: Short
    birth_date: Day

    def said(self) -> finding.NameGiven:
        """The name and the birth date."""
        return finding.NameGiven(self.given_name, self.family_name, self.birth_date)


class NoticeGiven(ActInput):
    """The day of the notice that it takes longer."""

    notice_on: Day


@REQUEST.act(Action.KEEP_RIGHTS, "/extension", form="extend", place="days", versioned=True)
def extend_request(on: On[RightsRequest], said: NoticeGiven) -> None:
    """Record that who asked was told, in time, that the answer takes longer."""
    requests.extend(on.session, on.id, said.notice_on, seen=on.seen, by=on.by, at=on.at)


@REQUEST.act(Action.KEEP_RIGHTS, "/acceptance", form="accept", place="answer", versioned=True)
def accept_request(on: On[RightsRequest]) -> None:
    """Accept a correction, and have the coordination make it."""
    done_first.accept_correction(on.session, on.id, seen=on.seen, by=on.by, at=on.at)


@REQUEST.act(Action.KEEP_RIGHTS, "/restriction", form="restrict", place="answer", versioned=True)
def restrict_worker(on: On[RightsRequest]) -> None:
    """Keep the worker away from the file, as the person asks: at once, in reading and in assignment."""
    done_first.restrict(on.session, on.id, seen=on.seen, by=on.by, at=on.at)


class MasksGiven(ActInput):
    """The words and lines that are masked, one a line."""

    others: PlainText


@REQUEST.act(Action.PREPARE_PACKAGE, "/masks", form="mask", versioned=True, leads=lambda on, _: _package(on))
def mask_words(on: On[RightsRequest], said: MasksGiven) -> None:
    """Say which words are masked in what the person is given, in place of those before."""
    packages.mask(on.session, on.id, said.others.splitlines(), seen=on.seen, by=on.by, at=on.at)


class MadeGiven(ActInput):
    """The digest of what was looked at."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), on_form()]


@REQUEST.act(Action.PREPARE_PACKAGE, "/package", form="make", place="package", versioned=True)
def make_package(on: On[RightsRequest], said: MadeGiven) -> None:
    """Make what was looked at into the package that is handed over."""
    packages.make(on.session, on.id, said.digest, seen=on.seen, by=on.by, at=on.at)


class AnswerGiven(ActInput):
    """On which day the answer was handed over, and how; what was done, in words, which may be empty."""

    answered_on: Day
    handed_over: Handed
    words: PlainText = ""

    def said(self) -> requests.Answered:
        """The answer."""
        return requests.Answered(self.answered_on, self.handed_over, self.words)


@REQUEST.act(Action.KEEP_RIGHTS, "/answer", form="answer", place="answer", versioned=True)
def answer_request(on: On[RightsRequest], said: AnswerGiven) -> None:
    """Record that the answer was handed over."""
    done_first.answer(on.session, on.id, said.said(), seen=on.seen, by=on.by, at=on.at)


class RefusalGiven(AnswerGiven):
    """As an answer, with the ground in law on which it is refused, whole or in part."""

    ground: Literal["health", "third_person", "not_entitled", "proceedings", "secret", "accurate", "outside"]
    in_part: Annotated[StrictBool, on_form(name="in_part")] = False


@REQUEST.act(Action.KEEP_RIGHTS, "/refusal", form="refuse", place="answer", versioned=True)
def refuse_request(on: On[RightsRequest], said: RefusalGiven) -> None:
    """Record that it was refused, whole or in part, on a ground in law that was told."""
    done_first.refuse(
        on.session, on.id, said.ground, said.said(), in_part=said.in_part, seen=on.seen, by=on.by, at=on.at
    )


@REQUEST.act(Action.KEEP_RIGHTS, "/withdrawal", form="withdraw", place="answer", versioned=True)
def withdraw_request(on: On[RightsRequest]) -> None:
    """Record that who asked does not want it any more."""
    requests.withdraw(on.session, on.id, seen=on.seen, by=on.by, at=on.at)


class StatementGiven(ActInput):
    """What the person says of a part of their file that was not corrected."""

    part: Literal["identity", "referral", "admission", "risk", "follow_up", "consents"]
    words: PlainText


@REQUEST.act(Action.KEEP_RIGHTS, "/statement", form="state", place="statement", versioned=True, json="PUT")
def keep_statement(on: On[RightsRequest], said: StatementGiven) -> None:
    """Keep the person's own words beside the part that was not corrected."""
    statements.state(on.session, on.id, said.part, said.words, seen=on.seen, by=on.by, at=on.at)


def _package(on: On[RightsRequest]) -> str:
    return f"{RIGHTS.path}/{on.id}/package"
