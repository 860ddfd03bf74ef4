"""May this person: one table of actions and relations, asked at every window.

A relation is what the asker is to the thing: the one who owes the task, the manager of its organization, the
coordinator. The table says which relations allow which action; whether it may happen *now* (own request, closed
case) is inside the verb. Lists use the same relations as conditions in SQL, so that what a list shows and
what a page opens are one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, TypeVar
from uuid import UUID

from api.access import questions
from api.access.relations import Relation as Relation  # noqa: PLC0414 - asked for with the actions
from domain.kernel import OPERATOR, Actor
from domain.roles import SEE_CASES_OF_THEIRS, SEES_EVERY_CASE, DayTenures, Holder, Link, answers_for_privacy


class Action(StrEnum):
    """Everything that a window can be asked for. Each route names one."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    LOOK = "look"  # static files, health, the choice of language
    SEE_MY_WORK = "see_my_work"
    LOOK_AT_WORDS = "look_at_words"  # one's own, while one types: whether they have the shape of a name
    SEE_CASES = "see_cases"
    SEE_CASE = "see_case"
    OPEN_CASE = "open_case"
    CLOSE_CASE = "close_case"
    CANCEL_CASE = "cancel_case"
    REOPEN_CASE = "reopen_case"
    MOVE_DAY = "move_day"
    TAKE_VERSION = "take_version"
    SEE_DEPARTURES = "see_departures"  # those that one may see: it is where they are opened too
    OPEN_DEPARTURE = "open_departure"
    SETTLE_HOLDING = "settle_holding"  # who takes over what somebody leaves, or how it ends
    OFFER_FOLLOW_UPS = "offer_follow_ups"  # all of somebody who leaves at once
    ANSWER_HAND_OVER = "answer_hand_over"  # of a follow-up that was offered to oneself
    SEE_EQUIPMENT = "see_equipment"  # the inventory: what there is, and who has it
    KEEP_EQUIPMENT = "keep_equipment"  # add, correct, lend, take back, lose, find; never what one has in hand oneself
    RECORD_INTERVIEW = "record_interview"
    HIRE = "hire"  # name whom a recruiting found: they are appointed, and their onboarding opens
    SEE_TASK = "see_task"
    READ_NOTES = "read_notes"  # what people wrote in a case: notes, reasons, what was given as proof
    COMPLETE_TASK = "complete_task"
    UNDO_TASK = "undo_task"
    APPROVE_TASK = "approve_task"
    REJECT_TASK = "reject_task"
    HAND_BACK_TASK = "hand_back_task"
    RETURN_TASK = "return_task"
    WAIVE_TASK = "waive_task"
    READ_EVIDENCE = "read_evidence"
    SEE_PEOPLE = "see_people"
    SEE_CONTACT = "see_contact"  # a person's address and telephone
    ADD_PERSON = "add_person"
    UPDATE_PERSON = "update_person"
    APPOINT = "appoint"
    END_TENURE = "end_tenure"
    RECORD_ABSENCE = "record_absence"
    CANCEL_ABSENCE = "cancel_absence"
    SEE_PROGRAM = "see_program"
    SEE_PROTOCOL = "see_protocol"
    SEE_BOARD = "see_board"
    SEE_POST = "see_post"  # to whom letters went, and what became of each
    READ_LETTER = "read_letter"
    RESEND_POST = "resend_post"
    SEE_ENGINE = "see_engine"  # its workers, rounds, stuck cases and letters: ids, codes, counts and moments
    TEND_ENGINE = "tend_engine"  # have it try a case again that is held up
    SEE_ACTIVITY = "see_activity"
    SEE_ACCESS = "see_access"  # who can sign in, and by what
    INVITE = "invite"
    END_ACCESS = "end_access"
    SEE_MY_ACCESS = "see_my_access"
    END_SIGN_IN = "end_sign_in"  # one of one's own
    ENROL_PASSKEY = "enrol_passkey"
    REMOVE_PASSKEY = "remove_passkey"
    SEE_CALENDAR = "see_calendar"  # when committees meet, and who sits on them
    SEE_MEETING = "see_meeting"  # its agenda, who comes, what was decided
    PLAN_MEETINGS = "plan_meetings"  # dates, places, guests
    KEEP_SEATS = "keep_seats"  # who sits on a committee for an organization, and who is the alternate
    KEEP_AGENDA = "keep_agenda"
    ASK_FOR_ITEM = "ask_for_item"
    WITHDRAW_ITEM = "withdraw_item"  # that was asked for
    RUN_MEETING = "run_meeting"  # attendance, decisions and minutes
    SIT_IN = "sit_in"  # a meeting, on one's own device: what is spoken of, as it is spoken of
    SEE_DECISIONS = "see_decisions"  # the register: of one's committees, and what one's organization is asked of
    SEE_DECISION = "see_decision"
    ANSWER_INVITATION = "answer_invitation"
    KEEP_STRAYS = "keep_strays"  # the mails that came as answers and were not taken
    ANSWER_BY_LINK = "answer_by_link"  # whoever holds the link that a letter brought
    READ_FEED = "read_feed"  # whoever holds the private address of a calendar
    KEEP_FEED = "keep_feed"
    END_FEED = "end_feed"  # one of one's own
    ENDORSE = "endorse"  # a decision on management, for one's organization (GV-4); or object, or take it back
    WANT_ENDORSEMENT = "want_endorsement"  # of a decision that was recorded as another kind
    SETTLE_OBJECTION = "settle_objection"  # record how the committee that sits settles it
    SEE_PARTNERS = "see_partners"  # how partners stand by what they owe: all of them, or one's own
    SEE_PARTNER = "see_partner"
    READ_STATEMENT = "read_statement"  # a partner's year, as its director signs it
    SEE_COUNTS = "see_counts"  # the program's statement for those who fund it, before it leaves and after
    RELEASE_COUNTS = "release_counts"
    SEE_OBLIGATION = "see_obligation"
    ATTEST = "attest"  # state in writing what a clause asks for
    GIVE_PROOF = "give_proof"  # the documents that clauses ask for
    READ_PROOF = "read_proof"  # these documents, and what people wrote with an attestation
    ACCEPT_PROOF = "accept_proof"  # or return it with words
    WAIVE_CLAUSE = "waive_clause"  # propose it, record what the committee decides of it, and record it
    SEE_CASELOAD = "see_caseload"  # one's own follow-ups; everyone's, by worker, for the coordinator
    SEE_FOLLOW_UP = "see_follow_up"  # by its number: its states, its workers, how often they met
    READ_FOLLOW_UP = "read_follow_up"  # what people wrote of it in their own words
    READ_SAID = "read_said"  # of a follow-up, by the Clinical Committee in a meeting
    READ_SUMMARY = "read_summary"  # of a follow-up that was handed over, once it is complete (DP-06)
    WRITE_SUMMARY = "write_summary"  # while the step that asks for it is open, with what was written of it so far
    TAKE_SUMMARY_BACK = "take_summary_back"  # that it is complete, so that it can be corrected
    TAKE_UP_AGAIN = "take_up_again"  # a follow-up that ended, by who accompanied the participant until then
    KEEP_FOLLOW_UP = "keep_follow_up"  # its notes, contacts, breaks, and how it ends and begins again
    RAISE_ISSUE = "raise_issue"  # of a follow-up, before the Clinical Committee; and read what one raised
    EXPORT_NOTES = "export_notes"  # as a workbook, of the follow-ups that one may read
    IMPORT_NOTES = "import_notes"  # of a workbook, for the follow-ups that one keeps
    ASSIGN_FOLLOW_UP = "assign_follow_up"  # to a worker
    KEEP_AGREEMENTS = "keep_agreements"  # draft, send, take back, record a signature, start and end
    SIGN_AGREEMENT = "sign_agreement"  # as a director, oneself
    ADD_SIGNED_FILE = "add_signed_file"
    READ_SIGNED_FILE = "read_signed_file"
    SEE_PRIVACY = "see_privacy"  # who read what, and who was turned away
    LOOK_FOR_NAMES = "look_for_names"  # what of a meeting's words names somebody on file
    ASK_REDACTION = "ask_redaction"  # that words are taken out of what is kept of a meeting
    SEE_REDACTIONS = "see_redactions"
    CONFIRM_REDACTION = "confirm_redaction"  # never one's own: of a meeting, of an incident, each by the other side
    SEE_RESTORED = "see_restored"  # what a restore left to decide, and its report
    DECIDE_RESTORED = "decide_restored"  # each its own side, and nobody on themselves: `api.access.restored`
    SEE_RIGHTS = "see_rights"  # what people ask about their own data, and by when it is answered
    KEEP_RIGHTS = "keep_rights"
    FIND_FILE = "find_file"  # the number of who lost it, by their whole name and birth date
    READ_CORRECTION = "read_correction"  # the person's words on what is to be corrected, for who has to correct it
    PREPARE_PACKAGE = "prepare_package"  # look at what a person is given of their file, make it and open it
    SEE_INCIDENTS = "see_incidents"  # the register of confidentiality incidents, and the files made of it
    KEEP_INCIDENTS = "keep_incidents"
    REFER = "refer"  # somebody to the program
    KEEP_DRAFT = "keep_draft"  # of a referral, which is one's own: to go on with it, send it or throw it away
    REFER_BY_LINK = "refer_by_link"
    TRIAGE = "triage"  # the referrals that came, the criteria, and the links for outside professionals
    SEE_PARTICIPANT = "see_participant"  # a candidate or participant by reference or number, and nothing nominative
    READ_IDENTITY = "read_identity"  # who they are, one deliberate act away
    READ_FACTS = "read_facts"  # what was referred and found (AD-R2), without who they are
    SEE_ADMISSION = "see_admission"  # what was referred, found and decided
    SEE_RISK = "see_risk"
    SEE_CONSENTS = "see_consents"  # to what they consented, and until when
    KEEP_ADMISSION = "keep_admission"  # the first meeting, the consent, the risk, whom they bar
    READ_SIGNED_FORM = "read_signed_form"  # the signature or the scan of a consent form: by who stores it
    KEEP_DISCLOSURES = "keep_disclosures"  # what was said without consent: recorded, and read by who keeps the file
    KEEP_RETENTION = "keep_retention"  # until when a file is kept, the legal hold, and asking for its destruction
    SEE_DESTRUCTIONS = "see_destructions"  # those that are asked and wait for an answer
    SEE_DESTRUCTION = "see_destruction"  # what is to be destroyed and why, by number
    CONFIRM_DESTRUCTION = "confirm_destruction"  # or refuse it: never what one asked for
    KEEP_RESEARCH_CONSENTS = "keep_research_consents"  # apart from the program's, by number
    SEE_STUDIES = "see_studies"  # of the research: what each asks for, who receives it, and its exports
    KEEP_STUDIES = "keep_studies"  # open one, name who receives it, ask for an export, end it
    ANSWER_EXPORT = "answer_export"  # of a study: approve or refuse it, never what one asked for or receives
    DOWNLOAD_EXPORT = "download_export"
    CONFIRM_REMOVAL = "confirm_removal"  # of rows that left: who held them, or the research coordinator for them
    SEE_MEASURES = "see_measures"  # of how the program is carried out, which tell of nobody
    SEE_CONSENT_FORM = "see_consent_form"  # its text, which names nobody
    PLAN_ACTIVITIES = "plan_activities"  # with participants whom the asker follows
    CALL_OFF_ACTIVITY = "call_off_activity"  # in which one whose follow-up the asker keeps takes part
    DECIDE_ADMISSION = "decide_admission"  # what the committee decided, direct forwarding, and the number
    ADD_ADMINISTRATOR = "add_administrator"
    ADD_COORDINATOR = "add_coordinator"  # the first one, who adds everyone else
    RUN_INSTALLATION = "run_installation"  # start it, and bring its database to head
    LOAD_PROGRAM = "load_program"
    EXPORT_PROGRAM = "export_program"
    PLAN_PROTOCOL = "plan_protocol"
    VERIFY_RECORD = "verify_record"
    KEEP_SEAL_KEYS = "keep_seal_keys"
    KEEP_LEDGER = "keep_ledger"  # of what must not come back with a restore: check it, or accept another
    RECEIVE_MAIL = "receive_mail"  # what a mail server pipes in


