"""The record in words, where it tells of meetings: the sentences, and how a meeting or an item is named in them.

An item is named by its number and a decision by its own, never by what people typed in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Date, cast, func

from api.views.timeline_readings import Reading, reading
from domain.kernel import col
from locales import N_, gettext
from models.agenda import AgendaItem
from models.committee import Committee
from models.invitation import CalendarFeed
from models.meeting import DraftedYear, Meeting, MeetingSeries
from models.minutes import Decision, Minutes
from models.program import Person

#: Verb to sentence and shape, as in `api.views.timeline`.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "season.planned": (N_("Season planned: %(subject)s, from %(first)s to %(last)s."), "full"),
    "season.hour_changed": (N_("Another hour from %(since)s on: %(subject)s."), "half"),
    "meeting.planned": (N_("Meeting planned: %(subject)s."), "full"),
    "meeting.moved": (N_("Meeting moved: %(subject)s (before: %(before)s)."), "half"),
    "meeting.cancelled": (N_("Meeting cancelled: %(subject)s."), "stop"),
    "meeting.place_changed": (N_("Place of the meeting changed: %(subject)s."), "half"),
    "meeting.told": (N_("%(person)s was told what changed: %(subject)s."), "half"),
    "meeting.answered": (N_("%(person)s answered: %(subject)s."), "half"),
    "meeting.opened": (N_("Meeting opened: %(subject)s."), "half"),
    "meeting.put_back": (N_("Meeting opened by mistake, and the opening undone: %(subject)s."), "skip"),
    "meeting.closed": (N_("Meeting closed: %(subject)s."), "full"),
    "guest.invited": (N_("%(person)s invited without a seat: %(subject)s."), "full"),
    "guest.withdrawn": (N_("%(person)s no longer invited: %(subject)s."), "skip"),
    "feed.made": (N_("Private calendar address made for %(subject)s."), "full"),
    "feed.ended": (N_("Private calendar address of %(subject)s ended."), "stop"),
    "reply.strayed": (N_("An e-mail received as an answer was set aside."), "late"),
    "reply.put_away": (N_("An e-mail that had been set aside was dismissed."), "skip"),
    "reply.taken": (N_("An e-mail that had been set aside was taken as the answer of %(person)s."), "full"),
    "reply.address_forgotten": (N_("The address of an e-mail that had been set aside was deleted."), "skip"),
    "dates.drafted": (N_("Dates drafted: %(subject)s."), "wait"),
    "dates.planned": (N_("Drafted dates planned: %(subject)s."), "full"),
    "dates.dismissed": (N_("Drafted dates dismissed: %(subject)s."), "skip"),
    "agenda.assembled": (N_("Agenda filled: %(subject)s."), "half"),
    "agenda.circulated": (N_("Draft agenda sent: %(subject)s."), "half"),
    "agenda.frozen": (N_("Agenda frozen: %(subject)s."), "full"),
    "agenda.reopened": (N_("Agenda reopened, since its meeting is on another day: %(subject)s."), "half"),
    "agenda.restated": (N_("Frozen agenda rewritten with the right day, hour and place: %(subject)s."), "half"),
    "agenda.returned": (N_("What was on the agenda waits for another meeting: %(subject)s."), "wait"),
    "agenda.carried_over": (N_("What was not reached is carried over: %(subject)s."), "wait"),
    "agenda.item_changed": (N_("An item of the agenda changed: %(subject)s."), "half"),
    "agenda_item.asked": (N_("An item was requested: %(subject)s."), "ask"),
    "agenda_item.asked_again": (N_("An item was requested again: %(subject)s."), "ask"),
    "agenda_item.drawn": (N_("An item was added by a rule: %(subject)s."), "empty"),
    "agenda_item.drawn_again": (N_("An item has one more reason: %(subject)s."), "empty"),
    "agenda_item.carried": (N_("An item was carried over: %(subject)s."), "wait"),
    "agenda_item.carried_again": (N_("An item was carried over again: %(subject)s."), "wait"),
    "agenda_item.referred": (N_("An item was referred to another committee: %(subject)s."), "half"),
    "agenda_item.referred_again": (N_("An item was referred again: %(subject)s."), "half"),
    "agenda_item.reason_withdrawn": (N_("A reason for an item no longer holds: %(subject)s."), "skip"),
    "agenda_item.withdrawn": (N_("An item was withdrawn: %(subject)s."), "skip"),
    "agenda_item.late_declined": (N_("A late item was not accepted: %(subject)s."), "stop"),
    "agenda_item.added_late": (N_("An item was added after the freeze: %(subject)s."), "half"),
    "agenda_item.edited": (N_("An item was changed: %(subject)s."), "half"),
    "agenda_item.moved": (N_("An item was moved on the agenda: %(subject)s."), "half"),
    "agenda_item.put_on": (N_("An item was put on an agenda: %(subject)s."), "half"),
    "agenda_item.taken_off": (N_("An item was taken off an agenda: %(subject)s."), "skip"),
    "agenda_item.treated": (N_("An item was settled: %(subject)s."), "full"),
    "agenda_item.taken_up": (N_("The meeting came to an item: %(subject)s."), "half"),
    "agenda_item.noted": (N_("What was said on an item was noted: %(subject)s."), "half"),
    "attendance.recorded": (N_("Attendance recorded: %(subject)s."), "full"),
    "attendance.corrected": (N_("Attendance corrected: %(subject)s."), "half"),
    "decision.made": (N_("Decided: %(subject)s."), "full"),
    "decision.translated": (N_("A decision was written in the other language too: %(subject)s."), "half"),
    "decision.withdrawn": (N_("Decision revoked: %(subject)s."), "skip"),
    "decision.stands_again": (N_("Decision in effect again, since its revocation no longer is: %(subject)s."), "full"),
    "decision.endorsed": (N_("Decision endorsed by a partner: %(subject)s."), "full"),
    "decision.objected": (N_("A partner objected to a decision: %(subject)s."), "stop"),
    "decision.word_taken_back": (N_("A partner withdrew its answer on a decision: %(subject)s."), "skip"),
    "decision.endorsement_wanted": (N_("A partner asked that a decision be endorsed: %(subject)s."), "ask"),
    "decision.asked_again": (N_("Partners asked again whether they endorse a decision: %(subject)s."), "ask"),
    "decision.counts": (N_("A decision takes effect, by the partners’ answers: %(subject)s."), "full"),
    "decision.suspended": (N_("A decision is no longer in effect, by a partner’s answer: %(subject)s."), "stop"),
    "objection.settled": (N_("The committee settled an objection to a decision: %(subject)s."), "half"),
    "minutes.drafted": (N_("Minutes drafted: %(subject)s."), "half"),
    "minutes.refreshed": (N_("Minutes drafted again: %(subject)s."), "half"),
    "minutes.edited": (N_("Minutes changed: %(subject)s."), "half"),
    "minutes.circulated": (N_("Minutes sent: %(subject)s."), "half"),
    "minutes.amended": (N_("Minutes reopened for changes: %(subject)s."), "skip"),
    "minutes.approved": (N_("Minutes approved: %(subject)s."), "full"),
    "minutes.redacted": (N_("Words redacted in minutes: %(subject)s."), "skip"),
    "redaction.asked": (N_("Redaction of words requested."), "ask"),
    "redaction.done": (N_("Words redacted everywhere."), "full"),
    "redaction.declined": (N_("Redaction refused: the words stay."), "stop"),
    "redaction.taken_back": (N_("Redaction request withdrawn."), "skip"),
    "notice.redacted": (N_("Words redacted in a letter."), "skip"),
    "name.answered": (N_("Confirmed: words like a name name no participant."), "half"),
}

#: What follows from others (`api.views.timeline.MINOR`).
MINOR: Final = frozenset(
    {
        *("meeting.told", "agenda.assembled", "agenda.restated", "agenda.returned", "agenda.carried_over"),
        *("agenda_item.drawn", "agenda_item.drawn_again", "agenda_item.reason_withdrawn"),
        *("agenda_item.carried", "agenda_item.carried_again", "minutes.refreshed"),
    }
)

#: The parts of the program that see to meetings.
SYSTEM: Final[Mapping[str, str]] = {
    "invitations": N_("the invitations"),
    "agendas": N_("the agendas"),
    "mail": N_("a calendar’s mail"),
    "endorsement": N_("the partners’ answers on decisions"),
}

LETTERS: Final[Mapping[str, str]] = {
    "meeting_invitation": N_("an invitation to a meeting"),
    "meeting_changed": N_("a meeting changed"),
    "meeting_cancelled": N_("a meeting is cancelled"),
    "meeting_lost": N_("a meeting is no longer held, which a restore had lost"),
    "meeting_hour": N_("a meeting goes on at another hour"),
    "meeting_several": N_("several meetings changed"),
    "meeting_no_longer": N_("someone is no longer expected at a meeting"),
    "meeting_agenda": N_("the agenda of a meeting"),
    "meeting_papers": N_("documents of a meeting that are no longer valid"),
    "meeting_agenda_stuck": N_("an agenda that cannot be sent"),
    "meeting_agenda_held": N_("words of members to check"),
    "meeting_minutes": N_("the minutes of a meeting"),
    "reading_pattern": N_("unusual readings"),
    "dates_drafted": N_("dates drafted for a committee"),
    "decision_objected": N_("a partner objects to a decision"),
    "objection_settled": N_("an objection to a decision is settled"),
}

#: What an item is about, by its kind, where no agenda has given it a number yet. A program may declare other kinds.
KINDS_OF_ITEM: Final[Mapping[str, str]] = {
    "admission": N_("an admission"),
    "agreement": N_("an agreement"),
    "agreement_year": N_("a year of an agreement"),
    "decision": N_("a decision to carry out"),
    "follow_up_summary": N_("the summary of a follow-up"),
    "forwarded": N_("a referral sent directly to a worker"),
    "handover": N_("the hand-over of a follow-up"),
    "lost_contact": N_("a lost contact"),
    "minutes": N_("minutes to approve"),
    "objection": N_("an objection"),
    "obligation": N_("obligations"),
    "onboarding": N_("an onboarding"),
    "recruiter": N_("a risk to others"),
    "report": N_("a report"),
    "request": N_("a request"),
    "silence": N_("partners that have not answered"),
    "standing": N_("an item of every agenda"),
    "turn": N_("follow-ups in turn"),
    "vacancy": N_("a vacancy"),
    "waiver": N_("a waiver"),
}


def item_in_words(part: str) -> str:
    """A part of an item's name: its number on an agenda, the word for its kind, or the committee's title as it is."""
    if part[:1].isdigit():
        return gettext("item %(number)s") % {"number": part}
    return gettext(KINDS_OF_ITEM.get(part, part))


_DAY: Final = cast(col(Meeting.starts), Date).label("day")
_NAME: Final = (col(Person.given_name) + " " + col(Person.family_name)).label("name")
_NUMBER: Final = func.coalesce(col(AgendaItem.number), col(AgendaItem.kind)).label("number")

#: How the words for each kind of thing are read, as in `api.views.timeline`.
READINGS: Final[Mapping[str, Reading]] = {
    "meeting": reading(Meeting, Committee, _DAY, by=[(Meeting.committee_id, Committee)]),
    "meeting_series": reading(MeetingSeries, Committee, by=[(MeetingSeries.committee_id, Committee)]),
    "drafted_year": reading(DraftedYear, Committee, DraftedYear.year, by=[(DraftedYear.committee_id, Committee)]),
    "agenda_item": reading(AgendaItem, Committee, _NUMBER, by=[(AgendaItem.committee_id, Committee)]),
    "decision": reading(Decision, Committee, Decision.number, by=[(Decision.committee_id, Committee)]),
    "minutes": reading(Minutes, Committee, _DAY, by=[(Minutes.meeting_id, Meeting), (Meeting.committee_id, Committee)]),
    "calendar_feed": reading(CalendarFeed, _NAME, by=[(CalendarFeed.person_id, Person)]),
}
