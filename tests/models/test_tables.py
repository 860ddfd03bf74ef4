"""What the tables refuse of one program's own rows: spans that meet, pairs half filled, keys taken, words unknown."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, DateTime, Index, Table, UniqueConstraint, and_, insert, select, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import DBAPIError

from models import lifecycles
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.committee import Seat, SeatHolder
from models.program import Absence, Person, Role, Tenure
from models.tables import metadata
from tests.cast import AT, SINCE, TODAY, Cast
from tests.conftest import Database
from tests.models.conftest import TABLES, anew, as_application, as_superuser

EXCLUDED = errors.ExclusionViolation.sqlstate
TAKEN = errors.UniqueViolation.sqlstate
CHECKED = errors.CheckViolation.sqlstate

#: For each CHECK, an assignment that breaks it on some row: the row is chosen by the condition, where one is named.
BREAKS: Mapping[str, tuple[str, str, str]] = {
    "ck_absence_in_order": ("absence", "ends_on = starts_on - 1", ""),
    "ck_absence_not_own_deputy": ("absence", "deputy_id = person_id", ""),
    "ck_admission_decision_assigned": ("admission_decision", "outcome = 'refuse'", ""),
    "ck_admission_decision_forwarded": (
        "admission_decision",
        "outcome = 'defer', candidate_worker_id = null, item_id = null, decision_id = null",
        "",
    ),
    "ck_admission_decision_in_a_meeting": ("admission_decision", "item_id = null", "decision_id is not null"),
    "ck_admission_decision_outcome": ("admission_decision", "outcome = 'perhaps', candidate_worker_id = null", ""),
    "ck_agenda_item_audience": ("agenda_item", "audience = 'everyone'", ""),
    "ck_agenda_item_late": ("agenda_item", "late = true, late_reason = ''", ""),
    "ck_agenda_item_minutes": ("agenda_item", "minutes = 601", ""),
    "ck_agenda_item_numbered_when_frozen": ("agenda_item", "number = null", "frozen_at is not null"),
    "ck_agenda_item_outcome": ("agenda_item", "outcome = 'lost'", ""),
    "ck_agenda_item_pool": ("agenda_item", "state = 'pool'", "meeting_id is not null"),
    "ck_agenda_item_purpose": ("agenda_item", "purpose = 'gossip'", ""),
    "ck_agenda_item_scheduled": ("agenda_item", "meeting_id = null", "state = 'scheduled'"),
    "ck_agenda_item_settled": ("agenda_item", "settled_at = now()", "settled_as is null"),
    "ck_agenda_item_state": ("agenda_item", "state = 'lost'", ""),
    "ck_agenda_item_times_seen": ("agenda_item", "times_seen = -1", ""),
    "ck_agenda_version_kind": ("agenda_version", "kind = 'draft'", ""),
    "ck_agreement_role_headcount": ("agreement_role", "headcount = 0", ""),
    "ck_agreement_version_ended_on_a_day": ("agreement_version", "state = 'ended'", "state = 'in_force'"),
    "ck_agreement_version_in_force_from_a_day": ("agreement_version", "state = 'in_force'", "starts_on is null"),
    "ck_agreement_version_in_order": ("agreement_version", "ends_on = '2026-01-01'", "starts_on is null"),
    "ck_agreement_version_state": ("agreement_version", "state = 'lost'", ""),
    "ck_attendance_in_order": ("attendance", "arrived_at = now(), left_at = now() - interval '1 minute'", ""),
    "ck_attendance_someone_who_sat": ("attendance", "person_id = null", "state = 'present'"),
    "ck_attendance_state": ("attendance", "state = 'late', person_id = null", ""),
    "ck_attestation_said": ("attestation", "said = 'perhaps'", ""),
    "ck_backup_run_code": ("backup_run", "code = 'Perséide'", ""),
    "ck_backup_run_in_order": ("backup_run", "ended_at = started_at - interval '1 second'", ""),
    "ck_backup_run_kind": ("backup_run", "kind = 'guess'", ""),
    "ck_barred_lifted": ("barred", "lifted_at = now()", ""),
    "ck_browser_session_ended_as": ("browser_session", "ended_as = 'lost'", ""),
    "ck_browser_session_means": ("browser_session", "means = 'guess'", ""),
    "ck_browser_session_shows": ("browser_session", "shows = id", ""),
    "ck_browser_session_token_digest": ("browser_session", "token_digest = 'agate@ccsmtl.example'", ""),
    "ck_calendar_feed_token_digest": ("calendar_feed", "token_digest = 'agate@ccsmtl.example'", ""),
    "ck_calendar_reader_dialect": ("calendar_reader", "dialect = 'joual'", ""),
    "ck_candidate_worker_not_own_second": ("candidate_worker", "second_id = worker_id", ""),
    "ck_case_about_a_participant": (
        '"case"',
        "subject_kind = 'participant', organization_id = null, subject_id = null",
        "subject_kind = 'worker'",
    ),
    "ck_case_about_a_person": ('"case"', "subject_id = null", "subject_kind = 'worker'"),
    "ck_case_about_an_agreement": (
        '"case"',
        "subject_kind = 'agreement_version', subject_id = null",
        "subject_kind = 'worker'",
    ),
    "ck_case_about_the_program": ('"case"', "organization_id = null", "subject_kind = 'worker'"),
    "ck_case_ended": ('"case"', "state = 'closed'", "state = 'open'"),
    "ck_case_period": ('"case"', "period = 'spring'", ""),
    "ck_case_state": ('"case"', "state = 'lost', ended_at = now()", ""),
    "ck_case_subject_kind": ('"case"', "subject_kind = 'weather', subject_id = null", "subject_kind = 'worker'"),
    "ck_closure_in_order": ("closure", "ends_on = starts_on - 1", ""),
    "ck_committee_minutes": ("committee", "minutes = 0", ""),
    "ck_consent_explained_first": ("consent", "signed_on = explained_on - 1", ""),
    "ck_consent_in_order": ("consent", "ends_on = signed_on - 1", ""),
    "ck_consent_form_stored": ("consent_form", "stored_by = null", ""),
    "ck_consent_form_text_digest": ("consent_form", "text_digest = 'abc'", ""),
    "ck_consent_form_way": ("consent_form", "way = 'typed'", ""),
    "ck_consent_language": ("consent", "language = 'Latin'", ""),
    "ck_consent_limits_stated": ("consent", "limits_stated = false", ""),
    "ck_consent_never_widened": ("consent", "ends_on = null", ""),
    "ck_consent_purpose": ("consent", "purpose = 'gossip'", ""),
    "ck_consent_signed_by": ("consent", "signed_by = 'neighbour'", ""),
    "ck_consent_text_digest": ("consent", "text_digest = 'abc'", ""),
    "ck_consent_with_a_partner": ("consent", "organization_id = null", "purpose = 'sharing'"),
    "ck_consent_withdrawn": ("consent", "withdrawn_on = signed_on", ""),
    "ck_consent_worker_after": ("consent", "worker_signed_on = explained_on - 1", ""),
    "ck_criterion_finding_allowed": ("criterion_finding", "criterion = 'AD-C1'", "allowed_by is not null"),
    "ck_criterion_finding_criterion": ("criterion_finding", "criterion = 'AD-C9', allowed_by = null", ""),
    "ck_criterion_finding_finding": ("criterion_finding", "finding = 'perhaps'", ""),
    "ck_decision_added": ("decision", "added_at = now()", ""),
    "ck_decision_added_in": ("decision", "added_in = 'nl', added_at = now()", ""),
    "ck_decision_closed": ("decision", "closed_at = now()", "closed_as is null"),
    "ck_decision_counts": ("decision", "counts_since = null", "needs_endorsement"),
    "ck_decision_due": ("decision", "due_on = null", "owner_role <> ''"),
    "ck_decision_endorsement": ("decision", "endorsement = 'perhaps', counts_since = null", "needs_endorsement"),
    "ck_decision_grants": ("decision", "grants = true, item_id = null", ""),
    "ck_decision_kind": ("decision", "kind = 'personal'", ""),
    "ck_decision_needs_endorsement": ("decision", "needs_endorsement = false", "needs_endorsement"),
    "ck_decision_owed": ("decision", "task_id = null", "owner_role <> ''"),
    "ck_decision_settles": ("decision", "settles_id = id", "needs_endorsement"),
    "ck_decision_state": ("decision", "state = 'lost'", ""),
    "ck_decision_suspended": (
        "decision",
        "suspended_at = now(), counts_since = null, endorsement = 'pending'",
        "needs_endorsement",
    ),
    "ck_decision_wanted": ("decision", "wanted_at = now()", ""),
    "ck_destruction_before_two": ("destruction", "before_two = true", "state = 'stopped'"),
    "ck_destruction_confirmed_by_somebody": (
        "destruction",
        "state = 'confirmed', stopped_by = '', ended_by = null",
        "state = 'stopped'",
    ),
    "ck_destruction_ended": ("destruction", "ended_at = now()", "state = 'asked'"),
    "ck_destruction_ground": ("destruction", "ground = 'whim'", ""),
    "ck_destruction_in_order": ("destruction", "lapses_on = confirm_from - 1", ""),
    "ck_destruction_state": ("destruction", "state = 'lost', ended_at = now()", "state = 'asked'"),
    "ck_destruction_stopped": ("destruction", "stopped_by = ''", "state = 'stopped'"),
    "ck_destruction_stopped_by": ("destruction", "stopped_by = 'rain'", "state = 'stopped'"),
    "ck_destruction_takes_two": ("destruction", "state = 'confirmed', stopped_by = ''", "state = 'stopped'"),
    "ck_disclosure_ground": ("disclosure", "ground = 'gossip'", ""),
    "ck_disclosure_only_necessary": ("disclosure", "only_necessary = false", ""),
    "ck_door_browser_digest": ("door", "browser_digest = 'Firefox'", ""),
    "ck_door_kind": ("door", "kind = 'window'", ""),
    "ck_door_token_digest": ("door", "token_digest = upper(token_digest)", "token_digest ~ '[a-f]'"),
    "ck_door_used": ("door", "used_at = now()", "used_by_digest is null"),
    "ck_door_used_by_digest": ("door", "used_at = now(), used_by_digest = 'Firefox'", ""),
    "ck_drafted_year_settled": ("drafted_year", "settled_at = now()", "settled_as = ''"),
    "ck_drafted_year_settled_as": ("drafted_year", "settled_as = 'lost', settled_at = now()", ""),
    "ck_epoch_number": ("epoch", "number = 0", ""),
    "ck_endorsement_majority": ("endorsement", "majority = 'all'", ""),
    "ck_endorsement_objects_with_a_reason": ("endorsement", "said = 'objected', reason = ''", ""),
    "ck_endorsement_said": ("endorsement", "said = 'perhaps'", ""),
    "ck_endorsement_settled": ("endorsement", "settled_by_id = decision_id", "said = 'endorsed'"),
    "ck_evidence_equipment_by_its_serial": (
        "evidence",
        "equipment_id = (select id from equipment limit 1)",
        "kind <> 'serial'",
    ),
    "ck_evidence_kind": ("evidence", "kind = 'password'", ""),
    "ck_evidence_withdrawn": ("evidence", "withdrawn_at = now()", "withdrawn_why is null"),
    "ck_first_meeting_outcome": ("first_meeting", "outcome = 'perhaps'", ""),
    "ck_first_meeting_way": ("first_meeting", "way = 'dream'", ""),
    "ck_hand_over_answered": ("hand_over", "answered_at = now()", "state = 'proposed'"),
    "ck_hand_over_state": ("hand_over", "state = 'lost', answered_at = now()", ""),
    "ck_hand_over_way": ("hand_over", "way = 'letter'", ""),
    "ck_inbox_place_trouble_and_since": ("inbox_place", "trouble = '403'", ""),
    "ck_incident_closed": ("incident", "closed_at = now()", "closed_by is null"),
    "ck_incident_in_order": ("incident", "happened_from = '2026-01-02', happened_to = '2026-01-01'", ""),
    "ck_incident_number": ("incident", "number = 0", ""),
    "ck_incident_people_concerned": ("incident", "people_concerned = -1", ""),
    "ck_incident_risk_has_reasons": ("incident", "serious_risk = true, words = null", ""),
    "ck_incident_version_number": ("incident_version", "number = 0", ""),
    "ck_invitation_one_uid": ("invitation", "series_id = null, meeting_id = null", ""),
    "ck_invitation_sequence": ("invitation", "sequence = -1", ""),
    "ck_interview_applicant": ("interview", "applicant = 0", ""),
    "ck_interview_clinical": ("interview", "clinical = 101", ""),
    "ck_interview_leadership": ("interview", "leadership = -1", ""),
    "ck_equipment_state": ("equipment", "state = 'eaten'", ""),
    "ck_equipment_state_since": ("equipment", "state_at = now()", "state_as is null"),
    "ck_lateness_late": ("lateness", "until = due_on", ""),
    "ck_kept_until_day": ("kept_until", "day = null", "kind = 'day'"),
    "ck_kept_until_joined": ("kept_until", "joined_id = null, day = null, kind = 'joined'", ""),
    "ck_kept_until_kind": ("kept_until", "kind = 'whim', day = null", ""),
    "ck_loan_lost": ("loan", "lost = true, returned_at = now()", ""),
    "ck_loan_mistaken": ("loan", "mistaken = true", "returned_at is null"),
    "ck_loan_not_returned_by_themselves": ("loan", "returned_by = person_id", "not mistaken"),
    "ck_meeting_answer_alternate": ("meeting_answer", "answer = 'accepted'", "alternate_id is not null"),
    "ck_meeting_answer_answer": ("meeting_answer", "answer = 'perhaps', alternate_id = null", ""),
    "ck_meeting_answer_by": ("meeting_answer", "by = 'telephone'", ""),
    "ck_meeting_cancelled": ("meeting", "state = 'cancelled'", "state = 'planned'"),
    "ck_meeting_closed": ("meeting", "closed_at = now()", "state = 'planned'"),
    "ck_meeting_guest_withdrawn": ("meeting_guest", "withdrawn_at = now()", "withdrawn_by is null"),
    "ck_meeting_in_order": ("meeting", "ends_at = starts_at", ""),
    "ck_meeting_link_token_digest": ("meeting_link", "token_digest = upper(token_digest)", "token_digest ~ '[a-f]'"),
    "ck_meeting_minutes": ("meeting", "minutes = 14", ""),
    "ck_meeting_one_uid": ("meeting", "uid = null", "series_id is null"),
    "ck_meeting_opened": ("meeting", "opened_at = null", "state = 'held'"),
    "ck_meeting_original": ("meeting", "original = null", "series_id is not null"),
    "ck_meeting_series_in_order": ("meeting_series", "ends_on = starts_on - 1", ""),
    "ck_meeting_series_minutes": ("meeting_series", "minutes = 601", ""),
    "ck_meeting_state": ("meeting", "state = 'lost'", "state = 'planned'"),
    "ck_ledger_seen_digest": ("ledger_seen", "digest = 'abc'", ""),
    "ck_ledger_seen_n": ("ledger_seen", "n = 0", ""),
    "ck_minutes_approved": ("minutes", "approved_at = null", "state = 'approved'"),
    "ck_minutes_circulated": ("minutes", "circulated_at = null", "state = 'approved'"),
    "ck_minutes_circulations": ("minutes", "circulations = 0", "state = 'approved'"),
    "ck_minutes_state": ("minutes", "state = 'lost', approved_at = null", ""),
    "ck_notice_queued": ("notice", "next_attempt_at = null", "state = 'queued'"),
    "ck_notice_sent": ("notice", "sent_at = now()", "state = 'queued'"),
    "ck_notice_state": ("notice", "state = 'lost', next_attempt_at = null, sent_at = null", ""),
    "ck_number_given_last": ("number_given", "last = 0", ""),
    "ck_number_sequence_last": ("number_sequence", "last = 0", ""),
    "ck_number_sequence_year": ("number_sequence", "year = 26", ""),
    "ck_obligation_document_sha256": ("obligation_document", "sha256 = 'abc'", ""),
    "ck_obligation_document_size": ("obligation_document", "size = 0", ""),
    "ck_obligation_document_withdrawn": ("obligation_document", "withdrawn_at = now()", ""),
    "ck_obligation_finding_n": ("obligation_finding", "n = 0", ""),
    "ck_obligation_finding_state": ("obligation_finding", "state = 'lost'", ""),
    "ck_obligation_period_in_order": ("obligation_period", "ends_on = starts_on - 1", ""),
    "ck_obligation_period_period_in_order": (
        "obligation_period",
        "period_ends = period_starts - 1, ends_on = null",
        "",
    ),
    "ck_obligation_period_state": ("obligation_period", "state = 'lost'", ""),
    "ck_obligation_period_within_its_period": ("obligation_period", "starts_on = period_starts - 1", ""),
    "ck_data_key_gone": ("data_key", "gone_at = now()", "destroyed_at is null"),
    "ck_organization_in_order": ("organization", "starts_on = '2026-01-02', ends_on = '2026-01-01'", ""),
    "ck_organization_kind": ("organization", "kind = 'friend'", ""),
    "ck_organization_regime": ("organization", "regime = 'none'", ""),
    "ck_participant_admitted_by_number": ("participant", "number = null", "state = 'admitted'"),
    "ck_participant_candidate_ref": ("participant", "candidate_ref = 'C-000001'", ""),
    "ck_participant_destroyed": ("participant", "destroyed_at = null", "state = 'destroyed'"),
    "ck_participant_held": ("participant", "held = true", "held_at is null and destroyed_at is null"),
    "ck_participant_hold": ("participant", "held_at = now()", "held_at is null"),
    "ck_participant_nothing_left": ("participant", "sealed = 'left'", "state = 'destroyed'"),
    "ck_participant_number": ("participant", "number = '2026-1'", "state = 'admitted'"),
    "ck_participant_number_of_the_admitted": ("participant", "number = '#2026-02'", "state = 'assigned'"),
    "ck_participant_state": ("participant", "state = 'lost', number = null", "state = 'assigned'"),
    "ck_passkey_credential_id": ("passkey", "credential_id = 'agate@ccsmtl.example'", ""),
    "ck_person_email": ("person", "email = 'nobody'", ""),
    "ck_person_language": ("person", "language = 'la'", ""),
    "ck_program_governance": ("program", "governance = 'loose'", ""),
    "ck_round_mark_done_and_ran": ("round_mark", "ran_at = null", ""),
    "ck_round_mark_trouble_and_since": ("round_mark", "trouble = 'error.OSError'", ""),
    "ck_rate_count_key": ("rate_count", "key = '203.0.113.7'", ""),
    "ck_rate_count_tries": ("rate_count", "tries = 0", ""),
    "ck_referral_asked": ("referral", "asked = '{reasons}'", "asked_at is null"),
    "ck_referral_by_its_link": ("referral", "link_id = null", "way = 'link'"),
    "ck_referral_has_its_result": ("referral", "result = ''", "state = 'triaged'"),
    "ck_referral_left_by_somebody": ("referral", "left_at = now()", "way = 'link'"),
    "ck_referral_link_browser_digest": ("referral_link", "browser_digest = 'a-cookie'", ""),
    "ck_referral_link_token_digest": ("referral_link", "token_digest = upper(token_digest)", "token_digest ~ '[a-f]'"),
    "ck_referral_offered": ("referral", "offered = '{elsewhere}', stands = 'not_admitted'", ""),
    "ck_referral_offered_instead": ("referral", "offered = '{health}'", "stands = 'received'"),
    "ck_referral_received": ("referral", "received_at = null", "state = 'received'"),
    "ck_referral_reference": ("referral", "reference = 'C-00'", ""),
    "ck_referral_result": ("referral", "result = 'perhaps'", "state = 'triaged'"),
    "ck_referral_someone_referred": ("referral", "referred_by = null", "way = 'page'"),
    "ck_referral_state": ("referral", "state = 'lost', result = ''", "state = 'received'"),
    "ck_referral_stands": ("referral", "stands = 'elsewhere'", ""),
    "ck_referral_triaged": ("referral", "triaged_at = now()", "triaged_by is null"),
    "ck_request_n": ("request", "n = 0", ""),
    "ck_referral_way": ("referral", "way = 'pigeon'", "way = 'page'"),
    "ck_research_consent_from_somewhere": ("research_consent", "kept_by = null, kept_at = null", ""),
    "ck_research_consent_kept": ("research_consent", "kept_at = null", ""),
    "ck_research_consent_research_withdrawn": ("research_consent", "withdrawn_on = signed_on", ""),
    "ck_research_group_left": ("research_group", "left_at = now()", "left_because = ''"),
    "ck_research_group_left_because": ("research_group", "left_because = 'bored', left_at = now()", ""),
    "ck_restored_matter_decided": ("restored_matter", "decided_at = now()", "decision = ''"),
    "ck_restored_matter_decision": ("restored_matter", "decision = 'perhaps', decided_at = now(), decided_as = ''", ""),
    "ck_restored_matter_kind": ("restored_matter", "kind = 'weather'", ""),
    "ck_rights_package_digest": ("rights_package", "digest = 'abc'", ""),
    "ck_rights_package_kept": ("rights_package", "sealed = null", ""),
    "ck_rights_package_removed": ("rights_package", "sealed = null, removed_at = now()", ""),
    "ck_rights_request_answered": ("rights_request", "state = 'answered', ended_at = now()", "participant_id is null"),
    "ck_rights_request_asked_by": ("rights_request", "asked_by = 'neighbour'", ""),
    "ck_rights_request_contested": (
        "rights_request",
        "contested = 'weather', statement = 'x'",
        "participant_id is not null",
    ),
    "ck_rights_request_ended": ("rights_request", "ended_at = now()", ""),
    "ck_rights_request_extended": ("rights_request", "extended_on = received_on - 1", ""),
    "ck_rights_request_ground": ("rights_request", "ground = 'whim'", ""),
    "ck_rights_request_handed_over": ("rights_request", "handed_over = 'pigeon'", ""),
    "ck_rights_request_in_order": ("rights_request", "due_on = received_on", ""),
    "ck_rights_request_kind": ("rights_request", "kind = 'gossip'", ""),
    "ck_rights_request_language": ("rights_request", "language = 'la'", ""),
    "ck_rights_request_nobody": ("rights_request", "asked = 'x'", "participant_id is null"),
    "ck_rights_request_of_a_worker": ("rights_request", "person_id = recorded_by", ""),
    "ck_rights_request_reached": ("rights_request", "handed_over = 'in_person'", ""),
    "ck_rights_request_refused": ("rights_request", "ground = 'health'", ""),
    "ck_rights_request_said_beside": ("rights_request", "contested = 'risk'", ""),
    "ck_rights_request_state": ("rights_request", "state = 'lost', ended_at = now()", ""),
    "ck_rights_request_verified_by": ("rights_request", "verified_by = 'face'", ""),
    "ck_risk_assessment_at_admission": ("risk_assessment", "level = 'blue'", "kind = 'admission'"),
    "ck_risk_assessment_kind": ("risk_assessment", "kind = 'weather'", ""),
    "ck_risk_assessment_of_a_recruiter": ("risk_assessment", "level = 'red'", "kind = 'recruiter'"),
    "ck_redaction_by_two": ("redaction", "settled_by = asked_by", "state = 'done'"),
    "ck_redaction_digests": ("redaction", "after = null", "state = 'done'"),
    "ck_redaction_done_has_digests": ("redaction", "before = null, after = null", "state = 'done'"),
    "ck_redaction_of_one": ("redaction", "meeting_id = null", ""),
    "ck_redaction_settled": ("redaction", "settled_at = now()", "state = 'asked'"),
    "ck_redaction_state": ("redaction", "state = 'lost', words = null, settled_at = now()", "state = 'asked'"),
    "ck_redaction_taken_out": ("redaction", "taken_out = 'everything'", ""),
    "ck_redaction_words_while_asked": ("redaction", "words = null", "state = 'asked'"),
    "ck_sent_before_digest": ("sent_before", "digest = 'abc'", ""),
    "ck_staff_research_consent_staff_research_withdrawn": ("staff_research_consent", "withdrawn_on = signed_on", ""),
    "ck_study_ended": ("study", "ended_at = now()", ""),
    "ck_study_fields": ("study", "fields = '{}'", ""),
    "ck_study_months_by_their_first_day": ("study", "last_month = last_month + 1", ""),
    "ck_study_months_in_order": ("study", "first_month = (last_month + interval '1 month')::date", ""),
    "ck_study_number": ("study", "number = 0", ""),
    "ck_study_recipient_removed": ("study_recipient", "removed_at = now()", ""),
    "ck_study_export_by_two": ("study_export", "settled_by = asked_by", "state = 'made'"),
    "ck_study_export_closed": ("study_export", "state = 'closed'", "state = 'made'"),
    "ck_study_export_made": ("study_export", "made_at = null", "state = 'made'"),
    "ck_study_export_settled": ("study_export", "settled_at = now()", "state = 'asked'"),
    "ck_study_export_state": ("study_export", "state = 'lost', made_at = null", "state = 'made'"),
    "ck_seal_counts": ("seal", "lines = 0", ""),
    "ck_seat_holder_in_order": ("seat_holder", "ends_on = starts_on - 1", ""),
    "ck_seat_holder_kind": ("seat_holder", "kind = 'guest'", ""),
    "ck_seat_in_order": ("seat", "starts_on = '2026-01-02', ends_on = '2026-01-01'", ""),
    "ck_settlement_ended_as": ("settlement", "ended_as = 'gone', successor_id = null", ""),
    "ck_settlement_successor_or_end": ("settlement", "ended_as = 'returned'", ""),
    "ck_sign_in_flow_cookie_digest": ("sign_in_flow", "cookie_digest = cookie_digest || '0'", ""),
    "ck_sign_in_flow_kind": ("sign_in_flow", "kind = 'guess'", ""),
    "ck_signed_file_sha256": ("signed_file", "sha256 = 'abc'", ""),
    "ck_signature_taken_back_of_paper": ("signature", "on_paper = false, taken_back_at = now()", ""),
    "ck_signed_file_size": ("signed_file", "size = 0", ""),
    "ck_stray_reply_claimed": ("stray_reply", "claimed = 'perhaps'", ""),
    "ck_stray_reply_digest": ("stray_reply", "digest = 'the mail itself'", ""),
    "ck_stray_reply_outcome": ("stray_reply", "outcome = 'lost', seen_at = now()", ""),
    "ck_stray_reply_outcome_and_seen_at": ("stray_reply", "outcome = 'taken'", "seen_at is null"),
    "ck_stray_reply_seen_by": ("stray_reply", "seen_by = person_id", "seen_at is null and person_id is not null"),
    "ck_task_act_state": ("task", "act_state = 'lost'", ""),
    "ck_task_done": ("task", "done_as = null", "done_at is not null and state not in ('done', 'submitted')"),
    "ck_task_done_has_its_moment": ("task", "state = 'done'", "done_at is null and approved_by_id is null"),
    "ck_task_handed_back": ("task", "handed_back_at = now()", "handed_back_by is null"),
    "ck_task_given_again": ("task", "given_again_at = now()", "given_again_by is null"),
    "ck_task_handed_back_or_given_again": (
        "task",
        (
            "handed_back_at = now(), handed_back_by = (select id from person limit 1), given_again_at = now(),"
            " given_again_by = (select id from person limit 1)"
        ),
        "",
    ),
    "ck_task_need_not_itself": ("task_need", "needs_id = task_id", ""),
    "ck_task_not_own": ("task", "settled_by = done_by", "approved_by_id is not null and done_by is not null"),
    "ck_task_state": ("task", "state = 'lost'", ""),
    "ck_task_submitted": ("task", "state = 'submitted'", "approved_by_id is null"),
    "ck_tenure_ended": ("tenure", "ended_at = now()", "ended_by is null"),
    "ck_tenure_in_order": ("tenure", "ends_on = starts_on - 1", ""),
    "ck_tenure_taken_back_whole": ("tenure", "taken_back_at = now()", "ends_on is null"),
    "ck_word_key_gone": ("word_key", "destroyed_at = null", "gone_at is not null"),
    "ck_word_key_of_one": ("word_key", "meeting_id = null", "destroyed_at is not null"),
    "ck_waiver_in_order": ("waiver", "ends_on = starts_on - 1", ""),
    "ck_waiver_proposed": ("waiver", "proposal_id = null", "not from_before"),
    "ck_waiver_proposal_in_order": ("waiver_proposal", "ends_on = starts_on - 1", ""),
    "ck_waiver_proposal_with_a_reason": ("waiver_proposal", "reason = ''", ""),
    "ck_acceptance_by_somebody": ("acceptance", "said_by = null", "said <> 'kept'"),
    "ck_acceptance_of_one_proof": ("acceptance", "document_id = null", "document_id is not null"),
    "ck_acceptance_returned_with_words": ("acceptance", "said = 'returned', reason = ''", "said = 'accepted'"),
    "ck_acceptance_said": ("acceptance", "said = 'lost'", "said = 'accepted'"),
    "ck_activity_called_off": ("activity", "called_off_at = now()", "called_off_as is null"),
    "ck_activity_kind": ("activity", "kind = 'party'", ""),
    "ck_activity_minutes": ("activity", "minutes = 5", "minutes is not null"),
    "ck_activity_when": ("activity", "minutes = null", "minutes is not null"),
    "ck_activity_part_place": ("activity_part", "place = 0", ""),
    "ck_activity_part_taken_out": ("activity_part", "taken_out_at = now()", ""),
    "ck_activity_part_where": ("activity_part", "sealed = null", "sealed is not null"),
    "ck_assignment_ended": ("assignment", "ended_as = null", "ended_at is not null"),
    "ck_assignment_in_order": ("assignment", "ends_on = starts_on - 1", ""),
    "ck_assignment_kind": ("assignment", "kind = 'third'", ""),
    "ck_assignment_withdrawn_by_someone": ("assignment", "withdrawn_at = now(), ended_at = null, ended_as = null", ""),
    "ck_case_discussion_follows": ("case_discussion", "due_on = null", "task_id is not null"),
    "ck_case_discussion_outcome": ("case_discussion", "outcome = 'forgotten'", "meeting_id is not null"),
    "ck_case_discussion_raised": ("case_discussion", "raised_at = null", "raised is not null"),
    "ck_case_discussion_recorded": ("case_discussion", "recorded_at = null", "meeting_id is not null"),
    "ck_case_discussion_said": ("case_discussion", "said = '\\x00'", "meeting_id is null"),
    "ck_case_discussion_spoken_of": ("case_discussion", "outcome = 'goes_on'", "meeting_id is null"),
    "ck_case_discussion_urgent": ("case_discussion", "urgent = true", "raised is null"),
    "ck_contact_attempt_means": ("contact_attempt", "means = 'pigeon'", ""),
    "ck_follow_up_break_ended": ("follow_up_break", "ended_on = starts_on", "ended_at is null"),
    "ck_follow_up_break_returns_later": ("follow_up_break", "returns_on = starts_on", ""),
    "ck_follow_up_inactive_for_a_reason": ("follow_up", "inactive_reason = null", "state = 'inactive'"),
    "ck_follow_up_inactive_reason": ("follow_up", "inactive_reason = 'boredom'", "state = 'inactive'"),
    "ck_follow_up_intensity": ("follow_up", "intensity = 'enormous'", ""),
    "ck_follow_up_since_its_opening": ("follow_up", "state_since = opened_on - 1", ""),
    "ck_follow_up_state": ("follow_up", "state = 'lost'", "state = 'active'"),
    "ck_no_show_agreed": ("no_show", "agreed_on = null", "strategy is not null"),
    "ck_no_show_strategy": ("no_show", "strategy = 'shout'", ""),
    "ck_no_show_waited_minutes": ("no_show", "waited_minutes = 241", ""),
    "ck_process_mark_week_is_a_monday": ("process_mark", "week = week + 1", ""),
    "ck_note_import_saved": ("note_import", "saved_as = null", "saved_at is not null"),
    "ck_note_import_taken_back_once_saved": ("note_import", "taken_back_at = now()", "saved_at is null"),
    "ck_note_import_sheet_name": ("note_import_sheet", "name = 'Anyone'", ""),
    "ck_note_import_sheet_position": ("note_import_sheet", "position = 0", ""),
    "ck_note_import_sheet_sealed_for_someone": ("note_import_sheet", "follow_up_id = null", "sealed is not null"),
    "ck_self_report_done": ("self_report", "risk = null", ""),
    "ck_self_report_risk": ("self_report", "risk = 'blue'", ""),
    "ck_self_report_time": ("self_report", "n = 3", ""),
    "ck_weekly_note_complete": ("weekly_note", "why_none = null", "met = 0 and communications = '{}' and is_complete"),
    "ck_weekly_note_communications": ("weekly_note", "communications = array['pigeon']", ""),
    "ck_weekly_note_need": ("weekly_note", "need = 'gold'", ""),
    "ck_weekly_note_worker_satisfaction": ("weekly_note", "worker_satisfaction = 'bliss'", ""),
    "ck_weekly_note_participant_satisfaction": ("weekly_note", "participant_satisfaction = 'bliss'", ""),
    "ck_weekly_note_activity_type": ("weekly_note", "activity_type = 'heist'", ""),
    "ck_weekly_note_has_words": ("weekly_note", "words = null", "has_words"),
    "ck_weekly_note_met": ("weekly_note", "met = 22, why_none = null", ""),
    "ck_weekly_note_minutes": ("weekly_note", "minutes = 6001, met = 1, why_none = null", ""),
    "ck_weekly_note_minutes_of_meetings": ("weekly_note", "minutes = 5", "met = 0"),
    "ck_weekly_note_none_for_a_reason": ("weekly_note", "met = 1", "why_none is not null"),
    "ck_weekly_note_week_is_a_monday": ("weekly_note", "week = week + 1", ""),
    "ck_weekly_note_why_none": ("weekly_note", "why_none = 'rain'", ""),
}


def _refused(connection: Connection, statement: Any) -> tuple[str | None, str | None]:
    """How a statement is refused: the code and the constraint. It must be refused."""
    with pytest.raises(DBAPIError) as caught, connection.begin_nested():
        connection.execute(statement)
    assert isinstance(caught.value.orig, psycopg.Error)
    return caught.value.orig.sqlstate, caught.value.orig.diag.constraint_name


def _catalogue(database: Database, query: str) -> list[Any]:
    with as_superuser(database) as connection:
        return list(connection.execute(text(query)).all())


# Every CHECK, every key and every exclusion of the catalogue, each broken once.


@pytest.mark.ci
def test_every_check_of_the_catalogue_is_tried(lived_in: Cast) -> None:
    rows = _catalogue(
        lived_in.database,
        "select conname from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace",
    )
    assert {row[0] for row in rows} == BREAKS.keys()


@pytest.mark.wide
@pytest.mark.parametrize("check", sorted(BREAKS))
def test_the_database_refuses_what_a_check_forbids(lived_in: Cast, check: str) -> None:
    table, change, where = BREAKS[check]
    condition = where or "true"
    with as_superuser(lived_in.database) as connection:
        if check == "ck_task_done":
            # A moment without a hat is left by nothing of ours; one is put together here.
            connection.execute(text("update task set done_at = now(), done_as = 'x' where state = 'planned'"))
        # Our own words from the table above, not input.
        place = connection.execute(text(f"select ctid::text from {table} where {condition} limit 1")).scalar()  # noqa: S608
        assert place, f"no row of {table} to break {check} on"
        broken = text(f"update {table} set {change} where ctid = cast(:place as tid)").bindparams(place=place)  # noqa: S608
        assert _refused(connection, broken) == (CHECKED, check)


_KEYS = """
    select indrelid::regclass::text, indexrelid::regclass::text, coalesce(pg_get_expr(indpred, indrelid), 'true'),
        (select conname from pg_constraint where conindid = indexrelid and contype in ('u', 'x'))
    from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = 'public'::regnamespace and (indisunique or indisexclusion) and not indisprimary
