"""Every act that closes something notes it in the ledger: no verb of the record is left without a word on it."""

from __future__ import annotations

import pytest

from api.views.timeline import SENTENCES
from domain.record import FOR_PRIVACY
from domain.record.apart import CLOSINGS
from models.ledger import MATTERS
from models.lifecycles import LIFECYCLES, Lifecycle
from tests.api.pages.test_history import verbs

#: Why a verb needs no line: what is lost with a restore is done again, and nothing that was shut stands open meanwhile.
WHY: dict[str, str] = {
    "it begins, adds or gives something, which a restore takes away again": """
        absence.recorded agreement.added agreement.drafted agreement.file_added agreement.sent agreement.signed
        agreement.signed_by_all agreement.started closure.added committee.added consent.goes_on consent.left_as_signed
        consent.copy_given consent.signed consent.stored departure.called_off departure.taken_up_again equipment.added
        equipment.lent evidence.added feed.made follow_up.opened follow_up.reactivated follow_up.resumed guest.invited
        obligation.document_added organization.added participant.bar_lifted passkey.enrolled person.added person.hired
        program.added referral_link.made research_consent.kept research_consent.ticked staff_research_consent.kept
        research_consent.declined
        study.opened study.recipient_named study.removal_confirmed study.ethics_renewed study_export.made
        retention.released role.added seat.added seat.given sign_in.begun tenure.goes_on
        tenure.started tenure.moved seat.moved hand_over.accepted
        departure.role_taken decision.endorsed decision.stands_again decision.counts
        follow_up.assigned""",
    "it is a step of people's work, which shows as still to do": """
        act.done act.done_again act.done_too_late act.trouble act.undone admission.decided attendance.corrected
        attendance.recorded case.cancelled case.closed case.day_moved case.opened case.reopened case.rescheduled
        case.tried_again case.version_taken consent.to_review criterion.found decision.asked_again
        decision.endorsement_wanted decision.made decision.translated disclosure.recorded equipment.corrected
        equipment.found equipment.given_up equipment.missing equipment.not_lent equipment.out_of_use equipment.put_back
        equipment.returned first_meeting.held gate.opened gate.shut hand_over.proposed hand_over.refused
        hand_over.silent hand_over.withdrawn hand_overs.proposed holding.back holding.settled holdings.joined
        interview.recorded name.answered objection.settled obligation.attested obligation.found
        obligation.proof_accepted obligation.proof_returned obligation.waived obligation.waiver_proposed
        number.taken_over participant.admitted participant.corrected participant.declined
        participant.recruits participant.refused referral.answered referral.asked referral.asked_no_more referral.begun
        referral.given_back referral.received referral.saved referral.taken_back referral.told referral.triaged
        reply.put_away reply.strayed reply.taken retention.set risk.assessed
        statement.released task.approved task.asked_again task.called_off task.done task.handed_back task.let_go
        task.opened task.passed_on task.planned task.postponed task.rejected task.reminded task.returned task.submitted
        task.undone task.waived follow_up.activity_called_off follow_up.activity_left follow_up.activity_moved
        follow_up.activity_planned follow_up.completed follow_up.deactivated follow_up.intensity_set follow_up.no_show
        follow_up.discussed follow_up.issue_raised follow_up.issue_taken_back follow_up.processes_marked
        follow_up.noted follow_up.paused follow_up.self_reported follow_up.strategy_agreed follow_up.summarized
        follow_up.summary_saved
        rights.accepted rights.answered rights.extended rights.looked_for rights.masked rights.package_made
        rights.package_removed rights.received rights.refused rights.refused_in_part rights.stated rights.stopped
        rights.withdrawn follow_up.tried follow_up.vacant
        note_import.previewed note_import.saved note_import.taken_back account.found_open
        account.stays_open account.still_closed""",
    "it is of a meeting and its papers: those who were told of it are in the ledger": """
        agenda.assembled agenda.carried_over agenda.circulated agenda.frozen agenda.item_changed agenda.reopened
        agenda.restated agenda.returned agenda_item.added_late agenda_item.asked agenda_item.asked_again
        agenda_item.carried agenda_item.carried_again agenda_item.drawn agenda_item.drawn_again agenda_item.edited
        agenda_item.late_declined agenda_item.moved agenda_item.noted agenda_item.put_on agenda_item.reason_withdrawn
        agenda_item.referred agenda_item.referred_again agenda_item.taken_off agenda_item.treated agenda_item.withdrawn
        agenda_item.taken_up
        dates.dismissed dates.drafted dates.planned meeting.answered meeting.cancelled meeting.closed meeting.moved
        meeting.opened meeting.place_changed meeting.planned meeting.put_back meeting.told minutes.amended
        minutes.approved minutes.circulated minutes.drafted minutes.edited minutes.refreshed season.hour_changed
        season.planned""",
    "what it does is in the ledger by a line of its own: destroyed, sent, suspended, who meets a candidate no more": """
        participant.nobody_sent participant.second_named participant.worker_left participant.worker_named
        participant.destroyed participant.destroyed_again participant.joined referral.abandoned referral.joined
        study_export.closed decision.objected notice.sent""",
    "it is of letters that were not sent, which are written or sent again": """
        notice.failed notice.no_address notice.retried notice.written head.sent""",
    "it asks for something, or is taken back, and another decides": """
        destruction.asked destruction.lapsed redaction.asked redaction.declined redaction.taken_back
        study_export.asked study_export.refused study_export.taken_back""",
    "it is of the program's own file, which its operator has, and loads again": """
        agreement.changed agreement.redrafted agreement.running_out closure.changed closure.ended committee.changed
        organization.changed program.changed program.loaded protocol.recorded role.changed seat.changed""",
    "it tells of the record, of readers, or of what was only cleared away": """
        access.refused access.refused_often exported read reading.pattern program.swept sign_in.refused
        program.restored program.ledger_accepted incident.assessed incident.closed incident.completed
        incident.entered incident.reopened incident.told""",
    "it decides what a restore left, which waits again after another one; the act itself has a line": """
        restored.cancelled restored.done_again restored.kept restored.left_undone restored.noted""",
    "no act writes it: it says a line of the ledger in words": "referral.handed_on",
}
#: Each verb with its reason.
NEEDS_NONE = {verb: why for why, listed in WHY.items() for verb in listed.split()}

