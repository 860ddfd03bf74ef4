"""Who sits on a committee: the forms of its page that give a seat and end one, each with the letters that it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from api.acts.declaring import Act, On
from api.acts.meetings import SEAT, SeatAskedFor
from api.pages.committees import committee_page
from api.pages.frame import framed_pages
from api.pages.previewed_acts import previewed_pages
from api.pages.previews import Preview
from api.views.names import people_by_id
from api.web.readers import day_of, id_or_none
from domain.kernel import Refusal
from locales import N_, gettext, show_day
from meetings.committees import ALTERNATE, PRINCIPAL, title_of
from models.committee import Committee, Seat

router = framed_pages()

KINDS: Final[Mapping[str, str]] = {PRINCIPAL: N_("Principal"), ALTERNATE: N_("Alternate")}


_TITLES: Final[Mapping[str, str]] = {"/holders": N_("Give the seat"), "/ending": N_("Remove a member")}


def _asked(on: On[SeatAskedFor], act: Act, typed: Mapping[str, str]) -> Preview:
    """What the page before a change says of it."""
    row, seat = on.row
    return Preview(
        gettext(_TITLES[act.path]), _facts(on.context, row, seat, typed), back=f"/committees/{row.key}#seats"
    )


previewed_pages(
    router, SEAT, _asked, lambda on, request, typed: committee_page(on.context, request, on.row.committee, typed)
)


def _facts(context: RequestContext, row: Committee, seat: Seat, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a change comes to, as the page before it says it."""
    title = title_of(seat, context.language)
    found = [(gettext(N_("Seat")), f"{title_of(row, context.language)}, {title}")]
    try:
        who = people_by_id(context, ()).get(id_or_none(values["person"]) or UUID(int=0))
        found += [(gettext(N_("Person")), who.name)] if who else []
        word = KINDS.get(values.get("kind", ""))
        if word is not None:
            found.append((gettext(N_("As")), gettext(word)))
        label = N_("From") if "kind" in values else N_("Last day")
        found.append((gettext(label), show_day(context.language, day_of(values["day"]), "full")))
    except Refusal:
        pass  # the change itself refuses it, and the page says why
    return found
