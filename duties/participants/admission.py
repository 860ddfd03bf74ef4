"""By what the admission is known: its protocol, and the step in which a referral is triaged."""

from typing import Final

#: The protocol that carries somebody from the referral to the follow-up.
ADMISSION: Final = "admission"
#: Its first step, in which each criterion is looked at and the referral goes somewhere.
TRIAGE: Final = "triage"
