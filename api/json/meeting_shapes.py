"""What the JSON window takes and gives of committees and meetings. Times without a zone are local, in the program's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictInt

from api.acts.meetings import Hour, Line, Local, Minutes
from api.json.shapes import ComingShown, Shown, of_columns
from api.web.given import ActInput
from models.meeting import Meeting

# ------------------------------------------------------------------------------------------------------------- taken


class HourGiven(ActInput):
    """Another local hour for a meeting and every later one of its season."""

    hour: Hour
    minutes: Minutes | None = None


class ItemGiven(ActInput):
    """Something to talk about, in one language at least; with `meeting_id`, late, with the reason why."""

    title_fr: Line = ""
    title_en: Line = ""
    minutes: Annotated[StrictInt, Field(ge=0, le=600)] | None = None
    purpose: Literal["information", "discussion", "decision"] | None = None
    meeting_id: UUID | None = None
    late_reason: Line = ""


# ------------------------------------------------------------------------------------------------------------- given


class SeatShown(Shown):
    """A seat on a day: who holds it, who is away, and whether it has no principal, then or later.

    `waits_for` is who is to be its principal from a later day on, where it has none on that one.
    """

    seat_id: UUID
    committee: str
    key: str
    organization_id: UUID
    organization: str
    role: str
    title: str
    voting: bool
    vacant: bool
    holders: list[HoldsShown]
    waits_for: list[ComingShown]


class HoldsShown(Shown):
    """Someone who holds a seat. `deputy_id` sits for them while they are away."""

    person_id: UUID
    name: str
    kind: str
    away: bool
    deputy_id: UUID | None


class CommitteeShown(Shown):
    """A committee, and its seats on a day; a derived one has those of others first."""

    id: UUID
    key: str
    title: str
    derived_from: list[str]
    rhythm: dict[str, Any] | None
    minutes: int | None
    day: date
    seats: list[SeatShown]


class DayObstacleShown(Shown):
    """A fact that speaks against a day, in the reader's language."""

    code: str
    sentence: str


class OtherShown(Shown):
    """Another local time that could be, and what speaks against it."""

    starts: Local
    remaining: list[DayObstacleShown]


class DateProposalShown(Shown):
    """A date that is proposed: to meet, to skip it, or shifted to another day. Nothing of it is planned."""

    decision: str
    original: date
    starts: Local
    minutes: int
    reasons: list[DayObstacleShown]
    remaining: list[DayObstacleShown]
    alternatives: list[OtherShown]


class DraftYearShown(Shown):
    """A year of dates that was drafted when the last planned ones came near. Nothing of it is planned."""

    id: UUID
    year: int
    drafted_at: AwareDatetime
    dates: list[DateProposalShown]


class NewsShown(Shown):
    """A piece of news that a letter brings: of what kind, and about which local time."""

    kind: str
    method: str
    starts: Local


class ChangeLetterShown(Shown):
    """All that a change has for a person, in one letter; in none where they have no address."""

    person_id: UUID
    has_address: bool
    news: list[NewsShown]


class MeetingChangeShown(Shown):
    """What a change told, person by person; with `preview`, what it would tell, and nothing was changed.

    `people` is how many people hear of it, `sent` how many letters leave: one to each of them who has an address.
    """

    preview: bool
    people: int
    sent: int
    letters: list[ChangeLetterShown]


@of_columns(Meeting, "state minutes time_zone starts_at ends_at place reason")
class MeetingLine(Shown):
    """A meeting in a list. `answer` is the asker's own, empty where they gave none or are not invited."""

    id: UUID
    committee: str
    title: str
    starts: Local
    mine: bool
    answer: str
    version: int


class InvitedShown(Shown):
    """A person invited to a meeting, on which seat if on one, and what they answered by which means."""

    person_id: UUID
    name: str
    seat_id: UUID | None
    guest: bool
    answer: str
    by: str
    alternate_id: UUID | None
    answered_at: AwareDatetime | None


class MeetingShown(MeetingLine):
    """One meeting, with the people invited. `season` is the id of the season that it is of."""

    season: UUID | None
    original: Local | None
    online_url: str
    agenda_frozen_at: AwareDatetime | None
    invited: list[InvitedShown]
    alternates: list[UUID]


class ItemAsked(Shown):
    """An item that was asked for, and waits in its committee's pool."""

    id: UUID


class FeedShown(Shown):
    """A private calendar address that is open; never its secret."""

    id: UUID
    made_at: AwareDatetime
    read_at: AwareDatetime | None


class FeedMade(Shown):
    """A new private calendar address. It is shown this once."""

    address: str


SeatShown.model_rebuild()
