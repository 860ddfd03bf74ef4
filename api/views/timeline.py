"""The record in words: for every verb that the program writes, the sentence that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from api.access.session import RequestContext
from api.views import (
    timeline_follow_ups,
    timeline_meetings,
    timeline_obligations,
    timeline_participants,
    timeline_research,
    timeline_restored,
)
from api.views.names import places_by_id, titles_of_roles
from api.views.tasks import cases_about, names_of, who_acted
from api.views.timeline_things import called
from domain.kernel import ENGINE, LOADER, OPERATOR, OUTSIDE, ROUNDS, SIGN_IN, col, in_words, joins, only, surely, tuples
from locales import N_, gettext, show_day
from meetings.wording import when
from models.casework import Case, ProtocolVersion
from models.record import Event


@dataclass(frozen=True)
class TimelineLine:
    """One line of the record as people read it. `shape` is one of `ui.sphere`'s; `href` is where it happened, or ""."""

    n: int
    at: datetime
    who: str
    what: str
    shape: str
    href: str
    verb: str
    note: str = ""


#: Verb to sentence and shape. %(subject)s is the thing itself; the other facts are those of the event, in words.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "case.opened": (N_("Case opened: %(subject)s."), "half"),
    "case.closed": (N_("Case closed: %(subject)s."), "full"),
    "case.cancelled": (N_("Case cancelled: %(subject)s."), "stop"),
    "case.reopened": (N_("Case reopened: %(subject)s."), "half"),
    "case.day_moved": (N_("Day moved (%(anchor)s): from %(was)s to %(day)s."), "half"),
    "case.rescheduled": (N_("The calendar changed; due days moved in this case: %(days)s."), "half"),
    "case.version_taken": (N_("The case now follows version %(number)s of its protocol."), "half"),
    "gate.opened": (N_("Condition met: %(gate)s."), "full"),
    "gate.shut": (N_("Condition no longer met: %(gate)s."), "stop"),
    "task.opened": (N_("Can begin: %(subject)s."), "empty"),
    "task.done": (N_("Done: %(subject)s."), "full"),
    "task.submitted": (N_("Done, and submitted for approval: %(subject)s."), "ask"),
    "task.approved": (N_("Approved: %(subject)s."), "full"),
    "task.rejected": (N_("Sent back: %(subject)s."), "stop"),
    "task.undone": (N_("Taken back: %(subject)s."), "skip"),
    "task.waived": (N_("Waived: %(subject)s."), "skip"),
    "task.planned": (N_("Waits for what it depends on: %(subject)s."), "wait"),
    "task.asked_again": (N_("Asked again: %(subject)s."), "ask"),
    "task.called_off": (N_("Cancelled: %(subject)s."), "skip"),
    "task.handed_back": (N_("Handed back: %(subject)s."), "stop"),
    "task.returned": (N_("Reassigned to the role: %(subject)s."), "empty"),
    "task.postponed": (N_("Waits again: %(subject)s."), "wait"),
    "task.reminded": (N_("Reminder: %(subject)s."), "wait"),
    "act.done": (N_("Done automatically: %(subject)s."), "full"),
    "act.done_again": (N_("Done again automatically, after a day moved: %(subject)s."), "full"),
    "act.undone": (N_("Undone automatically: %(subject)s."), "skip"),
    "act.done_too_late": (N_("Done by the program after it was cancelled, and to be undone: %(subject)s."), "skip"),
    "act.trouble": (N_("The program cannot do this for now (%(code)s): %(subject)s."), "late"),
    "case.tried_again": (N_("The engine was asked to try again what held the case up (%(code)s)."), "half"),
    "evidence.added": (N_("Evidence added: %(subject)s."), "full"),
    "evidence.withdrawn": (N_("Evidence withdrawn: %(subject)s."), "skip"),
    "notice.written": (N_("Letter written to %(person)s: %(template)s."), "half"),
    "notice.no_address": (N_("No letter to %(subject)s, who has no address: %(template)s."), "late"),
    "notice.retried": (N_("Letter to %(person)s to be sent again."), "half"),
    "notice.sent": (N_("Letter sent to %(person)s."), "full"),
    "notice.failed": (N_("Letter to %(person)s could not be delivered."), "late"),
    "head.sent": (N_("The record’s seal number %(number)s went out by letter."), "full"),
    "person.added": (N_("New person: %(subject)s."), "full"),
    "person.updated": (N_("Details of %(subject)s changed: %(changed)s."), "half"),
    "person.hired": (N_("%(subject)s is hired: %(role)s at %(organization)s from %(starts_on)s."), "full"),
    "tenure.started": (N_("%(subject)s: %(role)s at %(organization)s from %(starts_on)s."), "full"),
    "tenure.moved": (N_("%(subject)s: %(role)s at %(organization)s from %(starts_on)s instead of %(was)s."), "half"),
    "tenure.taken_back": (
        N_("%(subject)s: %(role)s at %(organization)s from %(starts_on)s was cancelled before it began."),
        "stop",
    ),
    "tenure.ended": (N_("%(subject)s: no longer %(role)s at %(organization)s after %(ends_on)s."), "stop"),
    "absence.recorded": (
        N_("%(subject)s is away from %(starts_on)s to %(ends_on)s; the deputy is %(deputy)s."),
        "wait",
    ),
    "absence.cancelled": (N_("An absence of %(subject)s was cancelled."), "skip"),
    "absence.deputy_changed": (N_("Away, %(subject)s has another deputy: %(deputy)s."), "half"),
    "departure.opened": (N_("%(subject)s leaves %(organization)s; the last day is %(last_day)s."), "stop"),
    "departure.last_day_over": (N_("The last day of %(subject)s is over."), "stop"),
    "departure.role_taken": (
        N_("%(subject)s stays, but their role was given to someone else: the coordinator sees who holds it."),
        "ask",
    ),
    "departure.called_off": (N_("%(subject)s stays: the departure was cancelled."), "full"),
    "departure.taken_up_again": (N_("%(subject)s leaves after all: the departure is on again."), "stop"),
    "holdings.joined": (N_("Added to what is left to hand over: %(count)s."), "half"),
    "task.let_go": (N_("No longer asked, as it ended meanwhile: %(subject)s."), "skip"),
    "holding.settled": (N_("Settled: %(subject)s."), "full"),
    "holding.back": (N_("Back in their hands, and asked for again: %(subject)s."), "ask"),
    "hand_over.proposed": (N_("A follow-up was offered to %(person)s."), "ask"),
    "hand_over.accepted": (N_("%(person)s takes over a follow-up."), "full"),
    "hand_over.refused": (N_("A follow-up was refused by %(person)s."), "stop"),
    "hand_over.withdrawn": (N_("A follow-up is no longer offered to %(person)s."), "skip"),
    "hand_over.silent": (N_("%(person)s did not answer in time about taking over a follow-up."), "late"),
    "hand_overs.proposed": (N_("Follow-ups offered: %(offered)s; not offered: %(refused)s."), "ask"),
    "task.passed_on": (N_("Passed on to %(person)s: %(subject)s."), "half"),
    "tenure.goes_on": (N_("%(subject)s: still %(role)s at %(organization)s."), "full"),
    "seat.left": (N_("%(person)s leaves a seat: %(subject)s, after %(ends_on)s."), "stop"),
    "equipment.added": (N_("Added to the inventory: %(subject)s."), "full"),
    "equipment.corrected": (N_("Serial number or name corrected, from %(serial_before)s: %(subject)s."), "half"),
    "equipment.lent": (N_("Lent to %(person)s: %(subject)s."), "half"),
    "equipment.not_lent": (N_("Recorded by mistake as lent to %(person)s: %(subject)s."), "skip"),
    "equipment.missing": (N_("Reported missing: %(subject)s."), "late"),
    "equipment.returned": (N_("Returned: %(subject)s."), "full"),
    "equipment.given_up": (N_("Declared lost: %(subject)s."), "stop"),
    "equipment.found": (N_("Found again: %(subject)s."), "full"),
    "equipment.out_of_use": (N_("Taken out of use: %(subject)s."), "skip"),
    "equipment.put_back": (N_("Back in use: %(subject)s."), "full"),
    "account.closed": (N_("An account of %(subject)s was closed."), "stop"),
    "account.still_closed": (N_("An account of %(subject)s was checked again: it is closed."), "full"),
    "account.found_open": (N_("An account of %(subject)s was open again, and was closed again."), "stop"),
    "account.stays_open": (N_("The account of %(subject)s is open again, as they stay."), "full"),
    "interview.recorded": (N_("Marks of an interview recorded (applicant %(applicant)s): %(subject)s."), "half"),
    "invitation.sent": (N_("Invitation to sign in sent to %(subject)s."), "half"),
    "invitation.handed_over": (N_("Sign-in link to hand over created for %(subject)s."), "half"),
    "invitation.used": (N_("%(subject)s answered the invitation to sign in."), "full"),
    "enrolment.sent": (N_("Link for a passkey sent to %(subject)s."), "half"),
    "passkey.enrolled": (N_("%(subject)s has a new passkey."), "full"),
    "passkey.removed": (N_("A passkey of %(subject)s was removed."), "skip"),
    "sign_in.begun": (N_("%(subject)s signed in (%(means)s)."), "full"),
    "sign_in.refused": (N_("Someone came as %(subject)s and was not let in (%(means)s; %(reason)s)."), "late"),
    "session.ended": (N_("Sign-ins of %(subject)s ended: %(sign_ins)s (%(reason)s)."), "skip"),
    "access.refused": (N_("%(subject)s was refused: %(action)s."), "stop"),
    "access.refused_often": (
        N_("%(subject)s was refused more often than is listed; refusals left out of that minute: %(left_out)s."),
        "late",
    ),
    "identity.linked": (N_("%(subject)s now signs in with an organization’s account."), "full"),
    "access.ended": (N_("%(subject)s no longer has access."), "stop"),
    "seat.given": (N_("%(person)s has a seat: %(subject)s, from %(starts_on)s."), "full"),
    "seat.moved": (N_("%(person)s has a seat: %(subject)s, from %(starts_on)s instead of %(was)s."), "half"),
    "seat.withdrawn": (N_("%(person)s no longer has a seat: %(subject)s."), "skip"),
    "agreement.drafted": (N_("Agreement of %(subject)s: version %(number)s drafted."), "wait"),
    "agreement.redrafted": (N_("Agreement of %(subject)s: the draft of version %(number)s changed."), "wait"),
    "agreement.sent": (N_("Agreement of %(subject)s: version %(number)s sent to the directors."), "half"),
    "agreement.withdrawn": (N_("Agreement of %(subject)s: version %(number)s returned to draft."), "skip"),
    "agreement.signed": (N_("Agreement of %(subject)s: version %(number)s signed by %(director)s."), "half"),
    "agreement.signature_taken_back": (
        N_("Agreement of %(subject)s: signature of %(director)s (%(signed_on)s) taken back, version %(number)s."),
        "skip",
    ),
    "agreement.signed_by_all": (
        N_("Agreement of %(subject)s: all its directors have signed version %(number)s."),
        "half",
    ),
    "agreement.started": (N_("Agreement of %(subject)s: version %(number)s in force from %(starts_on)s."), "full"),
    "agreement.ended": (N_("Agreement of %(subject)s: last day of version %(number)s set to %(ends_on)s."), "stop"),
    "agreement.called_off": (
        N_("Agreement of %(subject)s: version %(number)s, which was to begin on %(was)s, does not begin."),
        "stop",
    ),
    "agreement.file_added": (N_("Agreement of %(subject)s: signed file of version %(number)s added."), "full"),
    "agreement.running_out": (
        N_("Agreement of %(subject)s: it ends on %(ends_on)s, and no other version is set to begin."),
        "late",
    ),
    "agreement.lapsed": (N_("Agreement of %(subject)s: no longer in force after %(ends_on)s."), "stop"),
    "agreement.added": (N_("New agreement: %(subject)s."), "full"),
    "agreement.changed": (N_("Agreement of %(subject)s changed."), "half"),
    "protocol.recorded": (N_("Protocol recorded: %(subject)s, version %(number)s."), "full"),
    "program.swept": (
        N_(
            "Removed, as no longer needed: sign-ins that are over: %(sign_ins)s; expired "
            "invitations: %(invitations)s; answered requests: %(requests)s."
        ),
        "skip",
    ),
    **timeline_restored.SENTENCES,
    "program.restored": (
        N_(
            "The database was restored from a copy (restore %(epoch)s). Missing: what was done from "
            "%(missing_from)s to %(missing_to)s at least."
        ),
        "stop",
    ),
    "program.ledger_accepted": (
        N_(
            "The list outside the database of what must not come back was lost, and those who run the installation "
            "went on without it (restore %(epoch)s)."
        ),
        "stop",
    ),
    "program.loaded": (N_("The program’s file was loaded; changes: %(changes)s."), "full"),
    "program.added": (N_("The program begins here."), "full"),
    "statement.released": (N_("Statement of the program released to funders: %(period)s."), "full"),
    "program.changed": (N_("The program’s own description changed."), "half"),
    "role.added": (N_("New role: %(subject)s."), "full"),
    "role.changed": (N_("Role changed: %(subject)s."), "half"),
    "role.ended": (N_("Role no longer used: %(subject)s."), "stop"),
    "organization.added": (N_("New organization: %(subject)s."), "full"),
    "organization.changed": (N_("Organization changed: %(subject)s."), "half"),
    "organization.ended": (N_("Organization no longer in the program: %(subject)s."), "stop"),
    "closure.added": (N_("Closed days added to the calendar."), "full"),
    "closure.changed": (N_("Closed days changed in the calendar."), "half"),
    "closure.ended": (N_("Closed days removed from the calendar."), "stop"),
    "committee.added": (N_("New committee: %(subject)s."), "full"),
    "committee.changed": (N_("Committee changed: %(subject)s."), "half"),
    "committee.ended": (N_("Committee ended: %(subject)s."), "stop"),
    "seat.added": (N_("New seat: %(subject)s."), "full"),
    "seat.changed": (N_("Seat changed: %(subject)s."), "half"),
    "seat.ended": (N_("Seat ended: %(subject)s."), "stop"),
    **timeline_meetings.SENTENCES,
    **timeline_participants.SENTENCES,
    **timeline_research.SENTENCES,
    **timeline_obligations.SENTENCES,
    **timeline_follow_ups.SENTENCES,
}

