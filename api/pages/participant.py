"""A candidate or participant by reference or number; who they are is one deliberate act away, and in the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.participants import (
    UnsealedFacts,
    find_participant,
    ground_of,
    ground_of_facts,
    open_file,
    purposes_for,
    read_facts,
    sits_on,
)
from api.access.permissions import Action, Given, Relation, asks, require
from api.access.session import InContext, RequestContext
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page
from api.views import participant_words
from api.views.languages import names_of as names_of_languages
from api.views.opened_files import OpenedNow, opened_now, opened_without_the_name
from api.views.participant_words import PURPOSES
from api.views.participants import (
    SeenFile,
    Workers,
    admission_of,
    apart_of,
    case_seen,
    consents_of,
    follow_up_of,
    retention_of,
    risk_of,
)
from api.views.states import STATES
from api.views.tasks import names_of
from api.views.triage import askable
from domain.admissions import duplicates
from domain.kernel import Actor
from domain.participants import Who, areas, fields_of, rates
from domain.record import turned_away
from locales import gettext

router = framed_pages("/participants")

#: What of an identity may be corrected: first the birth date, or the age.
_CORRECTABLE: Final = sorted(fields_of(Who), key=lambda one: one.kind not in ("day", "age"))


@router.get("/{participant_id}", name="participant")
@asks(Action.SEE_PARTICIPANT)
def show_participant(context: InContext, request: Request, participant_id: UUID) -> HTMLResponse:
    """What is known without opening anything: where they stand, what was found, decided, consented."""
    row, given = find_participant(context.session, context.asker, participant_id)
    return participant_page(context, request, row, given)


@router.post("/{participant_id}/identity")
@asks(Action.READ_IDENTITY)
def read_identity(context: InContext, request: Request, participant_id: UUID, purpose: Text = "") -> Response:
    """Who they are and what was referred, shown once, and told to the record with its purpose."""
    return _opened(context, request, participant_id, "identity", Action.READ_IDENTITY, _open_identity, purpose)


@router.post("/{participant_id}/facts")
@asks(Action.READ_FACTS)
def read_what_was_referred(context: InContext, request: Request, participant_id: UUID, purpose: Text = "") -> Response:
    """What was referred and found (AD-R2), without who they are, shown once, and told to the record."""
    return _opened(context, request, participant_id, "facts", Action.READ_FACTS, _open_facts, purpose)


def _opened(
    context: RequestContext,
    request: Request,
    participant_id: UUID,
    form: str,
    action: Action,
    opens: Callable[[SeenFile, str, Actor], OpenedNow],
    purpose: str,
) -> HTMLResponse:
    """The page with what was opened of a file for a purpose; where that is refused, with why."""
    row, given = find_participant(context.session, context.asker, participant_id, action)
    by, shown = require(action, given), list[OpenedNow]()
    refusal = context.attempt(lambda: shown.append(opens(SeenFile(context, row, given), purpose, by)))
    if refusal is not None and refusal.code == rates.TOO_MANY:
        tell_too_many(context, participant_id, by)
    typed = Typed(form, refusal, {"purpose": purpose})
    return participant_page(context, request, row, given, typed=typed, shown=next(iter(shown), None))


def _open_identity(seen: SeenFile, purpose: str, by: Actor) -> OpenedNow:
    context, given = seen.context, seen.given
    opened = open_file(
        context.session, given, seen.id, purpose=purpose, language=context.language, by=by, at=context.at
    )
    looks = Relation.COORDINATOR in given and seen.row.state == "candidate"
    alike = duplicates.possible_duplicates(context.session, seen.id, by=by, at=context.at) if looks else None
    return opened_now(opened, duplicates=alike)


def _open_facts(seen: SeenFile, purpose: str, by: Actor) -> OpenedNow:
    context = seen.context
    return opened_without_the_name(
        read_facts(
            context.session, seen.given, seen.id, purpose=purpose, language=context.language, by=by, at=context.at
        )
    )


def tell_too_many(context: RequestContext, participant_id: UUID, by: Actor) -> None:
    """Keep that somebody opened more files than they may: what was refused is undone, and that it was is told."""
    turned_away.tell(
        context.session,
        by=by,
        at=context.at,
        action=Action.READ_IDENTITY.value,
        why="too_many",
        kind="participant",
        asked=participant_id,
    )


def participant_page(
    context: RequestContext,
    request: Request,
    row: UnsealedFacts,
    given: Given,
    *,
    typed: Typed | None = None,
    shown: OpenedNow | None = None,
) -> HTMLResponse:
    """A participant's page as the asker may see it; `shown` is what they opened with this request.

    `typed` is what came in with a form that was refused, and stays in it.
    """
    typed = typed or Typed()
    if typed.refusal is not None:
        row, _ = find_participant(
            context.session, context.asker, row.id
        )  # as it stands after what was refused was undone
    seen = SeenFile(context, row, given)
    admission, consents, apart = admission_of(seen), consents_of(seen), apart_of(seen)
    people = admission.people | apart.people
    names = names_of(context, people | consents.people if consents else people)
    return page(
        context,
        request,
        "participant.html",
        typed=typed,
        shown=shown or OpenedNow(),
        meeting_id=sits_on(context.session, context.asker, row.id, given) if shown is not None else None,
        one=row,
        known_as=row.number or row.candidate_ref,
        state=STATES[row.state],
        languages=names_of_languages(row.languages, context.language),
        area=area_of(context, row.area),
        case_id=case_seen(seen),
        follow_up_id=follow_up_of(context.session, row.id),
        may=seen.may,
        terms=participant_words,
        names=names,
        must_say_why=ground_of(given) == "purpose",
        must_say_why_of_facts=ground_of_facts(given) == "purpose",
        purposes=[(one.value, gettext(PURPOSES[one])) for one in purposes_for(given)],
        correctable=_CORRECTABLE,
        admission=admission,
        askable=askable(),
        workers=Workers.of(admission.proposals, names, context.language),
        consents=consents,
        risk=risk_of(seen),
        retention=retention_of(seen),
        disclosed=apart.disclosed,
        barred=apart.barred,
        staff=apart.named(names),
        today=context.day,
    )


def area_of(context: RequestContext, key: str) -> str:
    """An area of the program in the reader's language; "" where it is none of them."""
    names = {one.key: one.fr if context.language == "fr" else one.en for one in areas(context.session)}
    return names.get(key, "")
