"""Who may take what: decided by what it is, and by the roles of whoever would take it.

One rule, which pick-lists, verbs and the resolver of domain ask alike: who may act in a role for somebody who is away
has no more in front of them than who holds that role might, and neither has who takes it over for good.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

#: Who speaks for an organization, and may act for each other in that.
ANSWERS_FOR_IT: Final = frozenset({"director", "manager", "second_representative", "coordinator"})
#: Who may know of participants, and write of them (AD-R11): for each of these, the others may act.
NEAR_PARTICIPANTS: Final = frozenset(
    {"youth_worker", "coordinator", "manager", "second_representative", "specialized_resource"}
)
#: Who accompanies a participant: what they are asked is asked of whom the file is open to, and not of the role.
ACCOMPANIES: Final = frozenset({"youth_worker", "specialized_resource"})
#: Who keeps equipment, accounts and money: nothing of a participant is among that.
KEEPS_THINGS: Final = frozenset({"administrative_officer", "administrative_manager", "it_contact", "petty_cash_holder"})
#: Who does research, and must not be who accompanies anybody (FU-8, FU-9).
RESEARCHES: Final = frozenset({"researcher", "research_coordinator"})

#: Who may act in a role, besides whoever holds it themselves. Of a role that a program made up: who answers for it.
_MAY_ACT_AS: Final[Mapping[str, frozenset[str]]] = {
    "director": ANSWERS_FOR_IT,
    "manager": ANSWERS_FOR_IT,
    "second_representative": ANSWERS_FOR_IT,
    "coordinator": ANSWERS_FOR_IT,
    "youth_worker": NEAR_PARTICIPANTS,
    "specialized_resource": NEAR_PARTICIPANTS,
    "police_representative": ANSWERS_FOR_IT - {"coordinator"},
    "privacy_officer": frozenset({"director", "coordinator"}),
    **dict.fromkeys(KEEPS_THINGS, KEEPS_THINGS | ANSWERS_FOR_IT),
    **dict.fromkeys(RESEARCHES, RESEARCHES),
    "administrator": KEEPS_THINGS | ANSWERS_FOR_IT,
}


def who_may_act_as(role: str) -> frozenset[str]:
    """The roles whose holders may do what falls to a role, itself among them."""
    return _MAY_ACT_AS.get(role, ANSWERS_FOR_IT) | {role}


def may_act_as(role: str, held: Collection[str]) -> bool:
    """Whether who holds these roles may do what falls to a role: for who is away, or instead of who leaves."""
    return not who_may_act_as(role).isdisjoint(held)


def may_write_of_participants(held: Collection[str]) -> bool:
    """Whether what is asked about a participant may be asked of who holds these roles."""
    return not NEAR_PARTICIPANTS.isdisjoint(held)
