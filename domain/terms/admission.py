"""By what the admission is known: its protocol, the step in which a referral is triaged, and whom it is about."""

from typing import Final

#: The protocol that carries somebody from the referral to the follow-up.
ADMISSION: Final = "admission"
#: Its first step, in which each criterion is looked at and the referral goes somewhere.
TRIAGE: Final = "triage"
#: The states of a candidate who has not committed: a consent is explained and signed to whoever meets them (AD-R8).
BEFORE_COMMITTING: Final = ("candidate", "assigned")
#: The states of somebody on whose admission something is still to be done.
BEING_ADMITTED: Final = (*BEFORE_COMMITTING, "committed")
