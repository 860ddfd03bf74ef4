-- The walls: what the application may not do, whatever it asks. It signs in as `spheres_app`, which owns nothing and
-- passes no policy. Each transaction says its program in the setting `spheres.program_id`. Why: `models/walls.py`.

grant usage on schema public to spheres_app;

-- The rows of the transaction's own program, and no others, are seen and written.

do $$
declare
    own constant text := $own$program_id = nullif(current_setting('spheres.program_id', true), '')::uuid$own$;
    walled text;
begin
    foreach walled in array array[
        'organization', 'person', 'role', 'tenure', 'absence', 'closure', 'committee', 'seat', 'seat_holder',
        'answered_request', 'number_sequence', 'participant', 'data_key', 'barred', 'agreement', 'agreement_version',
        'agreement_role', 'obligation', 'signature', 'signed_file', 'protocol_version', 'responsibility', 'case',
        'task', 'task_need', 'task_words', 'request', 'lateness', 'equipment', 'loan', 'account', 'evidence',
        'evidence_file', 'engine_run', 'round_mark', 'inbox_place', 'drafted_year', 'meeting_series', 'meeting',
        'meeting_guest', 'invitation', 'meeting_answer', 'stray_reply', 'calendar_reader', 'agenda_item',
        'agenda_version', 'attendance', 'minutes', 'decision', 'endorsement', 'referral', 'criterion_finding',
        'candidate_worker', 'admission_decision', 'first_meeting', 'risk_assessment', 'consent_form', 'consent',
        'research_consent', 'disclosure', 'follow_up', 'assignment', 'follow_up_break', 'contact_attempt', 'no_show',
        'weekly_note', 'self_report', 'note_import', 'note_import_sheet', 'activity', 'activity_part', 'case_discussion', 'process_mark', 'kept_until',
        'destruction', 'rights_request', 'rights_package', 'departure', 'settlement', 'hand_over',
        'follow_up_summary', 'interview', 'obligation_period', 'obligation_finding', 'obligation_document',
        'obligation_file', 'attestation', 'acceptance', 'waiver_proposal', 'waiver', 'event', 'seal', 'sent_head',
        'incident', 'incident_version', 'word_key', 'redaction', 'name_answer', 'notice', 'restoration',
        'restored_matter', 'sent_before', 'number_given', 'study', 'study_recipient', 'study_export',
        'research_group', 'research_group_member', 'study_row', 'staff_research_consent'
    ] loop
        execute format('alter table %I enable row level security', walled);
        execute format('create policy own_program on %I using (%s) with check (%s)', walled, own, own);
    end loop;
end
$$;

-- Programs can be seen while the transaction has said none, so that one can be chosen.

alter table program enable row level security;
create policy own_or_none_said_finds on program for select
    using (
        id = nullif(current_setting('spheres.program_id', true), '')::uuid
        or nullif(current_setting('spheres.program_id', true), '')::uuid is null
    );