_CLOSEST: Final = tuple(Relation)

#: What a role is to a case, and to whatever else is the program's or an organization's.
_OF_ROLE: Final = {
    "coordinator": Relation.COORDINATOR,
    "manager": Relation.MANAGER_HERE,
    "director": Relation.DIRECTOR_HERE,
}

TABLE: Mapping[Action, frozenset[Relation]] = {
    Action.SIGN_IN: frozenset({Relation.ANYONE}),
    Action.SIGN_OUT: frozenset({Relation.ANYONE}),
    Action.LOOK: frozenset({Relation.ANYONE}),
    Action.SEE_MY_WORK: frozenset({Relation.STAFF}),
    Action.LOOK_AT_WORDS: frozenset({Relation.STAFF}),
    Action.SEE_CASES: frozenset({Relation.STAFF}),
    # Who sees one by their role stands in domain.roles.sight: letters ask it too.
    Action.SEE_CASE: frozenset(
        {
            *(_OF_ROLE[role] for role in (SEES_EVERY_CASE, *SEE_CASES_OF_THEIRS)),
            Relation.SUBJECT,
            Relation.TAKES_PART,
            Relation.TOOK_PART,
        }
    ),
    Action.OPEN_CASE: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.CLOSE_CASE: frozenset({Relation.COORDINATOR}),
    Action.CANCEL_CASE: frozenset({Relation.DECLARED}),
    Action.REOPEN_CASE: frozenset({Relation.DECLARED}),
    Action.MOVE_DAY: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.TAKE_VERSION: frozenset({Relation.COORDINATOR}),
    Action.SEE_DEPARTURES: frozenset({Relation.STAFF}),
    Action.OPEN_DEPARTURE: frozenset({Relation.SELF, Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.SETTLE_HOLDING: frozenset({Relation.OWES, Relation.COORDINATOR}),
    Action.OFFER_FOLLOW_UPS: frozenset({Relation.OWES, Relation.COORDINATOR}),
    Action.ANSWER_HAND_OVER: frozenset({Relation.SELF}),
    # Who prepares it and hands it over (ON-P05, ON-D03), and takes it back (DP-07).
    Action.SEE_EQUIPMENT: frozenset({Relation.COORDINATOR, Relation.OFFICE}),
    Action.KEEP_EQUIPMENT: frozenset({Relation.COORDINATOR, Relation.OFFICE}),
    # Two interview: where an organization has one manager and nobody coordinates, its director is the other one.
    Action.RECORD_INTERVIEW: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.DIRECTOR_HERE}),
    # As an appointment: the step alone gives nobody the right to take somebody on.
    Action.HIRE: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    # A task of a case is seen by whoever sees the case; one of no case, by whom it concerns.
    Action.SEE_TASK: frozenset({Relation.OWES, Relation.APPROVES, Relation.DID, Relation.COORDINATOR}),
    # A director answers for how far a case is, and needs nothing that people wrote in it.
    Action.READ_NOTES: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.SUBJECT, Relation.TAKES_PART}),
    Action.COMPLETE_TASK: frozenset({Relation.OWES, Relation.COORDINATOR}),
    Action.UNDO_TASK: frozenset({Relation.DID, Relation.COORDINATOR}),
    Action.APPROVE_TASK: frozenset({Relation.APPROVES}),
    Action.REJECT_TASK: frozenset({Relation.APPROVES}),
    Action.HAND_BACK_TASK: frozenset({Relation.OWES}),
    Action.RETURN_TASK: frozenset({Relation.COORDINATOR}),
    Action.WAIVE_TASK: frozenset({Relation.MAY_WAIVE}),
    Action.READ_EVIDENCE: frozenset(
        {Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.SUBJECT, Relation.TAKES_PART}
    ),
    Action.SEE_PEOPLE: frozenset({Relation.STAFF}),
    # Who writes to them or for them, and who must reach them: their manager, and those with whom they sit. Their own
    # organization has a directory of its own.
    Action.SEE_CONTACT: frozenset(
        {Relation.SELF, Relation.COORDINATOR, Relation.OFFICE, Relation.MANAGER_HERE, Relation.SITS_WITH}
    ),
    Action.ADD_PERSON: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.UPDATE_PERSON: frozenset({Relation.SELF, Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.APPOINT: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.END_TENURE: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.RECORD_ABSENCE: frozenset({Relation.SELF, Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.CANCEL_ABSENCE: frozenset({Relation.SELF, Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.SEE_PROGRAM: frozenset({Relation.STAFF}),
    Action.SEE_PROTOCOL: frozenset({Relation.STAFF}),
    Action.SEE_BOARD: frozenset({Relation.COORDINATOR, Relation.OFFICE}),
    Action.SEE_POST: frozenset({Relation.COORDINATOR, Relation.OFFICE, Relation.ADMINISTRATOR, Relation.TRIES_OUT}),
    Action.READ_LETTER: frozenset({Relation.COORDINATOR, Relation.OFFICE, Relation.TRIES_OUT}),
    Action.RESEND_POST: frozenset({Relation.COORDINATOR, Relation.OFFICE}),
    # Who runs the installation, and nobody by coordinating a program: `api.access.engine`.
    Action.SEE_ENGINE: frozenset({Relation.ADMINISTRATOR}),
    Action.TEND_ENGINE: frozenset({Relation.ADMINISTRATOR}),
    Action.SEE_ACTIVITY: frozenset({Relation.COORDINATOR}),
    Action.SEE_ACCESS: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.ADMINISTRATOR}),
    Action.INVITE: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.ADMINISTRATOR}),
    # A lost telephone does not wait until there is a coordinator again: whoever lets anybody in also shuts them out.
    Action.END_ACCESS: frozenset({Relation.COORDINATOR, Relation.ADMINISTRATOR}),
    Action.SEE_MY_ACCESS: frozenset({Relation.STAFF}),
    Action.END_SIGN_IN: frozenset({Relation.SELF}),
    Action.ENROL_PASSKEY: frozenset({Relation.STAFF}),
    Action.REMOVE_PASSKEY: frozenset({Relation.SELF}),
    Action.SEE_CALENDAR: frozenset({Relation.STAFF}),
    Action.SEE_MEETING: frozenset({Relation.COORDINATOR, Relation.SITS, Relation.INVITED}),
    # The coordinator is the committees' secretary (GV-5).
    Action.PLAN_MEETINGS: frozenset({Relation.COORDINATOR}),
    # CM-2R: an organization names its own; its manager, as they give its roles.
    Action.KEEP_SEATS: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE}),
    Action.KEEP_AGENDA: frozenset({Relation.COORDINATOR}),
    Action.ASK_FOR_ITEM: frozenset({Relation.COORDINATOR, Relation.SITS}),
    Action.WITHDRAW_ITEM: frozenset({Relation.SELF, Relation.COORDINATOR}),
    Action.RUN_MEETING: frozenset({Relation.COORDINATOR}),
    # Whoever left the meeting, or was never seated, is out of it.
    Action.SIT_IN: frozenset({Relation.COORDINATOR, Relation.SITS_NOW}),
    Action.SEE_DECISIONS: frozenset({Relation.STAFF}),
    # Who sits on the committee, who does what was decided, and who speaks for an organization that is asked to endorse.
    Action.SEE_DECISION: frozenset(
        {
            *(Relation.COORDINATOR, Relation.SITS, Relation.DIRECTOR_HERE, Relation.MANAGER_HERE),
            *(Relation.SECOND_HERE, Relation.OWES, Relation.DID),
        }
    ),
    Action.ANSWER_INVITATION: frozenset({Relation.INVITED}),
    Action.KEEP_STRAYS: frozenset({Relation.COORDINATOR}),
    Action.ANSWER_BY_LINK: frozenset({Relation.ANYONE}),
    Action.READ_FEED: frozenset({Relation.ANYONE}),
    Action.KEEP_FEED: frozenset({Relation.STAFF}),
    Action.END_FEED: frozenset({Relation.SELF}),
    # Never the coordinator, whose work it is (GV-4). The second representative where nobody else is there: in the verb.
    Action.ENDORSE: frozenset({Relation.DIRECTOR_HERE, Relation.MANAGER_HERE, Relation.SECOND_HERE}),
    Action.WANT_ENDORSEMENT: frozenset({Relation.DIRECTOR_HERE, Relation.MANAGER_HERE}),
    # As secretary of the committee; a waiver of what the coordination owes, as who has a hand in that waiver.
    # Who objected takes it back by ENDORSE.
    Action.SETTLE_OBJECTION: frozenset({Relation.COORDINATOR, Relation.ACCEPTS}),
    Action.SEE_PARTNERS: frozenset({Relation.STAFF}),
    # Whoever works there owes some of it: what an organization owes is no secret to its people.
    Action.SEE_PARTNER: frozenset({Relation.COORDINATOR, Relation.WORKS_HERE}),
    # Of the whole of it, with what each role owed and who held it, those know who answer for the organization.
    Action.READ_STATEMENT: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.DIRECTOR_HERE}),
    # Reports are the coordinator's (GV-5, GV-6); who funds the program gets the file from them.
    Action.SEE_COUNTS: frozenset({Relation.COORDINATOR}),
    Action.RELEASE_COUNTS: frozenset({Relation.COORDINATOR}),
    Action.SEE_OBLIGATION: frozenset({Relation.COORDINATOR, Relation.WORKS_HERE, Relation.ATTESTS, Relation.ACCEPTS}),
    Action.ATTEST: frozenset({Relation.ATTESTS}),
    Action.GIVE_PROOF: frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.DIRECTOR_HERE, Relation.OWES}),
    Action.READ_PROOF: frozenset(
        {Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.DIRECTOR_HERE, Relation.ACCEPTS}
    ),
    # Nobody accepts what they gave or owe, and nobody has a part in their own waiver: that the verbs refuse.
    Action.ACCEPT_PROOF: frozenset({Relation.COORDINATOR, Relation.ACCEPTS}),
    Action.WAIVE_CLAUSE: frozenset({Relation.COORDINATOR, Relation.ACCEPTS}),
    Action.SEE_CASELOAD: frozenset({Relation.FOLLOWS, Relation.COORDINATOR}),
    # AD-R11: the members of the Clinical Committee, for follow-up; the research sees nobody (FU-8).
    Action.SEE_FOLLOW_UP: frozenset({Relation.ASSIGNED, Relation.CLINICAL, Relation.COORDINATOR}),
    Action.READ_FOLLOW_UP: frozenset({Relation.ASSIGNED, Relation.CLINICAL, Relation.COORDINATOR}),
    # CLINICAL only in the meeting while it sits, and while they do: when it closes, words close (`unless_sitting`).
    Action.READ_SAID: frozenset({Relation.ASSIGNED, Relation.CLINICAL, Relation.COORDINATOR}),
    # CLINICAL only while the committee sits on it: `api.access.summaries`.
    Action.READ_SUMMARY: frozenset({Relation.ASSIGNED, Relation.CLINICAL, Relation.COORDINATOR}),
    Action.WRITE_SUMMARY: frozenset({Relation.OWES, Relation.COORDINATOR}),
    Action.TAKE_SUMMARY_BACK: frozenset({Relation.DID, Relation.COORDINATOR}),
    Action.KEEP_FOLLOW_UP: frozenset({Relation.ASSIGNED, Relation.COORDINATOR}),
    # Of what ended they see the number and since when, and can take it up: nothing else of it is theirs any more.
    Action.TAKE_UP_AGAIN: frozenset({Relation.HAD_IT, Relation.COORDINATOR}),
    # In the worker's own words, which nobody else writes (CM-C). The committee reads them while it sits.
    Action.RAISE_ISSUE: frozenset({Relation.ASSIGNED}),
    # The follow-ups in it, and those that it is saved in, are each asked of: `api.access.workbooks`.
    Action.EXPORT_NOTES: frozenset({Relation.FOLLOWS, Relation.COORDINATOR}),
    Action.IMPORT_NOTES: frozenset({Relation.FOLLOWS, Relation.COORDINATOR}),
    Action.ASSIGN_FOLLOW_UP: frozenset({Relation.COORDINATOR}),
    Action.KEEP_AGREEMENTS: frozenset({Relation.COORDINATOR}),
    # Nobody else: what an agreement binds is the organization, and it is directors who bind it.
    Action.SIGN_AGREEMENT: frozenset({Relation.DIRECTOR_HERE}),
    Action.ADD_SIGNED_FILE: frozenset({Relation.COORDINATOR, Relation.DIRECTOR_HERE}),
    Action.READ_SIGNED_FILE: frozenset({Relation.COORDINATOR, Relation.DIRECTOR_HERE, Relation.MANAGER_HERE}),
    # Who reads what others read is one person, and nobody else's business.
    Action.SEE_PRIVACY: frozenset({Relation.PRIVACY}),
    Action.SEE_RESTORED: frozenset({Relation.COORDINATOR, Relation.PRIVACY, Relation.STANDS_IN}),
    Action.DECIDE_RESTORED: frozenset({Relation.COORDINATOR, Relation.PRIVACY, Relation.STANDS_IN}),
    # The law's days run while the place is vacant too. What leaves tells who read: it is the officer's alone.
    Action.SEE_RIGHTS: frozenset({Relation.PRIVACY, Relation.STANDS_IN}),
    Action.KEEP_RIGHTS: frozenset({Relation.PRIVACY, Relation.STANDS_IN}),
    Action.PREPARE_PACKAGE: frozenset({Relation.PRIVACY}),
    # The one search by a name that there is, beside the coordinator's look at who a referral may be (TRIAGE).
    Action.FIND_FILE: frozenset({Relation.PRIVACY}),
    Action.READ_CORRECTION: frozenset({Relation.OWES}),
    # The law's delays run while the place is vacant too; what others read stays unseen until somebody has it.
    Action.SEE_INCIDENTS: frozenset({Relation.PRIVACY, Relation.STANDS_IN}),
    Action.KEEP_INCIDENTS: frozenset({Relation.PRIVACY, Relation.STANDS_IN}),
    # Who may know who is on file, and keeps what circulates; beside them, who answers for the protection of it all.
    Action.LOOK_FOR_NAMES: frozenset({Relation.COORDINATOR}),
    Action.ASK_REDACTION: frozenset({Relation.COORDINATOR}),
    Action.SEE_REDACTIONS: frozenset({Relation.COORDINATOR, Relation.PRIVACY}),
    Action.CONFIRM_REDACTION: frozenset({Relation.COORDINATOR, Relation.PRIVACY}),
    # AD-R1: the program's people; others come by a link.
    Action.REFER: frozenset({Relation.STAFF}),
    # Of one that its author left unfinished, the coordinator: `api.access.participants.drafter`.
    Action.KEEP_DRAFT: frozenset({Relation.SELF, Relation.COORDINATOR}),
    Action.REFER_BY_LINK: frozenset({Relation.ANYONE}),
    Action.TRIAGE: frozenset({Relation.COORDINATOR}),
    # CLINICAL of a candidate only while the committee sits on them: `api.access.participants`.
    Action.SEE_PARTICIPANT: frozenset({Relation.ASSIGNED, Relation.SECOND, Relation.CLINICAL, Relation.COORDINATOR}),
    # By assignment or by role; a member of the committee says what for: `api.access.participants.open_file`.
    Action.READ_IDENTITY: frozenset({Relation.ASSIGNED, Relation.TOLD_WHO, Relation.COORDINATOR}),
    Action.READ_FACTS: frozenset({Relation.ASSIGNED, Relation.SECOND, Relation.TOLD_WHY, Relation.COORDINATOR}),
    Action.SEE_ADMISSION: frozenset({Relation.ASSIGNED, Relation.TOLD_WHY, Relation.COORDINATOR}),
    Action.SEE_RISK: frozenset({Relation.ASSIGNED, Relation.TOLD_RISK, Relation.COORDINATOR}),
    Action.SEE_CONSENTS: frozenset({Relation.ASSIGNED, Relation.TOLD_CONSENTS, Relation.COORDINATOR}),
    Action.KEEP_ADMISSION: frozenset({Relation.ASSIGNED, Relation.COORDINATOR}),
    Action.DECIDE_ADMISSION: frozenset({Relation.COORDINATOR}),
    # AD-R8: the coordinator stores the form. Who signed is opened by nobody else.
    Action.READ_SIGNED_FORM: frozenset({Relation.COORDINATOR}),
    # AD-R12: who keeps the file; what was said is not for the whole committee.
    Action.KEEP_DISCLOSURES: frozenset({Relation.ASSIGNED, Relation.COORDINATOR}),
    Action.KEEP_RETENTION: frozenset({Relation.COORDINATOR}),
    # Destruction takes two: the coordination asks. MANAGER_HERE: at the organization that holds the file.
    Action.SEE_DESTRUCTIONS: frozenset({Relation.COORDINATOR, Relation.PRIVACY, Relation.MANAGER_HERE}),
    Action.SEE_DESTRUCTION: frozenset({Relation.COORDINATOR, Relation.PRIVACY, Relation.MANAGER_HERE}),
    Action.CONFIRM_DESTRUCTION: frozenset({Relation.PRIVACY, Relation.MANAGER_HERE}),
    # FU-9: the research coordinator alone. Who records a form on which it is ticked hands it over, and keeps nothing.
    Action.KEEP_RESEARCH_CONSENTS: frozenset({Relation.RESEARCH}),
    # DECLARED: holds a role that the program's file lets approve exports.
    # OWES: is asked to remove rows of it, also once they receive nothing more.
    Action.SEE_STUDIES: frozenset({Relation.RESEARCH, Relation.DECLARED, Relation.RECEIVES, Relation.OWES}),
    Action.KEEP_STUDIES: frozenset({Relation.RESEARCH}),
    Action.ANSWER_EXPORT: frozenset({Relation.DECLARED}),
    Action.DOWNLOAD_EXPORT: frozenset({Relation.RECEIVES}),
    Action.CONFIRM_REMOVAL: frozenset({Relation.RESEARCH, Relation.OWES}),
    Action.SEE_MEASURES: frozenset({Relation.RESEARCH, Relation.COORDINATOR, Relation.RECEIVES, Relation.SITS}),
    Action.SEE_CONSENT_FORM: frozenset({Relation.STAFF}),
    Action.PLAN_ACTIVITIES: frozenset({Relation.FOLLOWS, Relation.COORDINATOR}),
    # As the follow-up of one who takes part is kept: `api.access.activities`.
    Action.CALL_OFF_ACTIVITY: frozenset({Relation.ASSIGNED, Relation.COORDINATOR}),
    Action.ADD_ADMINISTRATOR: frozenset({Relation.OPERATOR}),
    Action.ADD_COORDINATOR: frozenset({Relation.OPERATOR}),
    Action.RUN_INSTALLATION: frozenset({Relation.OPERATOR}),
    Action.LOAD_PROGRAM: frozenset({Relation.OPERATOR}),
    Action.EXPORT_PROGRAM: frozenset({Relation.OPERATOR}),
    Action.PLAN_PROTOCOL: frozenset({Relation.OPERATOR}),
    Action.VERIFY_RECORD: frozenset({Relation.OPERATOR}),
    Action.KEEP_SEAL_KEYS: frozenset({Relation.OPERATOR}),
    Action.KEEP_LEDGER: frozenset({Relation.OPERATOR}),
    Action.RECEIVE_MAIL: frozenset({Relation.OPERATOR}),
}


