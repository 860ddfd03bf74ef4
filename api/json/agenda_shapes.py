"""What the JSON window takes and gives of agendas: their items as they are kept, and what goes out of them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictInt

from api.json.shapes import Shown, of_columns
from api.web.given import ActInput
from models.agenda import AgendaItem

# ------------------------------------------------------------------------------------------------------------- taken


class PlaceOnAgenda(ActInput):
    """The place of an item on its agenda, counted from 1; further than last is last."""

    place: Annotated[StrictInt, Field(ge=1, le=9999)]


# ------------------------------------------------------------------------------------------------------------- given


class ItemShown(Shown):
    """An item as the reader may read it: in both languages, with the fact that put it there."""

    number: str
    section_fr: str
    section_en: str
    title_fr: str
    title_en: str
    points: list[str]
    presenter: str
    minutes: int
    purpose: str
    why: str
    times_seen: int
    late: bool
    late_reason: str


class AgendaShown(Shown):
    """An agenda as the reader may read it, and by how many minutes it is too long."""

    items: list[ItemShown]
    overrun_minutes: int


class AgendaVersionShown(Shown):
    """A version of an agenda that went out: the agenda itself, or the addendum of that number; the newest holds."""

    n: int
    kind: str
    addendum: int
    made_at: AwareDatetime
    is_replaced: bool
    items: int


class AssembledShown(Shown):
    """The items that came on an agenda, went from it, and say something else than before."""

    added: list[UUID]
    removed: list[UUID]
    changed: list[UUID]


@of_columns(
    AgendaItem,
    "state meeting_id section_fr section_en title_fr title_en minutes purpose audience presenter_seat_id "
    "late times_seen",
)
class ItemKept(Shown):
    """An item as it is kept. `number` is empty until the agenda is frozen; `is_asked` where no rule draws it."""

    id: UUID
    number: str
    late_reason: str
    is_asked: bool
    version: int


class AgendaKept(Shown):
    """The items to change: on the agenda, in the pool, asked for late, and taken off.

    `missing` has, by language that someone who is invited reads, the items without a title in it: they hold the freeze
    up. `freezes_at` is null where no round freezes it. Who does not keep the agenda has what they asked for alone.
    """

    items: list[ItemKept]
    pool: list[ItemKept]
    late: list[ItemKept]
    off: list[ItemKept]
    missing: dict[str, list[UUID]]
    freezes_at: AwareDatetime | None


class EditionShown(Shown):
    """A letter with an agenda or an addendum: its reader, their language, and the numbers that they read in it.

    `is_sent` is false where the edition is not whole in the reader's language, or shows them nothing.
    """

    person_id: UUID
    language: str
    numbers: list[str]
    is_sent: bool
    has_address: bool


class OutgoingShown(Shown):
    """What an agenda sent, reader by reader; with `preview`, what it would send, and nothing was changed."""

    preview: bool
    letters: list[EditionShown]
