"""What the record says of candidates, participants and referrals, in words: by reference or number, days and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import func

from api.views.timeline_readings import Reading, reading
from domain.kernel import col
from locales import N_
from models.participant import Participant
from models.referral import Referral

#: Verb to sentence and shape, as in `api.views.timeline`.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "referral.begun": (N_("A referral was begun."), "empty"),
    "referral.saved": (N_("A draft referral was saved."), "half"),
    "referral.received": (N_("Referral received: %(subject)s."), "half"),
    "referral.abandoned": (N_("A draft referral was destroyed."), "skip"),
    "referral.handed_on": (N_("A draft referral was handed on by someone who leaves."), "half"),
    "referral.left": (N_("A draft referral was left to the coordinator by someone who leaves."), "half"),
    "referral.given_back": (N_("A draft referral is back with its author, who stays after all."), "half"),
    "referral.asked": (N_("%(subject)s: the referrer was asked for what is missing."), "wait"),
    "referral.answered": (N_("%(subject)s: the referrer answered."), "full"),
    "referral.told": (N_("%(subject)s: what the referrer hears was decided."), "full"),
    "referral.asked_no_more": (N_("%(subject)s: nothing is asked of the referrer any more."), "skip"),
    "referral.triaged": (N_("%(subject)s: triaged."), "full"),
    "referral.taken_back": (N_("%(subject)s: to be triaged again."), "skip"),
    "referral.joined": (N_("%(subject)s: a referral was joined to an existing file."), "half"),
    "referral_link.made": (N_("A link for an outside professional was created."), "half"),
    "referral_link.ended": (N_("A link for an outside professional was withdrawn."), "skip"),
    "criterion.found": (N_("%(subject)s: a criterion was assessed (%(criterion)s)."), "half"),
    "admission.decided": (N_("%(subject)s: the admission was decided on."), "full"),
    "participant.worker_named": (N_("%(subject)s: a worker was named to meet them."), "full"),
    "participant.second_named": (N_("%(subject)s: the second worker of the pair changed."), "half"),
    "participant.nobody_sent": (N_("%(subject)s: no one is to meet them any more."), "stop"),
    "participant.worker_left": (N_("%(subject)s: the person who was to meet them leaves: name someone else."), "stop"),
    "participant.refused": (N_("%(subject)s: not admitted."), "stop"),
    "participant.declined": (N_("%(subject)s: declined."), "skip"),
    "participant.recruits": (N_("%(subject)s: found to recruit others; never in an activity with others."), "late"),
    "participant.corrected": (N_("%(subject)s: the identity was corrected (%(fields)s)."), "half"),
    "participant.admitted": (N_("%(subject)s: admitted."), "full"),
    "participant.barred": (N_("%(subject)s: barred someone from their file."), "stop"),
    "participant.bar_lifted": (N_("%(subject)s: no longer bars someone from their file."), "skip"),
    "participant.joined": (N_("%(subject)s: the file was joined to another, and destroyed with its key."), "stop"),
    "participant.destroyed_again": (
        N_("%(subject)s: the file, which a restore had brought back, was destroyed again."),
        "stop",
    ),
    "participant.destroyed": (N_("%(subject)s: the file was destroyed."), "stop"),
    "first_meeting.held": (N_("%(subject)s: a first meeting was held."), "full"),
    "risk.assessed": (N_("%(subject)s: risk assessed."), "full"),
    "consent.signed": (N_("%(subject)s: a consent was signed."), "full"),
    "consent.copy_given": (N_("%(subject)s: a copy of the consent form was given."), "full"),
    "consent.stored": (N_("%(subject)s: a signed consent was stored."), "full"),
    "consent.narrowed": (N_("%(subject)s: the last day of a consent was made earlier."), "stop"),
    "consent.withdrawn": (N_("%(subject)s: a consent was withdrawn."), "stop"),
    "consent.to_review": (N_("%(subject)s: consents to review with them."), "ask"),
    "consent.left_as_signed": (N_("%(subject)s: consents stay as they were signed."), "half"),
    "consent.goes_on": (N_("%(subject)s: continues within the limits of the withdrawn consent."), "half"),
    "research_consent.ticked": (N_("%(subject)s: a consent form was handed on."), "full"),
    "research_consent.kept": (N_("%(subject)s: consent to research was recorded."), "full"),
    "research_consent.withdrawn": (N_("%(subject)s: consent to research was withdrawn."), "stop"),
    "research_consent.declined": (N_("%(subject)s: consent to research was withdrawn."), "stop"),
    "disclosure.recorded": (N_("%(subject)s: a disclosure without consent was recorded."), "ask"),
    "retention.set": (N_("%(subject)s: kept until %(day)s."), "half"),
    "retention.moved": (N_("%(subject)s: kept until %(day)s, for a reason of its own."), "half"),
    "retention.stopped": (
        N_("%(subject)s: followed again; how long the file is kept is counted from a later end."),
        "half",
    ),
    "destruction.asked": (
        N_("%(subject)s: destruction of the file requested, to be confirmed from %(day)s on."),
        "ask",
    ),
    "destruction.refused": (N_("%(subject)s: the destruction of the file was refused."), "stop"),
    "destruction.withdrawn": (N_("%(subject)s: the request to destroy the file was withdrawn."), "skip"),
    "destruction.lapsed": (N_("%(subject)s: no answer in time on the destruction of the file."), "late"),
    "destruction.stopped": (N_("%(subject)s: a later event stopped the destruction of the file."), "half"),
    "retention.held": (N_("%(subject)s: a legal hold was placed."), "wait"),
    "retention.released": (N_("%(subject)s: the legal hold was released."), "half"),
    "number.taken_over": (N_("Numbers of %(year)s go on after %(last)s."), "half"),
}


#: As in `api.views.timeline`.
MINOR: Final = ("referral.begun", "referral.saved")


_CALLED: Final = func.coalesce(col(Participant.number), col(Participant.candidate_ref)).label("name")

READINGS: Final[Mapping[str, Reading]] = {
    "participant": reading(Participant, _CALLED),
    "referral": reading(Referral, _CALLED, by=[(Referral.participant_id, Participant)]),
}
