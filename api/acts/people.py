"""What is done about a person: their details, roles and absences, and their way in."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from api.access.people import find_person, to_person
from api.access.permissions import Action, Forbidden, allows, require, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.views.languages import codes_of
from api.web.given import ActInput, Day, Key, PlainText, on_form
from api.web.readers import role_and_organization
from domain.access import invitations
from domain.accompaniment import asked_today
from domain.departure import ways_in
from domain.kernel import Refusal
from domain.obligations import entering_late
from domain.people import absences, people, privacy_officers
from locales import N_


def _find(context: RequestContext, _: Action, person_id: UUID) -> tuple[UUID, Relations]:
    return find_person(context.session, person_id), to_person(context.asker, person_id)


def _find_to_appoint(context: RequestContext, action: Action, person_id: UUID) -> tuple[UUID, None]:
    """The person, for who appoints somewhere: where, is said. Raises Forbidden."""
    if allows(action, to_program(context.asker, organizations=context.asker.organizations_as("manager"))) is None:
        raise Forbidden
    return find_person(context.session, person_id), None


PERSON: Final = ActSubject("/people/{person_id}", _find)
ROLES: Final = ActSubject("/people/{person_id}", _find_to_appoint)
ABSENCES: Final = ActSubject("/people/{person_id}", _find)
ACCESS: Final = ActSubject("/people/{person_id}", _find)


class PersonChanged(ActInput):
    """How a member of staff is named and reached from now on. `spoken` are codes of languages; null leaves them."""

    given_name: PlainText
    family_name: PlainText
    email: Annotated[PlainText, StringConstraints(max_length=300)] = ""
    phone: Annotated[PlainText, StringConstraints(max_length=40)] = ""
    language: Annotated[Literal["fr", "en"], on_form(otherwise="fr")]
    spoken: Annotated[Annotated[list[Key], Field(max_length=20)] | None, on_form(codes_of)] = None
    calendar: Literal["unknown", "merge", "replace"] | None = Field(
        default=None,
        description="How their calendar takes news of one date of a season: by itself, or as the whole. "
        "It stays as it is where this is missing.",
    )


@PERSON.act(Action.UPDATE_PERSON, form="details", place="details", versioned=True, json="PUT")
def update_person(on: On[UUID], said: PersonChanged) -> None:
    """Change how a person is named, reached and written to."""
    people.update_person(on.session, on.id, **dict(said), by=on.by, at=on.at, seen=on.seen)


def _place_of(text: str) -> UUID:
    _, organization_id = role_and_organization(text)
    if organization_id is None:
        raise Refusal("role.missing", N_("Choose a role."))
    return organization_id


class TenureGiven(ActInput):
    """A role at an organization from a day, and to one where the end is known; `late_seen` as of a new person."""

    role: Annotated[Key, on_form(lambda text: role_and_organization(text)[0], name="place")]
    organization_id: Annotated[UUID, on_form(_place_of, name="place")]
    starts_on: Day
    ends_on: Day | None = None
    late_seen: Annotated[StrictBool, on_form(bool, name="late")] = False


@ROLES.act(Action.APPOINT, "/roles", form="roles", place="roles", once=True, json="POST /tenures")
def appoint(on: On[UUID], said: TenureGiven) -> None:
    """Give a person a role at an organization."""
    by = require(Action.APPOINT, to_program(on.context.asker, organizations=[said.organization_id]))
    where = said.organization_id, said.role, said.starts_on
    entering_late.refuse_unseen(on.session, *where, seen=said.late_seen, at=on.at)
    people.appoint(
        on.session,
        person_id=on.id,
        role=said.role,
        organization_id=said.organization_id,
        starts_on=said.starts_on,
        ends_on=said.ends_on,
        by=by,
        at=on.at,
    )


class AbsenceGiven(ActInput):
    """Days away, both inclusive, who acts meanwhile, and for what."""

    starts_on: Day
    ends_on: Day
    deputy_id: Annotated[UUID | None, on_form(name="deputy")] = None
    kinds: list[Literal["tasks", "approvals", "seats"]] = Field(["tasks", "approvals", "seats"])


@ABSENCES.act(Action.RECORD_ABSENCE, "/absences", form="absences", place="absences", once=True)
def record_absence(on: On[UUID], said: AbsenceGiven) -> None:
    """Record that a person is away, and who acts for them."""
    absences.record_absence(on.session, person_id=on.id, **dict(said), by=on.by, at=on.at)
    asked_today.ask_who_acts_now(on.session, on.id, by=on.by, at=on.at)


@ACCESS.act(Action.INVITE, "/invitation", once=True)
def invite(on: On[UUID]) -> None:
    """Invite a person to sign in, by a letter whose link works once, for a week. An earlier one no longer opens."""
    invitations.invite(on.session, on.id, by=on.by, at=on.at)


@ACCESS.act(Action.END_ACCESS, "/access/end", json="DELETE /access", status=204)
def end_access(on: On[UUID]) -> None:
    """End all of a person's access at once: sign-ins, passkeys, account and links."""
    privacy_officers.refuse_end_of_access(on.session, on.id, by=on.by, at=on.at)
    ways_in.shut_out(on.session, on.id, by=on.by, at=on.at)
    people.tell_access_ended(on.session, on.id, by=on.by, at=on.at)