#: Asked inside a page or an answer, about a part of it: these have no route of their own.
OF_A_PART: Final = frozenset(
    {Action.READ_NOTES, Action.SEE_CONTACT, Action.SEE_ADMISSION, Action.SEE_RISK, Action.SEE_CONSENTS}
)


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def asks(action: Action) -> Callable[[Endpoint], Endpoint]:
    """Marks a route's endpoint, or a command, with the action that it asks for. No route starts without one."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__asks__ = action  # type: ignore[attr-defined]  # read by `action_of` alone
        return endpoint

    return mark


def action_of(endpoint: object) -> Action | None:
    """The action that an endpoint or a command is marked with; None where it has no mark."""
    action = getattr(endpoint, "__asks__", None)
    return action if isinstance(action, Action) else None


def row_of(action: Action) -> frozenset[Relation]:
    """The relations under which an action is allowed: the table's row."""
    return TABLE[action]


def is_for_anyone(action: Action) -> bool:
    """Whether an action is let to anyone, signed in or not: nothing is to be asked."""
    return Relation.ANYONE in TABLE[action]


class Forbidden(Exception):
    """The asker may not, or there is no such thing: to the asker the two look the same."""


@dataclass(frozen=True)
class Asker:
    """Who is asking, on which day, and what they hold that day for themselves or for someone absent."""

    person_id: UUID
    standing: DayTenures

    @property
    def day(self) -> date:
        """The local day of the asking."""
        return self.standing.day

    def hat(self, role: str, organization_id: UUID | None = None, *, kind: str = "tasks") -> Holder | None:
        """The asker's hold of a role that day, at one organization or anywhere; an absent holder's deputy has it."""
        at = str(organization_id) if organization_id else "*"
        return self.standing.falls([Link(role, at)], kind=kind).on(self.person_id)

    def own(self, role: str) -> Holder | None:
        """The asker's own hold of a role that day, also while they are away."""
        mine = (one for one in self.standing.roles_of(self.person_id) if one.role == role)
        return next((Holder(self.person_id, one.role, one.organization_id) for one in mine), None)

    @cached_property
    def at_large(self) -> Given:
        """What the asker is to the program at large: `to_program` gives it to each who asks."""
        given: Given = {Relation.STAFF: themselves(self)} if self.is_staff else {}
        privacy = answers_for_privacy(self.standing, self.person_id)
        if privacy:
            stands_in = privacy.role == SEES_EVERY_CASE
            given[Relation.STANDS_IN if stands_in else Relation.PRIVACY] = acting_as(self, privacy)
        held = [(relation, self.hat(role)) for relation, role in _IN_THE_PROGRAM.items()]
        return given | {relation: acting_as(self, holder) for relation, holder in held if holder}

    @property
    def is_staff(self) -> bool:
        """Whether the asker holds any role today."""
        return self.person_id in self.standing.live

    def organizations_as(self, *roles: str) -> list[UUID]:
        """The organizations at which the asker holds one of these roles today, or acts for one who does."""
        places = {tenure.organization_id for role in roles for tenure in self.standing.holding(role)}
        return sorted(place for place in places if any(self.hat(role, place) for role in roles))