#: Verbs that tell what follows from others: they are kept, and shown to whoever wants all of it.
MINOR: Final = frozenset(
    {
        "task.opened",
        "task.postponed",
        "notice.written",
        "notice.sent",
        "notice.no_address",
        "evidence.added",
        "sign_in.begun",
        "session.ended",
        "program.swept",
        *timeline_meetings.MINOR,
        *timeline_participants.MINOR,
        *timeline_obligations.MINOR,
    }
)

#: A number that no line of the record reaches: whatever is before it is all of it.
NEWEST: Final = 2**62

#: Who acts where no person does.
SYSTEM: Final[Mapping[str, str]] = {
    ENGINE: N_("the program"),
    ROUNDS: N_("the daily rounds"),
    LOADER: N_("the program’s file"),
    "post": N_("the outgoing mail"),
    SIGN_IN: N_("the sign-in"),
    OPERATOR: N_("the command line"),
    OUTSIDE: N_("an outside professional"),
    "restore": N_("the restore"),
    **timeline_meetings.SYSTEM,
    **timeline_obligations.SYSTEM,
}

#: By which means someone signed in, or tried to.
MEANS: Final[Mapping[str, str]] = {
    "demonstration": N_("in the demonstration"),
    "entra": N_("organization’s account"),
    "passkey": N_("passkey"),
}

