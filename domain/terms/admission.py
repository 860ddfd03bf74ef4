"""The names of the admission: its protocol, the step in which a referral is triaged, and its participant."""

from typing import Final

#: The protocol that carries a person from the referral to the follow-up.
ADMISSION: Final = "admission"
#: Its first step, in which each criterion is looked at and the referral goes somewhere.
TRIAGE: Final = "triage"
#: The states of a candidate who has not committed: a consent is explained and signed with their worker (AD-R8).
BEFORE_COMMITTING: Final = ("candidate", "assigned")
#: The states of a person whose admission is under way.
BEING_ADMITTED: Final = (*BEFORE_COMMITTING, "committed")
