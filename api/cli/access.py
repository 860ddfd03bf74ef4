"""The first people of an installation, from the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Annotated
from uuid import UUID

import typer

from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import tell
from api.cli.terminal import Counter, ProgramKey, counter
from domain.access import invitations
from domain.kernel import Actor, Refusal
from domain.mail import templates_of
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


def _first(role: str, there_is_one: str, given: str) -> Callable[[Callable[[], Actor]], Callable[..., None]]:
    """Makes the command that adds the first person in a role, or finds them again, of what asks who may.

    It prints the link of their invitation. `there_is_one` says who takes over from the command line, `given` what the
    link is for.
    """

    def command(may: Callable[[], Actor]) -> Callable[..., None]:
        def add(
            email: Email,
            given_name: GivenName,
            family_name: FamilyName,
            organization: Place,
            language: Language = "fr",
            program: ProgramKey = "",
        ) -> None:
            by = may()
            with counter(program) as here:
                place = here.organization(organization)
                held = standing(here.session, here.day).holding(role)
                person_id = at_address(here, held, email)
                if person_id is None:
                    if held:
                        raise Refusal(f"{role}.there_is_one", there_is_one)
                    person_id = people.add_person(
                        here.session,
                        given_name=given_name,
                        family_name=family_name,
                        email=email,
                        language=language,
                        by=by,
                        at=here.at,
                    )
                    people.appoint(
                        here.session,
                        person_id=person_id,
                        role=role,
                        organization_id=place.id,
                        starts_on=here.day,
                        by=by,
                        at=here.at,
                    )
                address = _base_url(here) + invitations.invite_at_terminal(here.session, person_id, by=by, at=here.at)
            tell(given)
            typer.echo(address)

        # What is typed is `add`'s; the action and the words are those of what asks.
        add.__signature__ = inspect.signature(add, eval_str=True)  # type: ignore[attr-defined]
        return update_wrapper(add, may, ("__doc__", "__name__", "__qualname__"))

    return command


@asks(Action.ADD_ADMINISTRATOR)
@_first(
    "administrator",
    N_("There is an administrator already. They invite others on the page “Access”."),
    N_("This link lets the administrator in, once, for a week; give it to no one else:"),
)
def administrator() -> Actor:
    """Add the first administrator, who can sign in and invite the others, and print the link of their invitation.

    The person at this command runs the installation: they are not asked who they are, and the record names the command
    line. The link is printed, not mailed, because mail may not go out yet; it works once, for a week. Run again with
    the same address, it invites the same person again. Once there is another administrator, that person invites.
    """
    return require(Action.ADD_ADMINISTRATOR, at_the_terminal())


@asks(Action.ADD_COORDINATOR)
@_first(
    "coordinator",
    N_("There is a coordinator already. They add others on the page “People and roles”."),
    N_("This link lets the coordinator in, once, for a week; give it to no one else:"),
)
def coordinator() -> Actor:
    """Add the first coordinator, who adds everyone else, and print the link of their invitation.

    An administrator invites people whom the program knows, and adds none; so a first coordinator has to come from here.
    As with the administrator, it works again with the same address, and no more once another is coordinator.
    """
    return require(Action.ADD_COORDINATOR, at_the_terminal())


def at_address(here: Counter, held: Iterable[HeldRole], email: str) -> UUID | None:
    """Which of those who hold a role today has this address, or None."""
    for tenure in held:
        if (here.person(tenure.person_id).email or "").lower() == email.strip().lower():
            return tenure.person_id
    return None


def _base_url(here: Counter) -> str:
    return templates_of(here.session).base_url
