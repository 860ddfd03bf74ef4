"""The kinds of decision: a row for each says what it is called, and what it asks before it counts.

The tables, the rules, the forms, the papers and the JSON all read these rows. A kind is named nowhere else but by the
act that records decisions of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from locales import N_
from models.lifecycles import ENDORSEMENT


@dataclass(frozen=True)
class DecisionKind:
    """What a kind of decision is called, what it needs, and what is said of it.

    `hint` stands beside its title where a kind is chosen. `asks_partners` says that every partner endorses such a
    decision before it counts (GV-4). `stays_in_its_committee` says that no other committee takes such a decision back,
    and that no partner is shown those of another committee than the one that settles objections. `unasked` tells why no
    partner was asked, where no reason was written down.
    """

    key: str
    title: str
    hint: str = ""
    asks_partners: bool = False
    stays_in_its_committee: bool = False
    unasked: str = N_("Recorded as not about management: no partner is asked. No reason is on record.")

    @property
    def endorsement(self) -> str:
        """What the partners made of such a decision when it is recorded: a state of `ENDORSEMENT`."""
        return ENDORSEMENT.after(ENDORSEMENT.initial, "ask") if self.asks_partners else ENDORSEMENT.initial


MANAGEMENT: Final = DecisionKind(
    "management",
    N_("Management or coordination"),
    N_("It is pending until every partner has endorsed it (GV-4); anything based on it waits."),
    asks_partners=True,
)
#: What the committees that know of participants decide of their accompaniment.
CLINICAL: Final = DecisionKind(
    "clinical",
    N_("Clinical"),
    stays_in_its_committee=True,
    unasked=N_("Clinical, not management: no partner is asked to endorse it."),
)
#: What a decision is where its kind is not said.
OTHER: Final = DecisionKind(
    "other", N_("Other"), N_("No partner is asked. A partner may say that it is on management, and ask for it.")
)

#: Each kind by its key, in the order in which they are offered.
KINDS: Final[Mapping[str, DecisionKind]] = {kind.key: kind for kind in (MANAGEMENT, CLINICAL, OTHER)}
#: The keys of those that stay in their committee.
OF_ITS_COMMITTEE: Final = tuple(kind.key for kind in KINDS.values() if kind.stays_in_its_committee)
