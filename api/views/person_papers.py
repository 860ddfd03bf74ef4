"""What a person is given of their own file, in whole sentences and their language: on the page and on paper alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlmodel import Session

from api.views import languages
from api.views.criteria import NAMES
from api.views.follow_ups import CASE_OUTCOMES, MEANS, WEEK_WORDS
from api.views.participant_words import (
    BECAME,
    CONSENT_FOR,
    DECIDED,
    DESTRUCTION_GROUNDS,
    FOUND,
    GROUNDS,
    OFFERED,
    OUTCOMES,
    RECRUITER,
    RISKS,
    SAID,
    TRIAGED,
    WAYS,
    WRITTEN,
)
from api.views.participant_words import STANDS as REFERRAL_STANDS
from api.views.rights_words import STATES as RIGHTS_STATES
from api.views.states import STATES
from domain.follow_ups import ACTIVITY_TYPES, COMMUNICATIONS, NEEDS, SATISFACTIONS, WHY_NONE
from domain.kernel import every, of, program
from domain.participants import GENDERS, ToldField, Who, areas, fields_of
from domain.rights import Held
from locales import N_, say, say_n, show_day
from meetings.documents.content import Both
from meetings.documents.person_paper import PaperFact, PaperPart, PaperPiece, PersonPaper
from models.program import Organization, Role
from models.right import RightsRequest

#: What a paper is called to the person who reads it.
_PAPERS: Final[Mapping[str, str]] = {
    "access": N_("What is held about you"),
    "portability": N_("What was collected from you"),
    "who_read": N_("Who saw your file"),
}
#: The parts of the paper, in their order, each with the kinds of pieces in it.
PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (N_("Who you are and how to reach you"), ("identity",)),
    (N_("How you came to the program"), ("referral", "triage", "finding", "admission", "named", "first_meeting")),
    (N_("What was assessed"), ("risk",)),
    (N_("What you agreed to"), ("consent", "sharing", "research")),
    (N_("What you asked about your own data"), ("asked", "barred")),
    (
        N_("Your follow-up"),
        (
            "follow_up",
            "assignment",
            "weekly_note",
            "discussion",
            "processes",
            "self_report",
            "break",
            "summary",
            "activity",
            "attempt",
            "no_show",
            "step",
        ),
    ),
    (
        N_("To whom something of you was given"),
        ("referrer_told", "referrer_sees", "letters", "workbook", "research_export", "research_file"),
    ),
    (N_("What was said to others without your consent"), ("disclosure",)),
    (N_("How long your file is kept"), ("kept_until", "destruction")),
)
_TITLES: Final[Mapping[str, str]] = {
    "identity": N_("Identity"),
    "referral": N_("Referral"),
    "triage": N_("Triage"),
    "finding": N_("Criterion"),
    "admission": N_("Decision"),
    "first_meeting": N_("First meeting"),
    "risk": N_("Risk assessment"),
    "consent": N_("Consent"),
    "sharing": N_("Consent to share with a partner"),
    "research": N_("Consent to research"),
    "research_export": N_("Given to research, without your name"),
    "research_file": N_("File of that research, taken out of the program"),
    "referrer_told": N_("Told to who referred you: who contacts you"),
    "referrer_sees": N_("What who referred you is shown: how far it is"),
    "letters": N_("Letters about you to people who work here, by your number and without your name"),
    "asked": N_("Your request"),
    "barred": N_("Someone whom you keep from your file"),
    "named": N_("Who was to meet you"),
    "workbook": N_("Workbook of your weekly notes, taken out of the program"),
    "follow_up": N_("Follow-up"),
    "assignment": N_("Who accompanies you"),
    "weekly_note": N_("Weekly note"),
    "discussion": N_("Before the Clinical Committee"),
    "processes": N_("What the work of a week was about"),
    "self_report": N_("Self-report questionnaire"),
    "break": N_("Break"),
    "summary": N_("Summary handed over"),
    "activity": N_("Activity"),
    "attempt": N_("Contact attempt"),
    "no_show": N_("Missed meeting"),
    "step": N_("Note with a step"),
    "disclosure": N_("Disclosure without consent"),
    "kept_until": N_("How long it is kept"),
    "destruction": N_("Destruction requested"),
}
_FIELDS: Final[Mapping[str, str]] = {
    **{one.name: one.label for declared in (Who, ToldField) for one in fields_of(declared)},
    **WRITTEN,
    **WEEK_WORDS,
    "number": N_("Number"),
    "languages": N_("Languages"),
    "area": N_("Area"),
    "admitted_on": N_("Admitted"),
    "kept_until": N_("Kept until"),
    "also": N_("Said otherwise elsewhere"),
    "age": N_("Age as it was said"),
    "gender": N_("Your gender, as you say it"),
    "address": N_("Where you live"),
    "contact_note": N_("How and when to reach you safely"),
    "first_contact": N_("How the first contact was to be made"),
    "way": N_("How"),
    "result": N_("Result"),
    "criterion": N_("Criterion"),
    "finding": N_("Finding"),
    "least": N_("Age, at least"),
    "most": N_("Age, at most"),
    "outcome": N_("Your answer"),
    "purpose": N_("For"),
    "organization": N_("Organization"),
    "role": N_("Role"),
    "signed_by": N_("Who signed it"),
    "until": N_("Until"),
    "withdrawn_on": N_("Withdrawn on"),
    "state": N_("State"),
    "since": N_("Since"),
    "part": N_("Part"),
    "met": N_("Meetings in person"),
    "minutes": N_("Minutes in person"),
    "reached": N_("Someone reached you"),
    "communications": N_("Other communications"),
    "why_none": N_("Why there was no meeting"),
    "need": N_("Need targeted"),
    "worker_satisfaction": N_("Your worker’s satisfaction"),
    "participant_satisfaction": N_("Your satisfaction, as your worker sees it"),
    "activity_type": N_("Type of activity"),
    "time": N_("Which one (1: at the beginning, 2: later)"),
    "study_fr": N_("Study"),
    "study_en": N_("Study"),
    "urgent": N_("Urgent"),
    "raised": N_("What your worker raised"),
    "note": N_("What was said of it"),
    "follows": N_("What follows from it"),
    "returns_on": N_("Returns on"),
    "means": N_("How"),
    "waited_minutes": N_("Minutes waited"),
    "ground": N_("Ground"),
    "change": N_("What was changed"),
    "day": N_("Day"),
    "fact": N_("Fact"),
    "words": N_("Text"),
    "situation": N_("Situation"),
    "steps": N_("Steps taken"),
    "to_whom": N_("To whom"),
    "what": N_("What"),
    "answer_reason": N_("Why it was answered so"),
    "answered_on": N_("Answered on"),
    "right": N_("What you asked"),
    "stands": N_("How far it is"),
    "times": N_("How many times"),
    "lifted_on": N_("Until"),
    "emptied": N_("No longer kept here; those who have it have to remove it"),
}
#: The same field says something else in these.
_FIELDS_OF: Final[Mapping[tuple[str, str], str]] = {
    ("discussion", "outcome"): N_("What was decided"),
    ("sharing", "organization"): N_("With whom"),
    ("letters", "organization"): N_("To whom"),
    ("discussion", "day"): N_("To be done by"),
    ("weekly_note", "reached"): N_("Someone reached you in another way"),
    ("self_report", "result"): N_("Risk at that time"),
    ("letters", "since"): N_("The first on"),
    ("letters", "times"): N_("How many letters"),
    ("referrer_sees", "offered"): N_("What was offered to you instead"),
    ("research_file", "role"): N_("Who took it"),
    ("workbook", "role"): N_("Who took it"),
    ("reading", "purpose"): N_("What for"),
    ("processes", "relationship"): N_("Relationship (building trust)"),
    ("processes", "focus"): N_("Focus (choosing what to work on)"),
    ("processes", "evocation"): N_("Evocation (your own reasons to change)"),
    ("processes", "planning"): N_("Planning (what to do, and when)"),
}
_OF_WORDS: Final[Mapping[str, str]] = {
    "page": N_("By a person of the program"),
    "link": N_("By an outside professional"),
    **WAYS,
    **SAID,
    **CONSENT_FOR,
    "self": N_("You"),
    "parental_authority": N_("Who holds parental authority over you"),
    "tutor": N_("Your tutor"),
    "primary": N_("Your main worker"),
    "second": N_("Your second worker"),
    **MEANS,
    **WHY_NONE,
    **RISKS,
    **RECRUITER,
    **OUTCOMES,
    **{key: words for key, (words, _) in FOUND.items()},
}
#: What was read, as the person is told.
_READ: Final[Mapping[str, str]] = {
    "identity": N_("your name and how to reach you"),
    "referral": N_("what the referral says"),
    "disclosure": N_("a disclosure without consent"),
    "findings": N_("the facts behind the criteria"),
    "reasons": N_("why it was decided so"),
    "looked_up": N_("your number, by your name and birth date"),
    "duplicates": N_("whether you were known already"),
    "risk": N_("the risk assessment"),
    "weekly_note": N_("a weekly note"),
    "task_words": N_("a note with a step"),
    "follow_up_summary": N_("a summary of your follow-up"),
    "break_terms": N_("what you said of a break"),
    "activity_place": N_("where an activity is"),
    "information": N_("your age, your entry and your risk, in short"),
    "raised_issue": N_("what a worker raised of you before the Clinical Committee"),
    "case_said": N_("what the Clinical Committee said of you"),
    "consent_form": N_("the form that you signed"),
    "workbook": N_("the workbook of your weekly notes"),
    "destruction": N_("why the file is to be destroyed, or not"),
    "document": N_("a document"),
    "letter": N_("a letter"),
    "package": N_("your file, to prepare an answer to you"),
    "rights_request": N_("what you asked about your own data"),
    "statement": N_("what you said of your file"),
}
_WHAT_FOR: Final[Mapping[str, str]] = {
    "own_part": N_("for their part in your follow-up"),
    "coordination": N_("to coordinate the program"),
    "management": N_("to manage their organization"),
    "administration": N_("for the administration of the program"),
    "protection": N_("to protect personal information"),
    "follow_up": N_("for the Clinical Committee"),
    "who_follows": N_("to find who could meet you"),
    "hand_over": N_("to hand over or take over your follow-up"),
    "urgent_help": N_("for urgent help"),
    "request_of_person": N_("because you asked"),
    "legal_duty": N_("for a legal duty"),
}
#: The same code says something else in these.
_OF_KIND: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("triage", "result"): TRIAGED,
    ("disclosure", "ground"): GROUNDS,
    ("destruction", "ground"): {**DESTRUCTION_GROUNDS, "person_asks": N_("You asked for it")},
    ("referrer_told", "way"): {"letter": N_("By letter"), "coordinator": N_("By the coordinator, in conversation")},
    ("referrer_sees", "stands"): {key: words for key, (words, _) in REFERRAL_STANDS.items()},
    ("referrer_sees", "offered"): OFFERED,
    ("asked", "right"): {
        **_PAPERS,
        "correction": N_("Correction"),
        "restriction": N_("That someone no longer sees your file"),
        "complaint": N_("A complaint about how your data are protected"),
    },
    ("asked", "state"): {
        **{key: words for key, (words, _) in RIGHTS_STATES.items()},
        "withdrawn": N_("You took it back"),
    },
    ("weekly_note", "why_none"): {**WHY_NONE, "withdrew": N_("you withdrew")},
    ("risk", "result"): {**RISKS, **RECRUITER},
    ("weekly_note", "communications"): COMMUNICATIONS,
    ("weekly_note", "need"): NEEDS,
    ("weekly_note", "worker_satisfaction"): SATISFACTIONS,
    ("weekly_note", "participant_satisfaction"): SATISFACTIONS,
    ("weekly_note", "activity_type"): ACTIVITY_TYPES,
    ("discussion", "outcome"): CASE_OUTCOMES,
    ("self_report", "result"): RISKS,
    ("identity", "gender"): GENDERS,
    ("finding", "criterion"): NAMES,
    ("follow_up", "state"): {key: words for key, (_, words) in STATES.items()},
    ("kept_until", "change"): {"day": N_("Another last day"), **DECIDED["kept_until"][1]},
    ("destruction", "state"): {key: words for key, (words, _) in BECAME.items()},
    ("consent", "purpose"): CONSENT_FOR,
    ("sharing", "purpose"): CONSENT_FOR,
    ("reading", "what"): _READ,
    ("reading", "purpose"): _WHAT_FOR,
}
_DAYS: Final = frozenset(
    {
        *("birth_date", "admitted_on", "kept_until", "until", "withdrawn_on", "since", "returns_on", "day"),
        *("lifted_on", "answered_on"),
    }
)
#: Titles that there are in both languages: one is read.
_OTHER_LANGUAGE: Final = ("study_fr", "study_en")
_NOTES: Final[tuple[str, ...]] = (
    N_(
        "This is what the program holds about you. What is about other people is masked. People who work here are "
        "named by their role and organization."
    ),
    N_("What people wrote stands as they wrote it, in their own language."),
    N_("Where a law forbids saying that something was reported, this paper says nothing of it, whether or not it was."),
    N_(
        "If something is wrong, you may ask for it to be corrected. You may complain to the Commission d’accès à "
        "l’information within 30 days of this answer."
    ),
)


def paper_of(session: Session, row: RightsRequest, pieces: Sequence[Held], *, known_as: str, on: date) -> PersonPaper:
    """The paper of a request, in the language that was asked."""
    told = _Told(session, row.language)
    here = program(session)
    parts = [
        PaperPart(told.say(title), tuple(told.piece(one) for one in pieces if one.kind in kinds))
        for title, kinds in PARTS
    ]
    read = tuple(told.reading(one) for one in pieces if one.kind == "reading")
    who = PaperPart(told.say(N_("Who read your file")), read, listed=True)
    return PersonPaper(
        program=Both(fr=here.title_fr, en=here.title_en),
        language=row.language,
        kind=row.kind,
        title=told.say(_PAPERS[row.kind]),
        number=row.number,
        known_as=known_as,
        on=on,
        notes=tuple(map(told.say, _NOTES)),
        parts=tuple(part for part in (*parts, who) if part.pieces),
    )


class _Told:
    """Says pieces in one language, with the names of organizations and roles."""

    def __init__(self, session: Session, language: str) -> None:
        self.language = language
        english = language == "en"
        self.places = {str(one.id): one.name_en if english else one.name_fr for one in every(session, of(Organization))}
        self.roles = {one.key: one.title_en if english else one.title_fr for one in every(session, of(Role))}
        #: What is named by the program's own things.
        self.named: Mapping[str, Mapping[str, str]] = {
            "organization": self.places,
            "role": self.roles,
            "area": {one.key: one.en if english else one.fr for one in areas(session)},
        }

    def say(self, msgid: str, **facts: object) -> str:
        return say(self.language, msgid, **facts)

    def piece(self, one: Held) -> PaperPiece:
        facts = tuple(
            PaperFact(self._label(one.kind, name), said, name, None if name in self.named else value)
            for name, value in one.said.items()
            if not _misleads(one, name) and (said := self._fact(one.kind, name, value))
        )
        words = tuple(PaperFact(self._label(one.kind, name), text, name) for name, text in one.words.items())
        return PaperPiece(self.say(_TITLES[one.kind]), one.on, facts, words, one.kind)

    def reading(self, one: Held) -> PaperPiece:
        """A reading in one sentence, with its parts beside for who reads the data."""
        told = {name: self._fact(one.kind, name, value) or "–" for name, value in one.said.items()}
        if one.said["what"] not in _READ:
            told["what"] = self.say(N_("something else"))
        said = self.say(N_("%(role)s, %(organization)s: %(what)s, %(purpose)s"), **told)
        said = say_n(self.language, "%(said)s, once", "%(said)s, %(n)s times", one.said["times"], said=said)
        facts = tuple(
            PaperFact(self._label(one.kind, name), words, name, None if name in self.named else one.said[name])
            for name, words in told.items()
        )
        return PaperPiece(said, one.on, facts, kind=one.kind)

    def _label(self, kind: str, name: str) -> str:
        if name.startswith("fact_"):
            criterion = name.removeprefix("fact_")
            named = self.say(NAMES[criterion]) if criterion in NAMES else criterion
            return self.say(N_("Fact behind: %(criterion)s"), criterion=named)
        if name.startswith("note_"):
            return self.say(N_("Note"))
        label = _FIELDS_OF.get((kind, name)) or _FIELDS.get(name)
        return self.say(label) if label else name

    def _fact(self, kind: str, name: str, value: Any) -> str:
        """One fact in words; "" where it says nothing."""
        if isinstance(value, bool):
            return self.say(N_("Yes") if value else N_("No"))
        if value in ("", None, [], {}) or (name in _OTHER_LANGUAGE and not name.endswith(self.language)):
            return ""
        return self._told(kind, name, value)

    def _told(self, kind: str, name: str, value: Any) -> str:
        if name in _DAYS:
            return show_day(self.language, date.fromisoformat(value))
        if name in self.named:
            return self.named[name].get(value, "")
        if name == "languages":
            return ", ".join(languages.names_of(value, self.language))
        words = _OF_KIND.get((kind, name), _OF_WORDS)
        return "; ".join(self._word(kind, words, one) for one in (value if isinstance(value, list) else [value]))

    def _word(self, kind: str, words: Mapping[str, str], said: Any) -> str:
        if isinstance(said, dict):
            return ", ".join(f"{self._label(kind, name)}: {self._fact(kind, name, one)}" for name, one in said.items())
        return self.say(words[said]) if said in words else str(said)


def _misleads(one: Held, name: str) -> bool:
    """Whether a field says nothing more and would be read wrongly, as "reached" where they met."""
    if name == "reached" and one.kind == "weekly_note":
        return bool(one.said.get("met"))
    return (one.kind, name, one.said[name]) in (("sharing", "purpose", "sharing"), ("discussion", "urgent", False))
