"""What the pages and papers say of people's requests about their own data: each code of the tables in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

KINDS: Final[Mapping[str, str]] = {
    "access": N_("Access: what is held about them"),
    "portability": N_("Portability: what was collected from them, to take elsewhere"),
    "who_read": N_("Who saw their file"),
    "correction": N_("Correction"),
    "restriction": N_("Restriction: a worker who may no longer see the file"),
    "complaint": N_("Complaint about how their data are protected"),
}
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "received": (N_("Received"), "wait"),
    "preparing": (N_("Being prepared"), "half"),
    "answered": (N_("Answered and handed over"), "full"),
    "refused_in_part": (N_("Refused in part"), "full"),
    "refused": (N_("Refused"), "stop"),
    "withdrawn": (N_("Withdrawn"), "skip"),
    "stopped": (N_("Stopped: the file was destroyed"), "skip"),
}
ASKED_BY: Final[Mapping[str, str]] = {
    "self": N_("The person (from 14 on, alone)"),
    "parental_authority": N_("Who holds parental authority (under 14)"),
    "tutor": N_("The tutor"),
}
VERIFIED_BY: Final[Mapping[str, str]] = {
    "known_to_worker": N_("Known to the worker who was there"),
    "card_shown": N_("A card with a photograph was shown"),
    "judgment_shown": N_("A judgment or an act of birth was shown"),
    "by_lawyer": N_("A lawyer confirmed it in writing"),
}
#: The ground in law of each refusal (Access Act, A-2.1; Act respecting health and social services information, R-22.1).
GROUNDS: Final[Mapping[str, str]] = {
    "health": N_("Serious harm to their health, for now (R-22.1, section 17)"),
    "third_person": N_("It would reveal another person (A-2.1, section 88)"),
    "not_entitled": N_("Who asks may not ask for this person (R-22.1, sections 21 to 24)"),
    "proceedings": N_("It would affect judicial proceedings (A-2.1, section 87)"),
    "secret": N_("Professional secrecy or another law forbids it"),
    "accurate": N_("What is to be corrected is accurate and complete (A-2.1, section 89)"),
    "outside": N_("It is not held here, or is held by another body"),
}
HANDED_OVER: Final[Mapping[str, str]] = {
    "in_person": N_("In person, on paper"),
    "sealed_envelope": N_("In a sealed envelope"),
    "own_medium": N_("On a medium that they brought"),
    "read_together": N_("Read together"),
}
CONTESTED: Final[Mapping[str, str]] = {
    "identity": N_("Name, birth date and how to reach them"),
    "referral": N_("What the referral says"),
    "admission": N_("Criteria and decisions"),
    "risk": N_("Risk assessment"),
    "follow_up": N_("Follow-up and weekly notes"),
    "consents": N_("Consents"),
}