"""
#: The keys that stand beside the primary ones; a new one is tried as soon as it is named here.
KEYS = {
    "absence": {"one_absence_at_a_time"},
    "acceptance": {f"one_word_stands_of_{proof}" for proof in ("document", "attestation", "evidence")},
    "account": {"one_open_account"},
    "admission_decision": {"uq_admission_decision_program_id_participant_id_n"},
    "agenda_item": {"one_number_a_meeting", "one_open_item"},
    "agenda_version": {"uq_agenda_version_program_id_meeting_id_n"},
    "agreement": {"uq_agreement_program_id_organization_id"},
    "agreement_role": {"uq_agreement_role_program_id_agreement_version_id_role"},
    "agreement_version": {"one_in_force", "uq_agreement_version_program_id_agreement_id_n"},
    "attendance": {"uq_attendance_program_id_meeting_id_seat_id"},
    "attestation": {"one_attestation_stands"},
    "barred": {"barred_once"},
    "browser_session": {"uq_browser_session_program_id_id"},
    "calendar_feed": {"uq_calendar_feed_program_id_id"},
    "calendar_reader": {"uq_calendar_reader_program_id_person_id"},
    "candidate_worker": {"one_worker_a_candidate"},
    "case": {"begun_once", "one_open_case"},
    "committee": {"uq_committee_program_id_key"},
    "consent": {"one_consent_stands"},
    "criterion_finding": {"uq_criterion_finding_program_id_participant_id_criterion_n"},
    "data_key": {"uq_data_key_program_id_participant_id"},
    "decision": {"uq_decision_program_id_number"},
    "departure": {"uq_departure_program_id_case_id"},
    "destruction": {"one_destruction_asked"},
    "drafted_year": {"uq_drafted_year_program_id_committee_id_follows"},
    "endorsement": {"one_endorsement_counts"},
    "equipment": {"one_of_a_number", "uq_equipment_program_id_kind_serial"},
    "first_meeting": {"uq_first_meeting_program_id_participant_id_n"},
    "follow_up_summary": {"uq_follow_up_summary_program_id_task_id"},
    "hand_over": {"one_hand_over_at_a_time"},
    "identity": {"one_identity_a_person", "one_person_an_identity"},
    "incident": {"uq_incident_program_id_number"},
    "incident_version": {"uq_incident_version_program_id_incident_id_number"},
    "interview": {"uq_interview_program_id_case_id_applicant_interviewer_id"},
    "invitation": {"uq_invitation_program_id_meeting_id_person_id", "uq_invitation_program_id_series_id_person_id"},
    "lateness": {"uq_lateness_program_id_task_id_due_on_until"},
    "loan": {"one_hand_at_a_time"},
    "meeting": {"uq_meeting_program_id_series_id_original", "uq_meeting_program_id_uid"},
    "meeting_answer": {"uq_meeting_answer_program_id_meeting_id_person_id"},
    "meeting_guest": {"one_guest_a_meeting"},
    "meeting_series": {"uq_meeting_series_program_id_uid"},
    "minutes": {"uq_minutes_program_id_meeting_id"},
    "name_answer": {"uq_name_answer_program_id_mark"},
    "notice": {"uq_notice_program_id_key"},
    "number_sequence": {"uq_number_sequence_program_id_year"},
    "obligation": {"uq_obligation_program_id_agreement_version_id_key"},
    "obligation_finding": {"uq_obligation_finding_program_id_period_id_n"},
    "obligation_period": {"uq_obligation_period_program_id_agreement_id_key_period_starts"},
    "organization": {"uq_organization_program_id_key"},
    "participant": {"uq_participant_program_id_candidate_ref", "uq_participant_program_id_number"},
    "passkey": {"uq_passkey_program_id_id"},
    "person": {"uq_person_program_id_key"},
    "program": {"uq_program_key"},
    "protocol_version": {"uq_protocol_version_program_id_key_digest"},
    "referral": {"uq_referral_program_id_link_id", "uq_referral_program_id_reference"},
    "referral_link": {"uq_referral_link_program_id_id"},
    "request": {"uq_request_program_id_task_id_n"},
    "research_consent": {"one_research_consent_stands"},
    "research_group_member": {"uq_research_group_member_program_id_participant_id"},
    "staff_research_consent": {"one_staff_research_consent_stands"},
    "study": {"uq_study_program_id_number"},
    "study_export": {"one_export_asked", "uq_study_export_program_id_study_id_n"},
    "study_recipient": {"named_once"},
    "study_row": {"uq_study_row_program_id_study_export_id_participant_id"},
    "responsibility": {"uq_responsibility_program_id_digest"},
    "restoration": {"uq_restoration_program_id_epoch"},
    "restored_matter": {"uq_restored_matter_program_id_ledger_n"},
    "rights_package": {"one_package_stands"},
    "rights_request": {"one_request_of_a_kind", "uq_rights_request_program_id_number"},
    "risk_assessment": {"uq_risk_assessment_program_id_participant_id_kind_n"},
    "role": {"uq_role_program_id_key"},
    "seal": {"uq_seal_program_id_number"},
    "seat": {"uq_seat_program_id_committee_id_key"},
    "seat_holder": {"once_a_seat", "one_principal"},
    "sent_head": {"uq_sent_head_program_id_sent_on"},
    "signature": {"signed_once"},
    "stray_reply": {"uq_stray_reply_program_id_digest"},
    "task": {"uq_task_program_id_case_id_step_item"},
    "task_words": {"uq_task_words_program_id_task_id"},
    "tenure": {"one_holder", "one_tenure_at_a_time"},
    "activity_part": {"alone_in_theirs", "uq_activity_part_program_id_activity_id_follow_up_id"},
    "assignment": {"one_part_a_worker", "one_worker_of_a_kind"},
    "case_discussion": {"one_discussion_a_meeting", "one_waits"},
    "follow_up": {"uq_follow_up_program_id_participant_id"},
    "follow_up_break": {"one_break_at_a_time"},
    "no_show": {"uq_no_show_program_id_follow_up_id_expected_at"},
    "note_import_sheet": {"uq_note_import_sheet_program_id_note_import_id_position"},
    "self_report": {"uq_self_report_program_id_follow_up_id_n"},
    "process_mark": {"uq_process_mark_program_id_follow_up_id_week"},
    "weekly_note": {"uq_weekly_note_program_id_follow_up_id_week"},
    "waiver": {"one_waiver_a_day"},
    "word_key": {"one_word_key_a_meeting", "one_word_key_an_incident", "one_word_key_a_study"},
}


def test_every_key_of_the_catalogue_is_tried(lived_in: Cast) -> None:
    found: dict[str, set[str]] = {}
    for table, index, _, _ in _catalogue(lived_in.database, _KEYS):
        found.setdefault(table.strip('"'), set()).add(index)
    assert found == KEYS


@pytest.mark.wide
@pytest.mark.parametrize(("table_name", "key"), [(table, key) for table in sorted(KEYS) for key in sorted(KEYS[table])])
def test_the_database_refuses_a_second_row_under_a_key(lived_in: Cast, table_name: str, key: str) -> None:
    """A copy of a row under another name is refused by this key alone, the table's others put aside."""
    table = metadata.tables[table_name]
    with as_superuser(lived_in.database) as connection:
        keys = [row for row in connection.execute(text(_KEYS)).all() if row[0].strip('"') == table_name]
        predicate = next(row[2] for row in keys if row[1] == key)
        for _, index, _, constraint in keys:
            if index != key:
                away = (
                    f'alter table "{table_name}" drop constraint "{constraint}"'
                    if constraint
                    else f"drop index {index}"
                )
                connection.execute(text(away))
        # A key says nothing of rows in which one of its columns is empty, but where it says that empty is alike.
        named = [] if _empty_is_alike(table, key) else [table.c[name].is_not(None) for name in _columns(table, key)]
        row = connection.execute(select(table).where(text(predicate), *named).limit(1)).mappings().one()
        held = {name: value for name, value in row.items() if name != "n" or table_name != "notice"}
        copy = anew(table, held, keeping=_columns(table, key))
        if key == "one_person_an_identity":  # the same account, of someone else
            person = table_of(Person)
            everyone = select(person.c.id).where(
                person.c.program_id == row["program_id"], person.c.id != row["person_id"]
            )
            copy["person_id"] = connection.execute(everyone.limit(1)).scalar_one()
        expected = EXCLUDED if isinstance(_constraint(table, key), ExcludeConstraint) else TAKEN
        assert _refused(connection, insert(table).values(**copy)) == (expected, key)