Given = dict[Relation, Actor]
"""The relations that hold, each with the actor that an act under it would have."""


def allows(action: Action, given: Mapping[Relation, Actor]) -> Actor | None:
    """The actor under whom the asker may do `action`, by the closest relation; None where they may not."""
    questions.note(action)
    wanted = TABLE[action]
    return next((given[relation] for relation in _CLOSEST if relation in wanted and relation in given), None)


def is_allowed(action: Action, given: Mapping[Relation, Actor]) -> bool:
    """Whether the asker may do `action`."""
    return allows(action, given) is not None


def require(action: Action, given: Mapping[Relation, Actor]) -> Actor:
    """As `allows`. Raises Forbidden."""
    actor = allows(action, given)
    if actor is None:
        raise Forbidden
    return actor


def to_program(asker: Asker, *, organizations: Iterable[UUID] = ()) -> Given:
    """What the asker is to the program at large, and to things that belong to these organizations."""
    given = dict(asker.at_large)
    for place in organizations:
        for relation, role in _AT_AN_ORGANIZATION.items():
            holder = asker.hat(role, place)
            if holder:
                given[relation] = acting_as(asker, holder)
    return given


def themselves(asker: Asker) -> Actor:
    """The asker under the first role of their own that day, where an act or a refusal is of no hat in particular."""
    held = asker.standing.roles_of(asker.person_id)[:1]
    return acting_as(asker, next((Holder(asker.person_id, one.role, one.organization_id) for one in held), None))


