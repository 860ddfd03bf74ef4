"""The roles that an agreement may create, by their keys; a program declares the ones that it has."""

from __future__ import annotations

from typing import Final, Literal, get_args

RoleKey = Literal[
    "director",
    "manager",
    "youth_worker",
    "second_representative",
    "coordinator",
    "administrative_officer",
    "administrative_manager",
    "petty_cash_holder",
    "it_contact",
    "police_representative",
    "specialized_resource",
    "researcher",
    "research_coordinator",
    "administrator",  # runs the installation, and sees no case
    "privacy_officer",  # answers for the protection of personal information, as the law has it
]

ROLE_KEYS: Final[tuple[RoleKey, ...]] = get_args(RoleKey)

COORDINATOR: Final = "coordinator"
#: The role that may sit for the organization on any committee (CM-2R).
SECOND_REPRESENTATIVE: Final = "second_representative"
