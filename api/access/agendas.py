"""What an asker is to an agenda and to its items, and what a change of it sends: for the pages and for JSON alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from api.access.meetings import audience_of, find_meeting
from api.access.permissions import Action, Forbidden, Given, Relation, allows, require, themselves
from api.access.session import RequestContext
from domain.kernel import Actor, Refusal, col, only, run
from domain.mail import Attachment
from locales import N_, pick
from meetings import agenda_papers, agenda_requests, agendas, posting
from meetings.agenda_items import PresentedItem, item_of, items_of, pool_of
from meetings.agenda_papers import AgendaEdition
from meetings.agenda_rules import REQUEST
from meetings.committees import Membership, committees
from meetings.documents import issuing
from meetings.documents.content import AgendaContent
from meetings.documents.issuing import refuse_names
from meetings.freezing import Outgoing
from models.meeting import Meeting
from models.program import Person

#: The states of a meeting in which something of its agenda can still be changed.
STILL_OPEN: Final = frozenset({"planned", "under_way"})


@dataclass(frozen=True)
class AgendaAccess:
    """A meeting whose agenda is asked about, who sits on its committee, and what the asker is to it."""

    meeting: Meeting
    members: Membership
    given: Given

    @property
    def committee_id(self) -> UUID:
        """The committee that meets."""
        return self.meeting.committee_id


def find_agenda(context: RequestContext, meeting_id: UUID) -> AgendaAccess:
    """The meeting of an agenda that the asker may see. Raises Forbidden, also where there is none."""
    return AgendaAccess(*find_meeting(context.session, context.asker, meeting_id))


def find_item(context: RequestContext, meeting_id: UUID, item_id: UUID) -> tuple[AgendaAccess, PresentedItem]:
    """An item that is on the agenda of a meeting, was on it, or waits in its committee's pool.

    What the asker is to the meeting says also whether it is they who asked for the item. Raises Forbidden.
    """
    found = find_agenda(context, meeting_id)
    try:
        row = item_of(context.session, item_id)
    except Refusal:
        raise Forbidden from None
    if row.committee_id != found.committee_id or row.meeting_id not in (meeting_id, None):
        raise Forbidden
    if row.kind == REQUEST and row.asked_by == context.asker.person_id and context.asker.is_staff:
        return AgendaAccess(
            found.meeting, found.members, {**found.given, Relation.SELF: themselves(context.asker)}
        ), row
    return found, row


def keeper(context: RequestContext, meeting_id: UUID) -> tuple[AgendaAccess, Actor]:
    """A meeting, and the actor under whom the asker keeps its agenda. Raises Forbidden."""
    found = find_agenda(context, meeting_id)
    return found, require(Action.KEEP_AGENDA, found.given)


def keeper_of_item(context: RequestContext, meeting_id: UUID, item_id: UUID) -> tuple[AgendaAccess, Actor]:
    """As `keeper`, of one item. Raises Forbidden."""
    found, _ = find_item(context, meeting_id, item_id)
    return found, require(Action.KEEP_AGENDA, found.given)


def refuse_over(meeting: Meeting) -> None:
    """Raises Refusal where a meeting was held or cancelled: its agenda is read, and no longer changed."""
    if meeting.state not in STILL_OPEN:
        raise Refusal("agenda.over", N_("This meeting is over: its agenda is kept as it is."))


def ask_for_item(
    context: RequestContext,
    found: AgendaAccess,
    *,
    title_fr: str,
    title_en: str,
    minutes: int | None,
    purpose: str | None,
    late_reason: str,
    by: Actor,
) -> UUID:
    """Ask for an item by way of a meeting, and return its id: late where its agenda is frozen.

    The coordinator's own is put on the agenda at once while that is not frozen; anyone else's waits until it is drawn.
    """
    refuse_over(found.meeting)
    is_frozen = found.meeting.agenda_frozen_at is not None
    item_id = agenda_requests.request(
        context.session,
        committees(context.session)[found.committee_id].key,
        title_fr=title_fr,
        title_en=title_en,
        minutes=minutes,
        purpose=purpose,
        meeting_id=found.meeting.id if is_frozen else None,
        late_reason=late_reason if is_frozen else "",
        by=by,
        at=context.at,
    )
    if Relation.COORDINATOR in found.given and not is_frozen and found.meeting.state == "planned":
        agendas.put_on(context.session, item_id, found.meeting.id, by=by, at=context.at)
    return item_id


def requests_of(context: RequestContext, found: AgendaAccess) -> list[PresentedItem]:
    """What the asker asked for and the committee has not dealt with yet: in its pool, or on this agenda."""
    rows = [*items_of(context.session, found.meeting.id), *pool_of(context.session, found.committee_id)]
    me = context.asker.person_id
    return [row for row in rows if row.kind == REQUEST and row.asked_by == me and row.state != "settled"]


def lacking(context: RequestContext, meeting_id: UUID, rows: list[PresentedItem]) -> dict[str, list[str]]:
    """By language that someone who is invited reads, the ids of the items that have no title in it."""
    lines = {str(row.id): agenda_papers.item_line(row, str(place)) for place, row in enumerate(rows, start=1)}
    return agenda_papers.untitled(lines, agenda_papers.readers_of(context.session, meeting_id))


def freezes_at(context: RequestContext, meeting: Meeting) -> datetime | None:
    """The moment at which the round freezes an agenda; None where the committee declares none."""
    declared = committees(context.session)[meeting.committee_id].agenda
    if "freeze_hours" not in declared:
        return None
    starts_at: datetime = meeting.starts_at
    return starts_at - timedelta(hours=declared["freeze_hours"])


# ------------------------------------------------------------------------------------------------------ what goes out


@dataclass(frozen=True)
class AgendaLetter:
    """A letter with an agenda or an addendum: its reader, their language, and the edition that they read.

    `is_sent` is false where the edition is not whole in the reader's language, or shows them nothing of an addendum.
    """

    person_id: UUID
    name: str
    language: str
    edition: AgendaContent
    has_address: bool
    is_sent: bool


def letters_of(context: RequestContext, outgoing: Outgoing) -> list[AgendaLetter]:
    """Each letter that goes out, in the order of the names."""
    sent = {reader.person_id for reader, _ in outgoing.to_send()}
    people = {
        row.id: row
        for row in run(
            context.session,
            only(Person.id, Person.given_name, Person.family_name, Person.email).where(
                col(Person.id).in_([reader.person_id for reader in outgoing.readers])
            ),
        )
    }
    return [
        AgendaLetter(
            reader.person_id,
            f"{people[reader.person_id].given_name} {people[reader.person_id].family_name}",
            reader.language,
            outgoing.editions[reader.audience],
            people[reader.person_id].email is not None,
            reader.person_id in sent,
        )
        for reader in outgoing.readers
    ]


def digest_of(letters: list[AgendaLetter]) -> str:
    """A digest of what goes out and to which readers: equal letters have equal digests."""
    lines = []
    for one in letters:
        items = [f"{line.number} {pick(one.language, line.title)}" for line in one.edition.items]
        lines.append(f"{one.person_id} {one.language} {one.has_address} {one.is_sent} {items}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def send(context: RequestContext, outgoing: Outgoing, occasion: posting.Occasion) -> int:
    """Write the letters, and return how many. Raises Refusal where one holds a name that may not go out."""
    return posting.post(context.session, outgoing, occasion, at=context.at)


def foreseen(context: RequestContext, outgoing: Outgoing) -> list[AgendaLetter]:
    """Each letter that would go out. Raises Refusal, as `send`, for a name that would stop the letters."""
    for edition in outgoing.editions.values():
        refuse_names(context.session, edition)
    return letters_of(context, outgoing)


def agenda_file(
    context: RequestContext, meeting_id: UUID, version: int, language: str, form: issuing.Form
) -> Attachment:
    """A version of an agenda that went out, as a file, as the asker may read it. Raises Forbidden and Refusal."""
    found = find_agenda(context, meeting_id)
    require(Action.SEE_MEETING, found.given)
    audience = audience_of(context, found.members, found.given, found.meeting.starts.date())
    content = agenda_papers.content_of(context.session, meeting_id, version, audience=audience)
    issue = partial(issuing.issue, context.session) if allows(Action.KEEP_AGENDA, found.given) else issuing.issue_again
    return issue(content, language, form, committee=committees(context.session)[found.committee_id].key)


def versions_read(
    context: RequestContext, meeting_id: UUID, audience: str
) -> list[tuple[AgendaEdition, AgendaContent]]:
    """Every version of an agenda that went out, the last one first, with what this audience reads of it.

    An addendum of which it may read nothing is left out.
    """
    found = []
    for version in reversed(agenda_papers.versions_of(context.session, meeting_id)):
        content = agenda_papers.content_of(context.session, meeting_id, version.n, audience=audience)
        if content.items or not version.addendum:
            found.append((version, content))
    return found