def at_the_terminal() -> Given:
    """Who sits at the terminal of the installation, with its database and its keys: no person of the program."""
    return {Relation.OPERATOR: Actor.system(OPERATOR)}


def organizations_for(asker: Asker, action: Action) -> list[UUID]:
    """The organizations of whose things the table lets the asker do this, by a role that they hold there."""
    questions.note(action)
    roles = [role for relation, role in _AT_AN_ORGANIZATION.items() if relation in TABLE[action]]
    return asker.organizations_as(*roles) if roles else []


def acting_as(asker: Asker, hat: Holder | None) -> Actor:
    """The asker as the holder of a role, or with no role at all."""
    if hat is None:
        return Actor(role="", person_id=asker.person_id)
    return Actor(hat.role, asker.person_id, hat.organization_id, hat.acting_for)


#: The role, anywhere in the program, that a relation to the program stands for.
_IN_THE_PROGRAM: Final = {
    Relation.COORDINATOR: "coordinator",
    Relation.OFFICE: "administrative_officer",
    Relation.ADMINISTRATOR: "administrator",
    Relation.RESEARCH: "research_coordinator",
    Relation.FOLLOWS: "youth_worker",
}
#: The role at an organization that a relation to what belongs there stands for.
_AT_AN_ORGANIZATION: Final = {
    Relation.MANAGER_HERE: "manager",
    Relation.DIRECTOR_HERE: "director",
    Relation.SECOND_HERE: "second_representative",
}
