"""What the JSON window takes and gives of meetings as they are held."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_type_hints
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool

from api.json.shapes import Shown, of_columns
from api.web.given import ActInput, Day, Key, Moment, Said, Version
from api.web.referral_shapes import with_fields
from meetings.caseloads import CaseLine
from models.agenda import AgendaItem
from models.decision_kinds import KINDS, OTHER
from models.discussion import PROCESSES
from models.minutes import Decision, QuorumStanding

if TYPE_CHECKING:
    _Kind = str
else:
    _Kind = Literal[tuple(KINDS)]


class AttendanceGiven(ActInput):
    """How a seat was filled. Hours are given for a person who came later, or left before the end.

    `seen` is the version of the seat, 0 for one without a record: needed where If-Match does not give it.
    """

    seat_id: UUID
    state: Literal["unrecorded", "present", "remote", "alternate", "excused", "absent"]
    person_id: UUID | None = None
    is_remote: StrictBool = False
    arrived_at: Moment | None = None
    left_at: Moment | None = None
    seen: Version = None


class DecisionGiven(ActInput):
    """What is decided, in one language at least; with the role that owes it, and the last day for it.

    `grants` says that it is what the item's procedure asks for, which is then done: else the item comes back.
    `takes_back` has the numbers of decisions that it takes back, as soon as it counts.
    One on management is endorsed by the partners before it counts; of another kind, `why_not_management` says why.
    `decided_at` is given where it was decided earlier than it is recorded: its quorum is that of then. `seen` is the
    version of the item: needed on an item, where If-Match does not give it.
    """

    text_fr: Said = ""
    text_en: Said = ""
    kind: _Kind = OTHER.key
    why_not_management: Said = ""
    item_id: UUID | None = None
    grants: StrictBool = False
    takes_back: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)] = Field(
        default_factory=list
    )
    owner_role: Key = ""
    owner_organization_id: UUID | None = None
    due_on: Day | None = None
    decided_at: Moment | None = None
    seen: Version = None


class EndorsementGiven(ActInput):
    """What an organization says of a decision on management; an objection has its reason. "" takes it back."""

    decision_id: UUID
    organization_id: UUID
    said: Literal["endorsed", "objected", ""]
    reason: Said = ""
    seen: Version = None


class CaseLineShown(Shown):
    """A case before the Clinical Committee.

    `version` is that of what was recorded in this meeting, `marked` that of the week's mark of processes: 0 where there
    is none.
    """

    follow_up_id: UUID
    number: str
    state: str
    raised: bool
    urgent: bool
    outcome: str
    due_on: date | None
    version: int
    processes: list[str]
    marked: int

    @classmethod
    def of_line(cls, line: CaseLine) -> Self:
        """The answer about a case."""
        said, mark = line.said, line.marks.get(line.week)
        return cls(
            follow_up_id=line.row.id,
            number=line.row.number,
            state=line.row.state,
            raised=line.brought is not None,
            urgent=line.is_urgent,
            outcome=said.outcome if said is not None else "",
            due_on=said.due_on if said is not None else None,
            version=said.version if said is not None else 0,
            processes=[one for one in PROCESSES if mark is not None and getattr(mark, one)],
            marked=mark.version if mark is not None else 0,
        )


class RaisedShown(Shown):
    """What a worker raises of a case, opened for who sits."""

    follow_up_id: UUID
    number: str
    urgent: bool
    words: str


class StateShown(Shown):
    """A meeting's state after an act."""

    id: UUID
    state: str
    version: int


_OF_QUORUM = get_type_hints(QuorumStanding).items()


@with_fields({name: (kind, ...) for name, kind in _OF_QUORUM if name not in ("present", "left")})
class QuorumShown(Shown):
    """How a committee stands against its quorum; what is needed is 0 where its rule does not ask for it."""


class SeatFilled(Shown):
    """How one seat was filled."""

    seat_id: UUID
    key: str
    state: str
    person_id: UUID | None
    is_remote: bool
    arrived_at: AwareDatetime | None
    left_at: AwareDatetime | None
    version: int


class AttendanceShown(Shown):
    """The seats of a meeting, and its quorum."""

    quorum: QuorumShown
    seats: list[SeatFilled]


@of_columns(AgendaItem, "outcome minutes times_seen settled_at")
class ItemTreated(Shown):
    """What became of one item, what was said of it, and the minutes that it took, where they are known."""

    id: UUID
    number: str
    referred_to: str
    note_fr: str
    note_en: str
    minutes_used: int | None
    version: int


class EndorsementShown(Shown):
    """What a partner said of a decision, empty while it said nothing.

    `majority` is what its agreement of that day lets suffice, empty where every partner is needed; `settled_by_id` the
    decision that settled its objection; `is_partner`, whether its agreement is in force today; `stake`, "freed" where
    the decision frees it of a clause, and "owes_again" where it takes that back: then it is not asked.
    """

    organization_id: UUID
    organization: str
    said: str
    said_at: AwareDatetime | None
    reason: str
    majority: str
    settled_by_id: UUID | None
    is_partner: bool
    stake: str
    version: int


@of_columns(
    Decision,
    "number kind text_fr text_en added_in added_at decided_at committee_id meeting_id item_id task_id owner_role "
    "owner_organization_id due_on needs_endorsement endorsement counts_since endorse_by "
    "why_not_management wanted_by_id wanted_why settles_id grants takes_back has_quorum withdrawn_by_id",
)
class DecisionShown(Shown):
    """A decision, who owes it, and what the partners said of it where it needs their endorsement.

    `added_in` is the language of the text that was written later: the meeting decided the other one.
    `endorsement` is not_asked, pending, endorsed, objected, or earlier for what was taken before endorsements bound;
    `counts` says whether anything may rest on it now, which needs a quorum, and `counts_since` since when it counted
    first. What it `takes_back` is taken back only while it counts. `state` is no_quorum where nothing is owed and too
    few sat, and undecided where a restore brought it back after it had been revoked or suspended.
    """

    id: UUID
    state: str
    counts: bool
    version: int
    endorsements: list[EndorsementShown]


class MinutesShown(Shown):
    """The minutes of a meeting; `content` is as its documents are made of, `approved_in` the later meeting."""

    id: UUID
    state: str
    version: int
    approved_in: UUID | None
    content: dict[str, Any]
