"""Who sits on a committee: the forms of its page that give a seat and end one, each with the letters that it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from fastapi import Request, Response

from api.access.meetings import find_committee, find_seat
from api.access.permissions import Action, asks, find_person
from api.access.session import AtDesk, Desk
from api.pages.committees import committee_page
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages
from api.pages.previews import Ask, previewed
from api.views.names import people_by_id
from api.web.readers import day_of, id_or_none
from domain.kernel.refusals import Refusal
from locales import N_, gettext, show_day
from meetings import seating
from meetings.committees import ALTERNATE, PRINCIPAL, title_of
from meetings.invitations import Told
from models.committee import Committee, Seat

router = framed_pages()

KINDS: Final[Mapping[str, str]] = {PRINCIPAL: N_("Principal"), ALTERNATE: N_("Alternate")}


@router.post("/committees/{key}/seats/{seat_id}/holders")
@asks(Action.KEEP_SEATS)
def give_seat(
    desk: AtDesk,
    request: Request,
    key: str,
    seat_id: UUID,
    person: Text = "",
    kind: Text = "",
    day: Text = "",
    shown: Text = "",
) -> Response:
    """Have somebody of its organization hold a seat from a day on, or be an alternate of it."""
    row = find_committee(desk, key)
    seat, by = find_seat(desk, row, seat_id)

    def change() -> tuple[Told, ...]:
        who = _chosen(desk, person)
        starts_on = day_of(day)
        return seating.give_seat(desk.session, row.id, seat_id, who, kind=kind, starts_on=starts_on, by=by, at=desk.at)

    values = {"person": person, "kind": kind, "day": day}
    return _twice(desk, request, row, seat, "holders", N_("Give the seat"), change, values, shown)


@router.post("/committees/{key}/seats/{seat_id}/ending")
@asks(Action.KEEP_SEATS)
def end_seat(
    desk: AtDesk, request: Request, key: str, seat_id: UUID, person: Text = "", day: Text = "", shown: Text = ""
) -> Response:
    """End somebody's hold of a seat on its last day."""
    row = find_committee(desk, key)
    seat, by = find_seat(desk, row, seat_id)

    def change() -> tuple[Told, ...]:
        who = _chosen(desk, person)
        return seating.end_seat(desk.session, row.id, seat_id, who, last_day=day_of(day), by=by, at=desk.at)

    values = {"person": person, "day": day}
    return _twice(desk, request, row, seat, "ending", N_("Remove a member"), change, values, shown)


def _chosen(desk: Desk, person: str) -> UUID:
    who = id_or_none(person)
    if who is None:
        raise Refusal("person.missing", N_("Choose a person."))
    return find_person(desk.session, who)


def _twice(
    desk: Desk,
    request: Request,
    row: Committee,
    seat: Seat,
    form: str,
    title: str,
    change: Callable[[], tuple[Told, ...]],
    values: dict[str, str],
    shown: str,
) -> Response:
    """Show who will be told, then do it; or the page again, with what was typed, where a rule refuses."""
    here = f"/committees/{row.key}"
    ask = Ask(
        title=gettext(title),
        facts=_facts(desk, row, seat, values),
        action=f"{here}/seats/{seat.id}/{form}",
        back=f"{here}#seats",
        fields=list(values.items()),
        shown=shown,
    )
    outcome = previewed(desk, request, ask, change)
    if isinstance(outcome, Refusal):
        return committee_page(desk, request, row, Typed(f"{form}-{seat.id}", outcome, values))
    return outcome


def _facts(desk: Desk, row: Committee, seat: Seat, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a change comes to, as the page before it says it."""
    title = title_of(seat, desk.language)
    found = [(gettext(N_("Seat")), f"{title_of(row, desk.language)}, {title}")]
    try:
        who = people_by_id(desk).get(id_or_none(values["person"]) or UUID(int=0))
        found += [(gettext(N_("Person")), who.name)] if who else []
        word = KINDS.get(values.get("kind", ""))
        if word is not None:
            found.append((gettext(N_("As")), gettext(word)))
        label = N_("From") if "kind" in values else N_("Last day")
        found.append((gettext(label), show_day(desk.language, day_of(values["day"]), "full")))
    except Refusal:
        pass  # the change itself refuses it, and the page says why
    return found