def _columns(table: Table, key: str) -> set[str]:
    kept = next((one for one in table.indexes if one.name == key), _constraint(table, key))
    return {column.name for column in kept.columns} if isinstance(kept, (UniqueConstraint, Index)) else set()


def _empty_is_alike(table: Table, key: str) -> bool:
    kept = next((one for one in table.indexes if one.name == key), None)
    return kept is not None and bool(kept.dialect_options["postgresql"]["nulls_not_distinct"])


def _constraint(table: Table, key: str) -> object:
    return next((one for one in table.constraints if one.name == key), None)


# Days: spans that may not meet.


def _row(connection: Connection, table: Table, **wanted: Any) -> dict[str, Any]:
    found = connection.execute(
        select(table).where(and_(*(table.c[name] == value for name, value in wanted.items()))).limit(1)
    )
    return dict(found.mappings().one())


def _days(row: Mapping[str, Any], starts_on: date, ends_on: date | None, **changes: Any) -> dict[str, Any]:
    """A copy of a row over other days, under an id of its own."""
    return {**row, "id": uuid4(), "starts_on": starts_on, "ends_on": ends_on, **changes}


def _in_a_program(cast: Cast) -> Any:
    return as_application(cast.database, cast.program_id)


DAY = timedelta(days=1)
A_YEAR = timedelta(days=365)


