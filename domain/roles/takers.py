"""Who may take what: decided by what it is, and by the roles of the one who would take it.

Pick-lists, verbs and the resolver of chains ask this one rule. A deputy for an absent person may have no more than the
holder of that role might, and neither may one who takes it over for good.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

#: Roles that speak for an organization, and may act for each other in that.
ANSWERS_FOR_IT: Final = frozenset({"director", "manager", "second_representative", "coordinator"})
#: Roles that may know of participants, and write of them (AD-R11): the others may act for each of these.
NEAR_PARTICIPANTS: Final = frozenset(
    {"youth_worker", "coordinator", "manager", "second_representative", "specialized_resource"}
)
#: Those who accompany a participant: their questions go to those who may read the file, and not to the role.
ACCOMPANIES: Final = frozenset({"youth_worker", "specialized_resource"})
#: Roles that keep equipment, accounts and money, and nothing of a participant.
KEEPS_THINGS: Final = frozenset({"administrative_officer", "administrative_manager", "it_contact", "petty_cash_holder"})
#: Roles that do research, and must not accompany anyone (FU-8, FU-9).
RESEARCHES: Final = frozenset({"researcher", "research_coordinator"})

#: Those who may act in a role besides its holder. For a role that a program made up: those who answer for it.
_MAY_ACT_AS: Final[Mapping[str, frozenset[str]]] = {
    "director": ANSWERS_FOR_IT,
    "manager": ANSWERS_FOR_IT,
    "second_representative": ANSWERS_FOR_IT,
    "coordinator": ANSWERS_FOR_IT,
    "youth_worker": NEAR_PARTICIPANTS,
    "specialized_resource": NEAR_PARTICIPANTS,
    "police_representative": ANSWERS_FOR_IT - {"coordinator"},
    "privacy_officer": frozenset({"director"}),
    **dict.fromkeys(KEEPS_THINGS, KEEPS_THINGS | ANSWERS_FOR_IT),
    **dict.fromkeys(RESEARCHES, RESEARCHES),
    "administrator": KEEPS_THINGS | ANSWERS_FOR_IT,
}

#: Those who act in a role under none of their roles: who reads the most never looks at who read what (ADR 23).
_NEVER_ACTS_AS: Final[Mapping[str, frozenset[str]]] = {"privacy_officer": frozenset({"coordinator"})}


def who_may_act_as(role: str) -> frozenset[str]:
    """The roles whose holders may do what falls to a role, itself among them."""
    return _MAY_ACT_AS.get(role, ANSWERS_FOR_IT) | {role}


def may_act_as(role: str, held: Collection[str]) -> bool:
    """Whether holders of these roles may do what falls to a role: for an absent person, or instead of a leaver."""
    return not who_may_act_as(role).isdisjoint(held) and _NEVER_ACTS_AS.get(role, frozenset()).isdisjoint(held)


def may_write_of_participants(held: Collection[str]) -> bool:
    """Whether what is asked about a participant may be asked of holders of these roles."""
    return not NEAR_PARTICIPANTS.isdisjoint(held)