#: Why a sign-in ended or was refused.
REASONS: Final[Mapping[str, str]] = {
    "signed_out": N_("signed out"),
    "ended_elsewhere": N_("ended from the list of sign-ins"),
    "left": N_("no longer holds a role"),
    "door_closed": N_("the access was ended"),
    "no_role": N_("holds no role today"),
    "sign_count": N_("the passkey may have been copied"),
    "removed": N_("the passkey had been removed"),
    "not_proved": N_("the passkey’s answer was invalid"),
    "account_taken": N_("the account is linked to someone else"),
    "undecided": N_("after a restore, their access is still to be decided"),
    "unlinked": N_("the account was no longer linked"),
}

LETTERS: Final[Mapping[str, str]] = {
    "task_to_approve": N_("something waits for an approval"),
    "nobody_may_approve": N_("something that no one may approve"),
    "task_rejected": N_("something was sent back"),
    "passed_on": N_("something was handed over"),
    "appointment_taken_back": N_("an appointment was cancelled"),
    "offered": N_("a follow-up is offered"),
    "offer_refused": N_("a follow-up that was offered is refused"),
    "offer_taken_back": N_("a follow-up is no longer offered"),
    "task_handed_back": N_("something was handed back"),
    "task_given_again": N_("something is reassigned"),
    "case_opened": N_("a case was opened"),
    "case_cancelled": N_("a case was cancelled"),
    "gate_opened": N_("a condition is met"),
    "gate_shut": N_("a condition is no longer met"),
    "daily_digest": N_("the digest of the day"),
    "role_vacant": N_("a role is vacant"),
    "notice_given_up": N_("a letter could not be delivered"),
    "no_address": N_("someone has no address"),
    "invitation": N_("an invitation to sign in"),
    "enrolment": N_("a link for a passkey"),
    "passkey_added": N_("a passkey was added"),
    "account_linked": N_("an account was linked"),
    "address_changed": N_("an e-mail address was changed"),
    "access_ended": N_("access was ended by another person"),
    "deputy_lost": N_("a deputy of the privacy officer can no longer stand in"),
    "absence_recorded": N_("an absence was recorded by another person"),
    "record_head": N_("the last seal of the record"),
    "restored": N_("the program was restored from a copy"),
    "contact_lists": N_("the committees’ contact lists"),
    "export_made": N_("an export that can be downloaded"),
    "agreement_to_sign": N_("an agreement to sign"),
    "agreement_taken_back": N_("an agreement that is no longer to be signed"),
    "agreement_signature_recorded": N_("a signature on paper was recorded"),
    "agreement_signature_taken_back": N_("a signature that was recorded no longer counts"),
    "agreement_begun": N_("an agreement that is in force"),
    "agreement_to_end": N_("an agreement that is to end"),
    "agreement_not_to_begin": N_("an agreement that does not begin"),
    "agreement_running_out": N_("an agreement that ends soon"),
    "agreement_lapsed": N_("an agreement that is no longer in force"),
    "worker_named": N_("who makes contact after a referral"),
    "sent_at_once": N_("a candidate who cannot wait"),
    "consent_taken_back": N_("a consent was withdrawn"),
    "consent_narrowed": N_("a consent ends sooner"),
    "closed_by_consent": N_("a file is closed to someone, since a consent was withdrawn"),
    "hold_released": N_("a legal hold on a file was released"),
    **timeline_meetings.LETTERS,
}