def test_a_person_holds_a_role_at_an_organization_once_on_any_day(lived_in: Cast) -> None:
    table = table_of(Tenure)
    with _in_a_program(lived_in) as connection:
        held = _row(connection, table, person_id=lived_in.people["worker_ccsmtl"])
        assert held["ends_on"] is None
        again = (EXCLUDED, "one_tenure_at_a_time")
        assert _refused(connection, insert(table).values(_days(held, TODAY, None))) == again
        assert _refused(connection, insert(table).values(_days(held, TODAY, TODAY))) == again
        # Both days are inclusive: one that ends on the first day of the other shares that day.
        assert _refused(connection, insert(table).values(_days(held, SINCE - A_YEAR, SINCE))) == again
        connection.execute(insert(table).values(_days(held, SINCE - A_YEAR, SINCE - DAY)))


def test_the_same_role_elsewhere_and_another_role_there_are_no_second_hold(lived_in: Cast) -> None:
    table = table_of(Tenure)
    with _in_a_program(lived_in) as connection:
        held = _row(connection, table, person_id=lived_in.people["worker_ccsmtl"])
        connection.execute(insert(table).values(_days(held, TODAY, None, role="second_representative")))
        elsewhere = lived_in.organizations["codim"]
        connection.execute(insert(table).values(_days(held, TODAY, None, organization_id=elsewhere)))
        colleague = lived_in.people["worker_em"]
        connection.execute(insert(table).values(_days(held, TODAY, None, person_id=colleague)))