#: How each move of a lifecycle into a state in which something is over is known to the ledger: by a verb of the record
#: that has a line, or why not.
MOVES = {
    ("case", "close"): "work",
    ("case", "cancel"): "work",
    ("task", "waive"): "work",
    ("task", "cancel"): "work",
    ("agreement version", "end"): "agreement.ended",
    ("agreement version", "withdraw"): "agreement.withdrawn",
    ("agreement version", "unsign"): "agreement.signature_taken_back",
    ("agreement version", "call_off"): "agreement.called_off",
    ("notice", "withdraw"): "letters",
    ("notice", "send"): "letters",
    ("meeting", "cancel"): "meetings",
    ("agenda item", "withdraw"): "meetings",
    ("decision", "withdraw"): "decision.withdrawn",
    ("endorsement", "object"): "decision.suspended",
    ("referral", "abandon"): "destroyed",
    ("referral", "destroy"): "destroyed",
    ("referral", "join"): "destroyed",
    ("participant", "destroy"): "destroyed",
    ("participant", "destroy_again"): "destroyed",
    ("participant", "join"): "destroyed",
    ("participant", "refuse"): "work",
    ("participant", "decline"): "work",
    ("follow-up", "complete"): "work",
    ("follow-up", "deactivate"): "work",
    ("destruction", "refuse"): "destruction.refused",
    ("destruction", "withdraw"): "destruction.withdrawn",
    ("destruction", "stop"): "destruction.stopped",
    ("destruction", "lapse"): "work",
    ("destruction", "confirm"): "destroyed",
    ("rights request", "refuse"): "work",
    ("rights request", "withdraw"): "work",
    ("rights request", "stop"): "destroyed",
    ("equipment", "lose"): "work",
    ("equipment", "take_out_of_use"): "work",
    ("redaction", "redact"): "redaction.done",
    ("redaction", "decline"): "work",
    ("redaction", "take_back"): "work",
    ("study export", "refuse"): "work",
    ("study export", "take_back"): "work",
    ("study export", "close"): "research_consent.withdrawn",
    ("act", "undo"): "work",
    ("act", "let_go"): "work",
}
#: The states in which something is over.
OVER = {
    *("closed", "cancelled", "waived", "ended", "withdrawn", "undone", "objected", "destroyed", "abandoned", "joined"),
    *("refused", "declined", "inactive", "completed", "lapsed", "stopped", "confirmed", "lost", "out_of_use"),
    *("taken_back",),
}


def test_each_verb_that_people_read_of_closes_something_or_says_why_it_needs_no_line() -> None:
    known, read_of = set(CLOSINGS) | set(NEEDS_NONE), set(SENTENCES) | FOR_PRIVACY
    assert read_of - known == set(), "say in CLOSINGS how it closes, or here why it does not"
    assert known - read_of == {"consent.replaced", "participant.meets_no_more"}, (
        "and nothing is named that no act writes"
    )


@pytest.mark.ci
def test_each_verb_in_the_code_closes_something_or_says_why_it_needs_no_line() -> None:
    assert verbs() - set(CLOSINGS) - set(NEEDS_NONE) == set()


def test_no_verb_is_said_to_do_both() -> None:
    assert set(CLOSINGS) & set(NEEDS_NONE) == set()


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=lambda one: str(one.name))
def test_each_way_into_a_state_in_which_something_is_over_is_known_to_the_ledger(lifecycle: Lifecycle) -> None:
    for (_, move), reached in lifecycle.moves.items():
        if reached in OVER:
            told = MOVES[lifecycle.name, move]
            assert told in CLOSINGS or told in ("work", "letters", "meetings", "destroyed"), (lifecycle.name, move)


def test_each_matter_is_one_that_can_be_decided() -> None:
    assert {closing.matter for closing in CLOSINGS.values()} - {""} <= set(MATTERS)


def test_what_keeps_a_person_out_says_whose_access_it_is() -> None:
    of_access = {verb: one for verb, one in CLOSINGS.items() if one.matter in ("access", "departure")}
    assert {verb for verb, one in of_access.items() if not one.whose} == set()