FIELDS: Final[Mapping[str, str]] = {
    "given_name": N_("given name"),
    "family_name": N_("family name"),
    "email": N_("e-mail address"),
    "phone": N_("telephone"),
    "language": N_("language of letters"),
    "spoken": N_("languages spoken"),
    "calendar": N_("calendar that takes the invitations"),
}

_NONE = N_("none")
_NOBODY = N_("no one")


def told(context: RequestContext, events: Sequence[Event], *, with_notes: bool = True) -> list[TimelineLine]:
    """These rows of the record in the reader's language, in their order. The database is asked once for all.

    Without `with_notes` a proof is not named: so it is for a reader of the case who has no part in it
    (`Action.READ_NOTES`).
    """
    return _Telling(context, events, with_notes=with_notes).lines() if events else []


class _Telling:
    """What several sentences need, read at once."""

    def __init__(self, context: RequestContext, events: Sequence[Event], *, with_notes: bool) -> None:
        self.context = context
        self.events = events
        self.with_notes = with_notes
        self.roles = titles_of_roles(context)
        self.cases = cases_about(context, {event.case_id for event in events if event.case_id})
        self.names = names_of(context, self._people())
        self.organizations = {str(place): name for place, name in places_by_id(context).items()}
        self.subjects = self._read_subjects()
        self.protocols = self._read_declared()

    def lines(self) -> list[TimelineLine]:
        """The sentences, in the order of the events."""
        return [self._line(event) for event in self.events]

    def _line(self, event: Event) -> TimelineLine:
        sentence, shape = SENTENCES.get(event.verb, (_UNKNOWN, "empty"))
        # Looked up as a sentence asks for them: an older line may lack a fact that is written today.
        facts = _Facts({name: self._fact(event, name, value) for name, value in event.facts.items()})
        facts |= {"subject": self._subject(event), "verb": event.verb}
        return TimelineLine(
            n=surely(event.n),
            at=event.at,
            who=self._who(event),
            what=gettext(sentence) % facts,
            shape=shape,
            href=self._href(event),
            verb=event.verb,
        )

    def _who(self, event: Event) -> str:
        if event.actor_id is None:
            return gettext(SYSTEM.get(event.actor_as, event.actor_as))
        return who_acted(event, self.names, self.roles, self.context.language)

    def _subject(self, event: Event) -> str:
        kind = event.subject_kind
        if kind == "case":
            return self.cases[event.case_id].title if event.case_id in self.cases else ""
        if kind == "person":
            return self.names.get(event.subject_id, "")
        return self.subjects.get(event.subject_id, gettext(_NONE))

    def _fact(self, event: Event, name: str, value: Any) -> str:
        if name in _PEOPLE:
            return self.names.get(UUID(value), "") if value else gettext(_NOBODY)
        if value is None:
            return gettext(_NONE)
        words = self._words_for(event, name)
        if isinstance(value, list):
            return ", ".join(gettext(FIELDS[one]) if one in FIELDS else words.get(one, str(one)) for one in value)
        return self._time(name, value) or words.get(str(value)) or str(value)

    def _time(self, name: str, value: Any) -> str:
        """A day, an hour or a period as people say it; "" where the fact is none of these.

        By how it is written: what was `before` is an hour where a meeting moved, and a state or an answer elsewhere.
        What people typed is left as it stands, whatever it looks like.
        """
        if name in _TYPED:
            return ""
        if _DAY.fullmatch(str(value)):
            return show_day(self.context.language, date.fromisoformat(value))
        if _LOCAL_TIME.fullmatch(str(value)):
            return when(self.context.language, datetime.fromisoformat(value))
        return in_words(str(value), self.context.language) if name == "period" else ""

    def _words_for(self, event: Event, name: str) -> Mapping[str, str]:
        """The words of the codes that a fact may hold, by its name."""
        said: Mapping[str, str] = {}
        if event.subject_kind == "follow_up":
            said = timeline_follow_ups.WORDS.get(name, {})
        if name == "organization":
            return self.organizations
        if name == "role":
            return self.roles
        if name in ("gate", "anchor"):
            return self.protocols.get((event.case_id, name), {}) if event.case_id else {}
        said = said or _CODES.get(name, {})
        return {key: gettext(word) for key, word in said.items()}

    def _href(self, event: Event) -> str:
        if event.subject_kind in _PAGES:
            return f"/{_PAGES[event.subject_kind]}/{event.subject_id}"
        return f"/cases/{event.case_id}" if event.case_id else ""

    def _people(self) -> Iterable[UUID | None]:
        for event in self.events:
            yield from (event.actor_id, event.actor_for)
            if event.subject_kind == "person":
                yield event.subject_id
            yield from (UUID(event.facts[name]) for name in _PEOPLE if event.facts.get(name))

    def _read_subjects(self) -> dict[UUID, str]:
        """What each event is about, by id, one statement for each kind that is there."""
        by_kind: dict[str, set[UUID]] = {}
        for event in self.events:
            by_kind.setdefault(event.subject_kind, set()).add(event.subject_id)
        return called(self.context, by_kind, self.roles, with_notes=self.with_notes)

    def _read_declared(self) -> dict[tuple[UUID, str], dict[str, str]]:
        """The titles of the gates and days of the cases that an event names."""
        wanted = {event.case_id for event in self.events if event.case_id and event.facts.keys() & {"gate", "anchor"}}
        if not wanted:
            return {}
        language = self.context.language
        found: dict[tuple[UUID, str], dict[str, str]] = {}
        for case_id, declared in _declared_of(self.context, wanted):
            for fact, part in (("gate", "gates"), ("anchor", "anchors")):
                titles = declared.get(part, {})
                found[case_id, fact] = {key: one["title"][language] for key, one in titles.items()}
        return found


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return gettext(_NONE)


#: Facts that are codes, with the word for each.
_CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "template": LETTERS,
    "means": MEANS,
    "reason": REASONS,
    **timeline_obligations.WORDS,
    **timeline_restored.WORDS,
}
#: The pages of the things that have one of their own; the others are found on their case's.
_PAGES: Final[Mapping[str, str]] = {
    "person": "people",
    "task": "tasks",
    "equipment": "equipment",
    "meeting": "meetings",
    "obligation_period": "obligations",
    "follow_up": "follow-ups",
}
#: Facts that are people's ids.
_PEOPLE: Final = ("person", "deputy", "director", *timeline_follow_ups.PEOPLE)
#: The facts that people type as they like: a serial number may be written as a day is, and be none.
_TYPED: Final = frozenset({"serial", "label", "kind", "system"})
#: How a record writes a local day, and a local time.
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_LOCAL_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_UNKNOWN = N_("%(verb)s: %(subject)s.")


def _declared_of(context: RequestContext, cases: set[UUID]) -> Sequence[tuple[UUID, dict[str, Any]]]:
    return tuples(
        context.session,
        only(Case.id, ProtocolVersion.declared)
        .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
        .where(col(Case.id).in_(cases)),
    )
