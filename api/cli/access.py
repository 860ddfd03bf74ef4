"""The first people of an installation, from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import typer

from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import tell
from api.cli.terminal import Counter, ProgramKey, counter
from domain.access import invitations
from domain.kernel import Actor, Refusal
from domain.mail import LetterTemplates
from domain.people import people
from domain.roles import HeldRole, standing
from locales import N_

Email = Annotated[str, typer.Argument(help="Their e-mail address.")]
GivenName = Annotated[str, typer.Option("--given", help="Their given name.")]
FamilyName = Annotated[str, typer.Option("--family", help="Their family name.")]
Place = Annotated[
    str, typer.Option("--organization", help="The key of the organization whose agreement creates the role.")
]
Language = Annotated[str, typer.Option("--language", help="The language of their letters: fr or en.")]

#: Who takes over from the command line, by the role that was given there first.
_THERE_IS_ONE: Final[Mapping[str, str]] = {
    "administrator": N_("There is an administrator already. They invite others on the page “Access”."),
    "coordinator": N_("There is a coordinator already. They add others on the page “People and roles”."),
}


class _First(NamedTuple):
    """Who is to be the first in a role, and the key of the organization whose agreement creates it."""

    role: str
    email: str
    given: str
    family: str
    organization: str
    language: str


@asks(Action.ADD_ADMINISTRATOR)
def administrator(
    email: Email,
    given: GivenName,
    family: FamilyName,
    organization: Place,
    language: Language = "fr",
    program: ProgramKey = "",
) -> None:
    """Add the first administrator, who can sign in and invite the others, and print the link of their invitation.

    The person at this command runs the installation: they are not asked who they are, and the record names the command
    line. The link is printed, not mailed, because mail may not go out yet; it works once, for a week. Run again with
    the same address, it invites the same person again. Once there is another administrator, that person invites.
    """
    by = require(Action.ADD_ADMINISTRATOR, at_the_terminal())
    address = _let_in(_First("administrator", email, given, family, organization, language), program, by=by)
    tell(N_("This link lets the administrator in, once, for a week; give it to no one else:"))
    typer.echo(address)


@asks(Action.ADD_COORDINATOR)
def coordinator(
    email: Email,
    given: GivenName,
    family: FamilyName,
    organization: Place,
    language: Language = "fr",
    program: ProgramKey = "",
) -> None:
    """Add the first coordinator, who adds everyone else, and print the link of their invitation.

    An administrator invites people whom the program knows, and adds none; so a first coordinator has to come from here.
    As with the administrator, it works again with the same address, and no more once another is coordinator.
    """
    by = require(Action.ADD_COORDINATOR, at_the_terminal())
    address = _let_in(_First("coordinator", email, given, family, organization, language), program, by=by)
    tell(N_("This link lets the coordinator in, once, for a week; give it to no one else:"))
    typer.echo(address)


def _let_in(first: _First, program: str, *, by: Actor) -> str:
    """Add who is the first in a role, or find them again. The address by which they come in, once all of it is kept."""
    with counter(program) as here:
        place = here.organization(first.organization)
        held = standing(here.session, here.day).holding(first.role)
        person_id = _at_address(here, held, first.email)
        if person_id is None:
            if held:
                raise Refusal(f"{first.role}.there_is_one", _THERE_IS_ONE[first.role])
            person_id = people.add_person(
                here.session,
                given_name=first.given,
                family_name=first.family,
                email=first.email,
                language=first.language,
                by=by,
                at=here.at,
            )
            people.appoint(
                here.session,
                person_id=person_id,
                role=first.role,
                organization_id=place.id,
                starts_on=here.day,
                by=by,
                at=here.at,
            )
        return _base_url(here) + invitations.invite_at_terminal(here.session, person_id, by=by, at=here.at)


def _at_address(here: Counter, held: Iterable[HeldRole], email: str) -> UUID | None:
    """Which of those who hold a role today has this address, or None."""
    for tenure in held:
        if (here.person(tenure.person_id).email or "").lower() == email.strip().lower():
            return tenure.person_id
    return None


def _base_url(here: Counter) -> str:
    paper: LetterTemplates = here.session.info["letter_templates"]
    return paper.base_url
