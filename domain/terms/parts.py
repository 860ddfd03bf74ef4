"""The parts that a worker can have in a follow-up, and the roles that allow each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.follow_up import ASSIGNMENT_KINDS

PRIMARY, SECOND = ASSIGNMENT_KINDS
#: The roles that may have a follow-up, and those that may be the second of the pair (AD-R6).
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    PRIMARY: ("youth_worker",),
    SECOND: ("youth_worker", "second_representative"),
}