create policy own_is_added on program for insert
    with check (id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_is_changed on program for update
    using (id = nullif(current_setting('spheres.program_id', true), '')::uuid)
    with check (id = nullif(current_setting('spheres.program_id', true), '')::uuid);

-- A way in is found and used before its program is known. Its own program alone adds it or deletes it.

do $$
declare
    own constant text := $own$program_id = nullif(current_setting('spheres.program_id', true), '')::uuid$own$;
    own_or_none_said constant text := own
        || $none$ or nullif(current_setting('spheres.program_id', true), '')::uuid is null$none$;
    walled text;
begin
    foreach walled in array array[
        'identity', 'passkey', 'door', 'browser_session', 'wake_up', 'meeting_link', 'calendar_feed', 'referral_link'
    ] loop
        execute format('alter table %I enable row level security', walled);
        execute format('create policy own_or_none_said_finds on %I for select using (%s)', walled, own_or_none_said);
        execute format('create policy own_is_added on %I for insert with check (%s)', walled, own);
        execute format('create policy own_or_none_said_changes on %I for update using (%s)', walled, own_or_none_said);
    end loop;
    foreach walled in array array['door', 'browser_session'] loop
        execute format('create policy own_is_deleted on %I for delete using (%s)', walled, own);
    end loop;
end
$$;

-- Everything may be read where a policy shows it.

grant select on
    program, organization, person, role, tenure, absence, closure, committee, seat, seat_holder, identity, passkey,
    door, browser_session, sign_in_flow, answered_request, rate_count, number_sequence, participant, data_key, barred,
    agreement, agreement_version, agreement_role, obligation, signature, signed_file, protocol_version, responsibility,
    "case", task, task_need, task_words, request, lateness, equipment, loan, account, evidence, evidence_file, wake_up,
    engine_run, round_mark, inbox_place, beat, backup_run, engine_seat, drafted_year, meeting_series, meeting, meeting_guest,
    invitation, meeting_answer, meeting_link, stray_reply, calendar_feed, calendar_reader, agenda_item, agenda_version, attendance,
    minutes, decision, endorsement, referral_link, referral, criterion_finding, candidate_worker, admission_decision,
    first_meeting, risk_assessment, consent_form, consent, research_consent, disclosure, follow_up, assignment,
    follow_up_break, contact_attempt, no_show, weekly_note, self_report, note_import, note_import_sheet, activity, activity_part, case_discussion,
    process_mark, kept_until, destruction, rights_request, rights_package, departure, settlement,
    hand_over, follow_up_summary, interview, obligation_period, obligation_finding, obligation_document,
    obligation_file, attestation, acceptance, waiver_proposal, waiver, event, seal, sent_head, incident,
    incident_version, word_key, redaction, name_answer, notice, ledger_seen, epoch, restoration, restored_matter,
    sent_before, number_given, study, study_recipient, study_export, research_group, research_group_member, study_row,
    staff_research_consent
to spheres_app;

-- Added and changed.

grant insert, update on
    program, organization, person, role, tenure, absence, closure, committee, seat, seat_holder, sign_in_flow,
    answered_request, rate_count, number_sequence, participant, data_key, barred, agreement, agreement_version,
    agreement_role, obligation, responsibility, "case", task, task_need, task_words, equipment, loan, account, evidence,
    round_mark, inbox_place, beat, engine_seat, drafted_year, meeting_series, meeting, meeting_guest, invitation,
    meeting_answer, stray_reply, calendar_reader, agenda_item, attendance, minutes, decision, endorsement, referral, candidate_worker,
    consent_form, consent, research_consent, follow_up, assignment, follow_up_break, contact_attempt, no_show,
    weekly_note, self_report, note_import, note_import_sheet, activity, activity_part, case_discussion, process_mark, destruction, rights_request, rights_package, departure, hand_over,
    follow_up_summary, interview, obligation_period,
    obligation_document, attestation, acceptance, waiver, incident, word_key, redaction, notice, restoration,
    restored_matter, number_given, study, study_recipient, study_export, research_group, research_group_member,
    study_row, staff_research_consent
to spheres_app;

-- Added, with these columns alone that may change.

grant insert, update (linked_at, ended_at) on identity to spheres_app;
grant insert, update (sign_count, device, used_at, ended_at) on passkey to spheres_app;
grant insert, update (used_at, used_by_digest) on door to spheres_app;
grant insert, update (seen_at, watched_at, ended_at, ended_as, shows, shows_until) on browser_session to spheres_app;
grant insert, update (want, have, wanted_at, not_before, leased_until, leased_by, taken_at, attempts, trouble, shown)
    on wake_up to spheres_app;
grant insert, update (ended_at) on meeting_link to spheres_app;
grant insert, update (read_at, ended_at) on calendar_feed to spheres_app;
grant insert, update (browser_digest, used_at, ended_at) on referral_link to spheres_app;

-- Written once. The database's own columns cannot be given.

grant insert (program_id, id, agreement_version_id, organization_id, person_id, signed_on, on_paper, recorded_by,
    recorded_at, taken_back_at, taken_back_reason)
    on signature to spheres_app;
grant insert (program_id, id, agreement_version_id, signature_id, name, content_type, size, sha256, content, added_by,
    added_at)
    on signed_file to spheres_app;
grant insert (program_id, id, key, number, digest, title_fr, title_en, declared, source, recorded_at)
    on protocol_version to spheres_app;
grant insert (program_id, id, task_id, n, asked, given, digest, handed_in_at, handed_in_by) on request to spheres_app;
grant insert (program_id, id, task_id, clause, due_on, until, recorded_at) on lateness to spheres_app;
grant insert (program_id, id, content) on evidence_file to spheres_app;
grant insert (program_id, id, case_id, started_at, ended_at, outcome, acts, trouble, flow_run_id, why_plain)
    on engine_run to spheres_app;
grant insert (id, kind, started_at, ended_at, code, next_by) on backup_run to spheres_app;
grant insert (program_id, id, meeting_id, n, kind, content, digest, made_at) on agenda_version to spheres_app;
grant insert (program_id, id, participant_id, referral_id, criterion, n, finding, sealed, "on", found_by, found_at,
    allowed_by)
    on criterion_finding to spheres_app;
grant insert (program_id, id, participant_id, referral_id, n, outcome, item_id, decision_id, candidate_worker_id,
    sealed, taken_by, taken_as, taken_at)
    on admission_decision to spheres_app;
grant insert (program_id, id, participant_id, n, worker_id, second_id, met_on, way, outcome, back_on, recorded_by,
    recorded_at)
    on first_meeting to spheres_app;
grant insert (program_id, id, participant_id, kind, n, level, sealed, assessed_by, assessed_as, assessed_at,
    decision_id)
    on risk_assessment to spheres_app;
grant insert (program_id, id, participant_id, ground, disclosed_on, disclosed_by, sealed, only_necessary, recorded_by,
    recorded_at)
    on disclosure to spheres_app;
grant insert (program_id, id, participant_id, kind, was, day, joined_id, sealed, set_by, set_as, set_for,
    set_at)
    on kept_until to spheres_app;
grant insert (program_id, id, case_id, task_id, kind, holding_id, successor_id, ended_as, note, settled_at, settled_by,
    settled_as)
    on settlement to spheres_app;
grant insert (program_id, id, period_id, n, obligation_id, state, "on", found, evaluated_at)
    on obligation_finding to spheres_app;
grant insert (program_id, id, content) on obligation_file to spheres_app;
grant insert (program_id, id, agreement_id, key, committee_id, starts_on, ends_on, reason, proposed_by, proposed_as,
    proposed_for, proposed_at)
    on waiver_proposal to spheres_app;
grant insert (program_id, id, at, actor_id, actor_as, actor_for, verb, subject_kind, subject_id, case_id, facts)
    on event to spheres_app;
grant insert (program_id, id, number, lines, events, marks, digest, signature, key_id, sealed_at)
    on seal to spheres_app;
grant insert (program_id, id, sent_on, number, signature, recipients) on sent_head to spheres_app;
grant insert (program_id, id, incident_id, number, stood, words, digest, written_at) on incident_version to spheres_app;
grant insert (program_id, id, mark, answered_by, answered_at) on name_answer to spheres_app;
grant insert (n, digest) on ledger_seen to spheres_app;
grant insert (number, found_at, lines) on epoch to spheres_app;
grant insert (program_id, digest) on sent_before to spheres_app;

-- What may be written again of these all the same.

grant update (content, digest) on agenda_version to spheres_app;
grant update (note, holding_id) on settlement to spheres_app;
grant update (stood, words, digest) on incident_version to spheres_app;
grant update (taken_back_at, taken_back_reason) on signature to spheres_app;

-- The only rows that may be deleted: they are no work of people.

grant delete on
    closure, door, browser_session, sign_in_flow, answered_request, rate_count, agreement_role, obligation, task_need,
    beat
to spheres_app;
