"""Who may come in, from the command line: inviting someone, and the first administrator of an installation."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.cli.spoken import tell
from api.cli.terminal import AsPerson, Counter, ProgramKey, counter
from api.permissions import Action, asks, at_the_terminal, require, to_person
from duties import people
from duties.access import invitations
from duties.mail.notices import Stationery
from duties.refusals import Refusal
from duties.roles import standing
from locales import N_

ADMINISTRATOR = "administrator"


@asks(Action.INVITE)
def invite(
    person: Annotated[str, typer.Argument(help="The key of the person who is invited.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Invite someone to sign in, by a letter with a link that works once, for a week."""
    with counter(program) as here:
        invited = here.person(person)
        by = require(Action.INVITE, to_person(here.asker(as_person), invited.id))
        invitations.invite(here.session, invited.id, by=by, at=here.at)
        tell(N_("An invitation goes to %(person)s."), person=invited.name)


@asks(Action.ADD_ADMINISTRATOR)
def administrator(
    email: Annotated[str, typer.Argument(help="The e-mail address of the administrator.")],
    given: Annotated[str, typer.Option(help="Their given name.")],
    family: Annotated[str, typer.Option(help="Their family name.")],
    organization: Annotated[str, typer.Option(help="The key of the organization whose agreement creates the role.")],
    language: Annotated[str, typer.Option(help="The language of their letters: fr or en.")] = "fr",
    program: ProgramKey = "",
) -> None:
    """Add the first administrator, who can sign in and invite the others, and print the link of their invitation.

    Whoever runs this runs the installation: nobody is asked for, and the record says that the command line did it.
    The link is printed, and not mailed, because mail may not go out yet; it works once, for a week. Run again with the
    same address it invites the same person again; where another is administrator already, it is they who invite.
    """
    by = require(Action.ADD_ADMINISTRATOR, at_the_terminal())
    with counter(program) as here:
        place = here.organization(organization)
        person_id = _administrator_at(here, email)
        if person_id is None:
            person_id = people.add_person(
                here.session,
                given_name=given,
                family_name=family,
                email=email,
                language=language,
                by=by,
                at=here.at,
            )
            people.appoint(
                here.session,
                person_id=person_id,
                role=ADMINISTRATOR,
                organization_id=place.id,
                starts_on=here.day,
                by=by,
                at=here.at,
            )
        address = _base_url(here) + invitations.invite_at_terminal(here.session, person_id, by=by, at=here.at)
    # Once all of it is kept: a link that was not would lead nowhere.
    tell(N_("This link lets the administrator in, once, for a week; hand it to nobody else:"))
    typer.echo(address)


def _administrator_at(here: Counter, email: str) -> UUID | None:
    """The administrator of today who has this address, or None where there is none. Raises Refusal for another's."""
    held = standing(here.session, here.day).holding(ADMINISTRATOR)
    for tenure in held:
        if (here.person(str(tenure.person_id)).email or "").lower() == email.strip().lower():
            return tenure.person_id
    if held:
        raise Refusal(
            "administrator.there_is_one",
            N_("There is an administrator already. They invite others on the page “Access”."),
        )
    return None


def _base_url(here: Counter) -> str:
    paper: Stationery = here.session.info["stationery"]
    return paper.base_url