def test_a_role_with_one_holder_has_one_on_any_day(lived_in: Cast) -> None:
    table, role = table_of(Tenure), table_of(Role)
    with _in_a_program(lived_in) as connection:
        single = set(connection.execute(select(role.c.key).where(role.c.single_holder)).scalars())
        held = dict(
            connection.execute(select(table).where(table.c.role.in_(single), table.c.ends_on.is_(None)).limit(1))
            .mappings()
            .one()
        )
        assert held["single_holder"]
        another = lived_in.people["worker_ccsmtl"]
        second = _days(held, TODAY, None, person_id=another)
        assert _refused(connection, insert(table).values(second)) == (EXCLUDED, "one_holder")
        before = _days(held, held["starts_on"] - A_YEAR, held["starts_on"] - DAY, person_id=another)
        connection.execute(insert(table).values(before))
        # A role that several may hold is not concerned.
        connection.execute(insert(table).values({**second, "single_holder": False}))


@pytest.mark.ci
def test_of_two_who_appoint_the_same_person_at_the_same_moment_one_succeeds(lived_in: Cast) -> None:
    """Neither transaction sees the other's row, which no rule in the program could notice."""
    table = table_of(Tenure)
    with _in_a_program(lived_in) as connection:
        held = _row(connection, table, person_id=lived_in.people["worker_codim"])
    row = _days(held, TODAY, None, role="second_representative")
    both_began = threading.Barrier(2, timeout=30)
    answers: list[str | None] = []

    def appoint() -> None:
        with lived_in.database.engine.connect() as connection:
            connection.execute(
                text("select set_config('spheres.program_id', :id, true)"), {"id": str(lived_in.program_id)}
            )
            both_began.wait()
            try:
                connection.execute(insert(table).values({**row, "id": uuid4()}))
                connection.commit()
                answers.append(None)
            except DBAPIError as refused:
                answers.append(getattr(refused.orig, "sqlstate", "none"))

    threads = [threading.Thread(target=appoint) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers.count(None) == 1
    # Each waits for the other where they meet, and PostgreSQL then breaks one off: either word is a refusal.
    (refusal,) = [answer for answer in answers if answer is not None]
    assert refusal in (EXCLUDED, errors.DeadlockDetected.sqlstate)


def test_nobody_is_absent_twice_on_a_day_but_for_an_absence_called_off(lived_in: Cast) -> None:
    table = table_of(Absence)
    with _in_a_program(lived_in) as connection:
        away = _row(connection, table, person_id=lived_in.people["manager_em"])
        last = away["ends_on"]
        twice = (EXCLUDED, "one_absence_at_a_time")
        assert _refused(connection, insert(table).values(_days(away, last, last + DAY))) == twice
        connection.execute(insert(table).values(_days(away, last, last + DAY, cancelled_at=AT)))
        connection.execute(insert(table).values(_days(away, last + DAY, last + DAY)))
        connection.execute(insert(table).values(_days(away, last, last, person_id=lived_in.people["manager_la"])))


def test_no_two_versions_of_an_agreement_are_in_force_on_a_day(lived_in: Cast) -> None:
    table, agreement = table_of(AgreementVersion), table_of(Agreement)
    with _in_a_program(lived_in) as connection:
        concluded = _row(connection, agreement, organization_id=lived_in.organizations["en-marge"])
        held = _row(connection, table, agreement_id=concluded["id"], state="in_force")
        twice = (EXCLUDED, "one_in_force")
        assert _refused(connection, insert(table).values(_days(held, TODAY + A_YEAR, None, n=2))) == twice
        ended = _days(held, TODAY - A_YEAR, TODAY, n=2, state="ended")
        assert _refused(connection, insert(table).values(ended)) == twice
        connection.execute(insert(table).values({**ended, "ends_on": TODAY - DAY}))
        # Until it is in force, a version may speak of any day.
        connection.execute(insert(table).values(_days(held, TODAY, None, n=3, state="signed")))


def test_a_seat_has_one_principal_on_a_day_and_may_have_an_alternate(lived_in: Cast) -> None:
    table, seat = table_of(SeatHolder), table_of(Seat)
    with _in_a_program(lived_in) as connection:
        held = _any_principal(connection)
        assert connection.execute(select(seat.c.id).where(seat.c.id == held["seat_id"])).scalar_one() == held["seat_id"]
        start = held["starts_on"]
        other = lived_in.people["manager_la"]
        second = _days(held, start, None, person_id=other)
        assert _refused(connection, insert(table).values(second)) == (EXCLUDED, "one_principal")
        connection.execute(insert(table).values({**second, "withdrawn_at": AT}))
        connection.execute(insert(table).values({**second, "id": uuid4(), "kind": "alternate"}))
        # The same person is not their own alternate.
        itself = _days(held, start, None, kind="alternate")
        assert _refused(connection, insert(table).values(itself)) == (EXCLUDED, "once_a_seat")
        # Nor an alternate twice; a second alternate is another person.
        assert _refused(connection, insert(table).values({**second, "id": uuid4(), "kind": "alternate"})) == (
            EXCLUDED,
            "once_a_seat",
        )


def _any_principal(connection: Connection) -> dict[str, Any]:
    table = table_of(SeatHolder)
    found = connection.execute(
        select(table).where(table.c.kind == "principal", table.c.withdrawn_at.is_(None)).limit(1)
    )
    return dict(found.mappings().one())


# The shape that all tables share.


#: Wall time, in the zone whose name stands in the row or in its series' row; the moment stands beside it.
LOCAL = {("meeting", "original"), ("meeting", "starts")}


@pytest.mark.parametrize("name", TABLES)
def test_every_moment_is_kept_with_its_offset(name: str) -> None:
    for column in metadata.tables[name].columns:
        if isinstance(column.type, DateTime) and (name, column.name) not in LOCAL:
            assert column.type.timezone, f"{name}.{column.name} would lose its offset"


#: Of no program, or the program itself.
OF_NONE = {"program", "backup_run", "beat", "engine_seat", "rate_count", "sign_in_flow", "ledger_seen", "epoch"}
#: Looked up before a program is known: by a digest or an id drawn at random, or by what a directory calls someone.
FOUND_FIRST = {
    "browser_session": "token_digest",
    "calendar_feed": "token_digest",
    "door": "token_digest",
    "meeting_link": "token_digest",
    "passkey": "credential_id",
    "referral_link": "token_digest",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_a_program_is_named_by_its_program_and_an_id_that_tells_nothing(name: str) -> None:
    table = metadata.tables[name]
    key = [column.name for column in table.primary_key.columns]
    assert not any(column.autoincrement is True for column in table.primary_key.columns)
    assert ("program_id" not in table.c) == (name in OF_NONE)
    if name in OF_NONE:
        return
    assert table.c.program_id.foreign_keys, f"{name} belongs to no program that exists"
    if name in FOUND_FIRST:
        assert key == [FOUND_FIRST[name]]
    elif name == "identity":
        assert key == ["tenant_id", "object_id", "program_id", "person_id"]
    else:
        assert key[0] == "program_id"


def test_ids_are_drawn_anew_for_every_row() -> None:
    made = {Role(program_id=uuid4(), key="x", title_fr="x", title_en="x").id for _ in range(100)}
    assert len(made) == 100
    assert {one.version for one in made} == {4}


@pytest.mark.ci
def test_every_state_that_a_lifecycle_knows_is_one_that_the_database_takes(lived_in: Cast) -> None:
    """The words of the CHECK and those of the table of moves are the same, so that no move ends in an error."""
    places = {
        "case",
        "task",
        "notice",
        "agreement version",
        "meeting",
        "agenda item",
        "decision",
        "minutes",
        "referral",
        "participant",
        "follow-up",
        "destruction",
        "rights request",
        "equipment",
        "redaction",
        "study export",
    }
    for lifecycle in lifecycles.LIFECYCLES:
        table = lifecycle.name.replace(" ", "_").replace("-", "_") if lifecycle.name in places else None
        column = "state"
        if lifecycle is lifecycles.ACT:
            table, column = "task", "act_state"
        if lifecycle is lifecycles.ENDORSEMENT:
            table, column = "decision", "endorsement"
        assert table is not None, f"no table is known for {lifecycle.name}"
        checks = "select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'c'"
        definition = dict(tuple(row) for row in _catalogue(lived_in.database, checks))[f"ck_{table}_{column}"]
        assert set(definition.split("'")[1::2]) == set(lifecycle.states)
