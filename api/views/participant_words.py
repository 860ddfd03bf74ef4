"""What the pages say of candidates and participants: each code of the tables in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.record import Purpose
from locales import N_, gettext

FOUND: Final[Mapping[str, tuple[str, str]]] = {
    "met": (N_("Met"), "full"),
    "not_met": (N_("Not met"), "stop"),
    "unknown": (N_("To be confirmed"), "wait"),
}
#: Where a referral stands, as its author hears it.
STANDS: Final[Mapping[str, tuple[str, str]]] = {
    "received": (N_("Received by the coordinator"), "half"),
    "committee": (N_("With the committee"), "half"),
    "worker": (N_("With a worker"), "full"),
    "not_admitted": (N_("Not admitted: something else was offered, or the person said no"), "skip"),
}
#: What who referred a known person can hear.
HEARS: Final[Mapping[str, str]] = {
    "worker": N_("Which worker makes contact"),
    "not_admitted": N_("Not admitted, and what was offered"),
    "nothing": N_("Nothing more than they see"),
}
#: What was offered instead, as who referred is told.
OFFERED: Final[Mapping[str, str]] = {
    "partner": N_("Support by another partner of the program"),
    "health": N_("Health or social services"),
    "youth_protection": N_("Youth protection"),
    "police": N_("The police, or help for victims of crime"),
    "community": N_("A community organization"),
    "school": N_("Support at school"),
    "helpline": N_("A helpline or online help"),
    "later": N_("To be referred again later"),
}
RISKS: Final[Mapping[str, str]] = {
    "red": N_("Red: dangerous"),
    "yellow": N_("Yellow: worrisome"),
    "green": N_("Green: safe"),
    "none": N_("None: no commodification at admission, which is not “no risk”"),
}
#: The same scale, at another moment than the admission.
RISKS_THEN: Final[Mapping[str, str]] = {**RISKS, "none": N_("None: no commodification at that moment")}
RECRUITER: Final[Mapping[str, str]] = {
    "benefits_exceed": N_("The benefits exceed the risks to others"),
    "risks_exceed": N_("The risks to others exceed the benefits"),
}
PURPOSES: Final[Mapping[str, str]] = {
    Purpose.WHO_FOLLOWS: N_("To say whether I know the person, or who could meet them"),
    Purpose.HAND_OVER: N_("Handing over a follow-up"),
    Purpose.URGENT_HELP: N_("Urgent help"),
    Purpose.REQUEST_OF_PERSON: N_("The person asks for it"),
    Purpose.LEGAL_DUTY: N_("A legal duty"),
}
#: Why the destruction of a file is asked, and what became of that.
DESTRUCTION_GROUNDS: Final[Mapping[str, str]] = {
    "calendar": N_("The last day of its retention is over"),
    "person_asks": N_("The person asks for it"),
    "not_triaged": N_("The referral was never triaged, and had no result"),
    "by_mistake": N_("The file was created by mistake"),
    "law": N_("A law or a court asks for it"),
}
#: What a person says to know before they confirm the destruction of a file, each by itself (`weighing.Caution`).
CAUTIONS: Final[Mapping[str, str]] = {
    "early": N_("Its last day is still to come: the file would be destroyed before that day."),
    "untriaged": N_("The referral was never triaged: the person was given no answer."),
    "shortened": N_("The person who asks for the destruction moved the last day of this file to an earlier one."),
    "released": N_("A legal hold on this file was released."),
    "refused": N_("The destruction of this file was asked before, and refused."),
}
#: Why one who holds a role that answers a request may not (`destruction.KeptOut`).
KEPT_OUT: Final[Mapping[str, str]] = {
    "asked": N_("asked for it"),
    "deputy": N_("is a deputy of the person who asked, or was since"),
    "named": N_("is a deputy named by the person who asked"),
}
BECAME: Final[Mapping[str, tuple[str, str]]] = {
    "asked": (N_("Waits for another person"), "wait"),
    "confirmed": (N_("Destroyed"), "skip"),
    "refused": (N_("Refused: the file is kept"), "stop"),
    "withdrawn": (N_("Taken back"), "skip"),
    "lapsed": (N_("Lapsed: no answer in time"), "late"),
    "stopped": (N_("Stopped by a later event"), "stop"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "assign": N_("Assigned to a worker"),
    "defer": N_("Deferred"),
    "refuse": N_("Refused"),
    "more": N_("More information requested"),
}
#: Where a triage sent a referral.
TRIAGED: Final[Mapping[str, str]] = {
    "committee": N_("To the next Clinical Committee"),
    "forwarded": N_("Directly to a worker, as it cannot wait"),
    "refused": N_("Not continued"),
}
#: What was decided, by its kind and result, with what the kind is called; and what was written with it.
DECIDED: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "triage": (N_("Triage"), TRIAGED),
    "admission": (N_("Decision"), OUTCOMES),
    "risk": (N_("Risk"), {**RISKS, **RECRUITER}),
    "kept_until": (
        N_("Kept until"),
        {
            "hold": N_("Legal hold placed"),
            "release": N_("Legal hold released"),
            "joined": N_("Another file joined to this one"),
        },
    ),
}
WRITTEN: Final[Mapping[str, str]] = {
    "reason": N_("Why"),
    "why": N_("Why"),
    "offered": N_("What was offered instead"),
    "profile": N_("Delinquent profile"),
    "involvement": N_("Involvement in a criminal network"),
    "benefits": N_("Benefits"),
    "risks": N_("Risks to other participants"),
}
SAID: Final[Mapping[str, str]] = {
    "thinks": N_("Takes time to think"),
    "commits": N_("Commits"),
    "declines": N_("Declines"),
}
SIGNERS: Final[Mapping[str, str]] = {
    "self": N_("The person (from 14 on, alone)"),
    "parental_authority": N_("Who holds parental authority (under 14)"),
    "tutor": N_("The tutor"),
}
CONSENT_FOR: Final[Mapping[str, str]] = {
    "program": N_("The program"),
    "sharing": N_("Sharing with a partner"),
    "referral": N_("Referral to a partner"),
}
GROUNDS: Final[Mapping[str, str]] = {
    "ypa_38d": N_("Report to youth protection (Youth Protection Act, section 38(d))"),
    "ypa_39_1": N_("Report to youth protection (Youth Protection Act, section 39.1)"),
    "ypa_72_6": N_("Between bodies that protect the child (Youth Protection Act, section 72.6)"),
    "danger_to_life": N_("A life is in danger"),
    "court_order": N_("A court orders it"),
    "other_law": N_("Another law"),
}
WAYS: Final[Mapping[str, str]] = {"in_person": N_("In person"), "remote": N_("At a distance")}


def offered(words: Mapping[str, str | tuple[str, str]]) -> list[tuple[str, str]]:
    """What a form offers to choose of, in the reader's words; of a word with its mark, the word."""
    return [(key, gettext(word if isinstance(word, str) else word[0])) for key, word in words.items()]
