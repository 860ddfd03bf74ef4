-- The way of a participant: referral, admission, consents, follow-ups, destruction; and the departures of workers.
-- What each table is for: `models/participant.py`, `referral.py`, `consent.py`, `follow_up.py`,
-- `destruction.py`, `departure.py`, `research.py`.

create table referral_link (
    token_digest varchar not null,
    program_id uuid not null,
    id uuid not null,
    made_by uuid not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    browser_digest varchar,
    used_at timestamptz,
    ended_at timestamptz,
    constraint pk_referral_link primary key (token_digest),
    constraint uq_referral_link_program_id_id unique (program_id, id),
    constraint ck_referral_link_token_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_referral_link_browser_digest check (browser_digest ~ '^[0-9a-f]{64}$'),
    constraint fk_referral_link_program_id_made_by foreign key (program_id, made_by) references person (program_id, id),
    constraint fk_referral_link_program_id foreign key (program_id) references program (id)
);

create index ix_referral_link_made on referral_link (program_id, made_at);

create table referral (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    referred_by uuid,
    organization_id uuid,
    way varchar not null,
    link_id uuid,
    state varchar not null,
    sealed bytea,
    begun_at timestamptz not null,
    saved_at timestamptz not null,
    received_at timestamptz,
    left_at timestamptz,
    triaged_at timestamptz,
    triaged_by uuid,
    result varchar not null,
    result_sealed bytea,
    reference varchar not null,
    stands varchar not null,
    offered text[] not null,
    asked text[] not null,
    asked_at timestamptz,
    task_id uuid,
    version integer not null,
    constraint pk_referral primary key (program_id, id),
    constraint uq_referral_program_id_link_id unique (program_id, link_id),
    constraint ck_referral_state check (state in ('draft', 'received', 'triaged', 'joined', 'abandoned', 'destroyed')),
    constraint ck_referral_way check (way in ('page', 'link')),
    constraint ck_referral_result check (result in ('', 'committee', 'forwarded', 'refused')),
    constraint ck_referral_stands check (stands in ('received', 'committee', 'worker', 'not_admitted')),
    constraint ck_referral_reference check (reference ~ '^C-[2-9A-HJ-NP-Z]{6}$'),
    constraint uq_referral_program_id_reference unique (program_id, reference),
    constraint ck_referral_asked check ((asked_at is null) = (asked = '{}')),
    constraint ck_referral_offered check (offered <@ array['partner', 'health', 'youth_protection', 'police', 'community', 'school', 'helpline', 'later']),
    constraint ck_referral_offered_instead check (stands = 'not_admitted' or offered = '{}'),
    constraint ck_referral_someone_referred check ((way = 'link') = (referred_by is null)),
    constraint ck_referral_by_its_link check ((way = 'link') = (link_id is not null)),
    constraint ck_referral_left_by_somebody check (left_at is null or way = 'page'),
    constraint ck_referral_received check (state in ('draft', 'abandoned') or received_at is not null),
    constraint ck_referral_has_its_result check ((state = 'triaged') = (result <> '')),
    constraint ck_referral_triaged check (num_nulls(triaged_at, triaged_by) in (0, 2)),
    constraint fk_referral_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_referral_program_id_referred_by foreign key (program_id, referred_by)
        references person (program_id, id),
    constraint fk_referral_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_referral_program_id_triaged_by foreign key (program_id, triaged_by)
        references person (program_id, id),
    constraint fk_referral_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_referral_program_id_link_id foreign key (program_id, link_id)
        references referral_link (program_id, id),
    constraint fk_referral_program_id foreign key (program_id) references program (id)
);
create index ix_referral_participant on referral (program_id, participant_id);
create index ix_referral_received on referral (program_id, received_at);
create index ix_referral_referred_by on referral (program_id, referred_by);
create index ix_referral_state on referral (program_id, state);

create table criterion_finding (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    referral_id uuid not null,
    criterion varchar not null,
    n integer not null,
    finding varchar not null,
    sealed bytea,
    "on" date not null,
    found_by uuid not null,
    found_at timestamptz not null,
    allowed_by uuid,
    constraint pk_criterion_finding primary key (program_id, id),
    constraint uq_criterion_finding_program_id_participant_id_criterion_n unique (program_id, participant_id, criterion,
        n),
    constraint ck_criterion_finding_criterion
        check (criterion in ('AD-C0', 'AD-C1', 'AD-C2', 'AD-C3', 'AD-C4', 'AD-C5')),
    constraint ck_criterion_finding_finding check (finding in ('met', 'not_met', 'unknown')),
    constraint ck_criterion_finding_allowed check (allowed_by is null or (criterion = 'AD-C3' and finding <> 'met')),
    constraint fk_criterion_finding_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_criterion_finding_program_id_referral_id foreign key (program_id, referral_id)
        references referral (program_id, id),
    constraint fk_criterion_finding_program_id_found_by foreign key (program_id, found_by)
        references person (program_id, id),
    constraint fk_criterion_finding_program_id_allowed_by foreign key (program_id, allowed_by)
        references person (program_id, id),
    constraint fk_criterion_finding_program_id foreign key (program_id) references program (id)
);

create table candidate_worker (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    worker_id uuid not null,
    organization_id uuid not null,
    second_id uuid,
    named_at timestamptz not null,
    ended_at timestamptz,
    ended_as varchar not null,
    version integer not null,
    constraint pk_candidate_worker primary key (program_id, id),
    constraint ck_candidate_worker_not_own_second check (second_id is null or second_id <> worker_id),
    constraint fk_candidate_worker_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_candidate_worker_program_id_worker_id foreign key (program_id, worker_id)
        references person (program_id, id),
    constraint fk_candidate_worker_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_candidate_worker_program_id_second_id foreign key (program_id, second_id)
        references person (program_id, id),
    constraint fk_candidate_worker_program_id foreign key (program_id) references program (id)
);
create index ix_candidate_worker_participant on candidate_worker (program_id, participant_id);
create index ix_candidate_worker_second on candidate_worker (program_id, second_id) where ended_at is null;
create index ix_candidate_worker_worker on candidate_worker (program_id, worker_id) where ended_at is null;
create unique index one_worker_a_candidate on candidate_worker (program_id, participant_id) where ended_at is null;

create table admission_decision (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    referral_id uuid not null,
    n integer not null,
    outcome varchar not null,
    item_id uuid,
    decision_id uuid,
    candidate_worker_id uuid,
    sealed bytea,
    taken_by uuid not null,
    taken_as varchar not null,
    taken_at timestamptz not null,
    constraint pk_admission_decision primary key (program_id, id),
    constraint uq_admission_decision_program_id_participant_id_n unique (program_id, participant_id, n),
    constraint ck_admission_decision_outcome check (outcome in ('assign', 'defer', 'refuse', 'more')),
    constraint ck_admission_decision_assigned check ((outcome = 'assign') = (candidate_worker_id is not null)),
    constraint ck_admission_decision_forwarded check (item_id is not null or outcome = 'assign'),
    constraint ck_admission_decision_in_a_meeting check (decision_id is null or item_id is not null),
    constraint fk_admission_decision_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_admission_decision_program_id_referral_id foreign key (program_id, referral_id)
        references referral (program_id, id),
    constraint fk_admission_decision_program_id_item_id foreign key (program_id, item_id)
        references agenda_item (program_id, id),
    constraint fk_admission_decision_program_id_decision_id foreign key (program_id, decision_id)
        references decision (program_id, id),
    constraint fk_admission_decision_program_id_taken_by foreign key (program_id, taken_by)
        references person (program_id, id),
    constraint fk_admission_decision_program_id_candidate_worker_id foreign key (program_id, candidate_worker_id)
        references candidate_worker (program_id, id),
    constraint fk_admission_decision_program_id foreign key (program_id) references program (id)
);

create table first_meeting (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    n integer not null,
    worker_id uuid not null,
    second_id uuid,
    met_on date not null,
    way varchar not null,
    outcome varchar not null,
    back_on date,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    constraint pk_first_meeting primary key (program_id, id),
    constraint uq_first_meeting_program_id_participant_id_n unique (program_id, participant_id, n),
    constraint ck_first_meeting_way check (way in ('in_person', 'remote')),
    constraint ck_first_meeting_outcome check (outcome in ('thinks', 'commits', 'declines')),
    constraint fk_first_meeting_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_first_meeting_program_id_worker_id foreign key (program_id, worker_id)
        references person (program_id, id),
    constraint fk_first_meeting_program_id_second_id foreign key (program_id, second_id)
        references person (program_id, id),
    constraint fk_first_meeting_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_first_meeting_program_id foreign key (program_id) references program (id)
);

create table risk_assessment (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    kind varchar not null,
    n integer not null,
    level varchar not null,
    sealed bytea,
    assessed_by uuid not null,
    assessed_as varchar not null,
    assessed_at timestamptz not null,
    decision_id uuid,
    constraint pk_risk_assessment primary key (program_id, id),
    constraint uq_risk_assessment_program_id_participant_id_kind_n unique (program_id, participant_id, kind, n),
    constraint ck_risk_assessment_kind check (kind in ('admission', 'recruiter')),
    constraint ck_risk_assessment_at_admission
        check (level in ('red', 'yellow', 'green', 'none') or kind <> 'admission'),
    constraint ck_risk_assessment_of_a_recruiter
        check (level in ('benefits_exceed', 'risks_exceed') or kind <> 'recruiter'),
    constraint fk_risk_assessment_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_risk_assessment_program_id_assessed_by foreign key (program_id, assessed_by)
        references person (program_id, id),
    constraint fk_risk_assessment_program_id_decision_id foreign key (program_id, decision_id)
        references decision (program_id, id),
    constraint fk_risk_assessment_program_id foreign key (program_id) references program (id)
);

create table consent_form (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    way varchar not null,
    text_digest varchar not null,
    sealed bytea,
    copy_given_on date,
    stored_at timestamptz,
    stored_by uuid,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    constraint pk_consent_form primary key (program_id, id),
    constraint ck_consent_form_way check (way in ('drawn', 'paper')),
    constraint ck_consent_form_text_digest check (text_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_consent_form_stored check (num_nulls(stored_at, stored_by) in (0, 2)),
    constraint fk_consent_form_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_consent_form_program_id_stored_by foreign key (program_id, stored_by)
        references person (program_id, id),
    constraint fk_consent_form_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_consent_form_program_id foreign key (program_id) references program (id)
);
create index ix_consent_form_participant_id on consent_form (participant_id);

create table consent (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    form_id uuid not null,
    purpose varchar not null,
    organization_id uuid,
    text_key varchar not null,
    text_version integer not null,
    text_digest varchar not null,
    language varchar not null,
    explained_on date not null,
    limits_stated boolean not null,
    signed_on date not null,
    signed_by varchar not null,
    worker_id uuid not null,
    worker_signed_on date not null,
    agreed_until date,
    ends_on date,
    again_at_18 boolean not null,
    review_since timestamptz,
    withdrawn_on date,
    withdrawn_at timestamptz,
    withdrawn_recorded_by uuid,
    replaced_at timestamptz,
    recorded_at timestamptz not null,
    version integer not null,
    constraint pk_consent primary key (program_id, id),
    constraint ck_consent_purpose check (purpose in ('program', 'sharing', 'referral')),
    constraint ck_consent_signed_by check (signed_by in ('self', 'parental_authority', 'tutor')),
    constraint ck_consent_language check (language ~ '^[a-z]{2,3}$'),
    constraint ck_consent_text_digest check (text_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_consent_explained_first check (signed_on >= explained_on),
    constraint ck_consent_worker_after check (worker_signed_on >= explained_on),
    constraint ck_consent_limits_stated check (limits_stated),
    constraint ck_consent_in_order check (ends_on is null or ends_on >= signed_on),
    constraint ck_consent_never_widened check (agreed_until is null or coalesce(ends_on <= agreed_until, false)),
    constraint ck_consent_with_a_partner check ((purpose = 'program') = (organization_id is null)),
    constraint ck_consent_withdrawn check (num_nulls(withdrawn_on, withdrawn_at, withdrawn_recorded_by) in (0, 3)),
    constraint fk_consent_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_consent_program_id_form_id foreign key (program_id, form_id) references consent_form (program_id, id),
    constraint fk_consent_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_consent_program_id_worker_id foreign key (program_id, worker_id) references person (program_id, id),
    constraint fk_consent_program_id_withdrawn_recorded_by foreign key (program_id, withdrawn_recorded_by)
        references person (program_id, id),
    constraint fk_consent_program_id foreign key (program_id) references program (id)
);
create index ix_consent_participant_id on consent (participant_id);
create index ix_consent_form_id on consent (form_id);
create unique index one_consent_stands on consent (program_id, participant_id, purpose, organization_id) nulls not
    distinct where withdrawn_on is null and replaced_at is null;

create table research_consent (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    form_id uuid,
    signed_on date not null,
    kept_by uuid,
    kept_at timestamptz,
    recorded_at timestamptz not null,
    withdrawn_on date,
    withdrawn_at timestamptz,
    constraint pk_research_consent primary key (program_id, id),
    constraint ck_research_consent_kept check (num_nulls(kept_by, kept_at) in (0, 2)),
    constraint ck_research_consent_from_somewhere check (kept_by is not null or form_id is not null),
    constraint ck_research_consent_research_withdrawn check (num_nulls(withdrawn_on, withdrawn_at) in (0, 2)),
    constraint fk_research_consent_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_research_consent_program_id_form_id foreign key (program_id, form_id)
        references consent_form (program_id, id),
    constraint fk_research_consent_program_id_kept_by foreign key (program_id, kept_by)
        references person (program_id, id),
    constraint fk_research_consent_program_id foreign key (program_id) references program (id)
);
create index ix_research_consent_recorded on research_consent (program_id, recorded_at, id);
create unique index one_research_consent_stands on research_consent (program_id, participant_id)
    where withdrawn_on is null;

create table disclosure (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    ground varchar not null,
    disclosed_on date not null,
    disclosed_by uuid not null,
    sealed bytea,
    only_necessary boolean not null,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    constraint pk_disclosure primary key (program_id, id),
    constraint ck_disclosure_ground
        check (ground in ('ypa_38d', 'ypa_39_1', 'ypa_72_6', 'danger_to_life', 'court_order', 'other_law')),
    constraint ck_disclosure_only_necessary check (only_necessary),
    constraint fk_disclosure_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_disclosure_program_id_disclosed_by foreign key (program_id, disclosed_by)
        references person (program_id, id),
    constraint fk_disclosure_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_disclosure_program_id foreign key (program_id) references program (id)
);
create index ix_disclosure_participant_id on disclosure (participant_id);

create table follow_up (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    state varchar not null,
    state_since date not null,
    state_at timestamptz not null,
    state_by uuid,
    state_as varchar not null,
    active_since date not null,
    active_at timestamptz not null,
    inactive_reason varchar,
    intensity varchar not null,
    opened_on date not null,
    opened_at timestamptz not null,
    opened_by uuid,
    vacancy_task_id uuid,
    version integer not null,
    constraint pk_follow_up primary key (program_id, id),
    constraint uq_follow_up_program_id_participant_id unique (program_id, participant_id),
    constraint ck_follow_up_state check (state in ('active', 'on_break', 'inactive', 'completed')),
    constraint ck_follow_up_intensity check (intensity in ('light', 'regular', 'intense')),
    constraint ck_follow_up_inactive_reason
        check (inactive_reason is null or inactive_reason in ('withdrew', 'no_longer_benefits', 'needs_beyond_program',
            'other_purposes', 'lost_contact')),
    constraint ck_follow_up_inactive_for_a_reason check ((state = 'inactive') = (inactive_reason is not null)),
    constraint ck_follow_up_since_its_opening check (state_since >= opened_on),
    constraint fk_follow_up_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_follow_up_program_id_opened_by foreign key (program_id, opened_by) references person (program_id, id),
    constraint fk_follow_up_program_id_state_by foreign key (program_id, state_by) references person (program_id, id),
    constraint fk_follow_up_program_id_vacancy_task_id foreign key (program_id, vacancy_task_id)
        references task (program_id, id),
    constraint fk_follow_up_program_id foreign key (program_id) references program (id)
);

create index ix_follow_up_goes_on on follow_up (program_id, opened_on) where state not in ('inactive', 'completed');

create table assignment (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    person_id uuid not null,
    organization_id uuid not null,
    kind varchar not null,
    starts_on date not null,
    ends_on date,
    assigned_at timestamptz not null,
    assigned_by uuid,
    assigned_as varchar not null,
    ended_at timestamptz,
    ended_by uuid,
    ended_as varchar,
    withdrawn_at timestamptz,
    constraint pk_assignment primary key (program_id, id),
    constraint ck_assignment_kind check (kind in ('primary', 'second')),
    constraint ck_assignment_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_assignment_ended check (num_nulls(ended_at, ended_as) in (0, 2)),
    constraint ck_assignment_withdrawn_by_someone check (withdrawn_at is null or ended_at is not null),
    constraint one_worker_of_a_kind
        exclude using gist (program_id with =, follow_up_id with =, kind with =, daterange(starts_on, ends_on, '[]')
            with &&)
            where (withdrawn_at is null),
    constraint one_part_a_worker
        exclude using gist (program_id with =, follow_up_id with =, person_id with =,
            daterange(starts_on, ends_on, '[]') with &&)
            where (withdrawn_at is null),
    constraint fk_assignment_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_assignment_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_assignment_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_assignment_program_id_assigned_by foreign key (program_id, assigned_by)
        references person (program_id, id),
    constraint fk_assignment_program_id_ended_by foreign key (program_id, ended_by) references person (program_id, id),
    constraint fk_assignment_program_id foreign key (program_id) references program (id)
);
create index ix_assignment_follow_up_id on assignment (follow_up_id);
create index ix_assignment_lasts on assignment (program_id, ends_on) where withdrawn_at is null;
create index ix_assignment_person on assignment (program_id, person_id);

create table follow_up_break (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    starts_on date not null,
    returns_on date not null,
    terms bytea,
    agreed_at timestamptz not null,
    agreed_by uuid,
    ended_on date,
    ended_at timestamptz,
    constraint pk_follow_up_break primary key (program_id, id),
    constraint ck_follow_up_break_returns_later check (returns_on > starts_on),
    constraint ck_follow_up_break_ended check (num_nulls(ended_on, ended_at) in (0, 2)),
    constraint fk_follow_up_break_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_follow_up_break_program_id_agreed_by foreign key (program_id, agreed_by)
        references person (program_id, id),
    constraint fk_follow_up_break_program_id foreign key (program_id) references program (id)
);
create index ix_follow_up_break_due on follow_up_break (program_id, returns_on) where ended_at is null;
create index ix_follow_up_break_follow_up on follow_up_break (program_id, follow_up_id);
create unique index one_break_at_a_time on follow_up_break (program_id, follow_up_id) where ended_at is null;

create table contact_attempt (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    tried_on date not null,
    means varchar not null,
    reached boolean not null,
    tried_by uuid not null,
    recorded_at timestamptz not null,
    constraint pk_contact_attempt primary key (program_id, id),
    constraint ck_contact_attempt_means check (means in ('call', 'message', 'visit', 'through_someone')),
    constraint fk_contact_attempt_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_contact_attempt_program_id_tried_by foreign key (program_id, tried_by)
        references person (program_id, id),
    constraint fk_contact_attempt_program_id foreign key (program_id) references program (id)
);
create index ix_contact_attempt_follow_up_id on contact_attempt (follow_up_id);

create table no_show (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    expected_at timestamptz not null,
    waited_minutes integer not null,
    strategy varchar,
    agreed_on date,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    constraint pk_no_show primary key (program_id, id),
    constraint uq_no_show_program_id_follow_up_id_expected_at unique (program_id, follow_up_id, expected_at),
    constraint ck_no_show_waited_minutes check (waited_minutes between 0 and 240),
    constraint ck_no_show_strategy
        check (strategy is null or strategy in ('new_meeting', 'another_place', 'reminder_before', 'less_often',
            'break', 'attempts')),
    constraint ck_no_show_agreed check (num_nulls(strategy, agreed_on) in (0, 2)),
    constraint fk_no_show_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_no_show_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_no_show_program_id foreign key (program_id) references program (id)
);

create table weekly_note (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    week date not null,
    met integer not null,
    minutes integer not null,
    communications text[] not null,
    why_none varchar,
    reached boolean not null
        generated always as (cardinality(communications) > 0 and why_none is distinct from 'no_news') stored,
    need varchar,
    worker_satisfaction varchar,
    participant_satisfaction varchar,
    activity_type varchar,
    words bytea,
    has_words boolean not null,
    is_complete boolean not null,
    written_by uuid not null,
    written_at timestamptz not null,
    version integer not null,
    constraint pk_weekly_note primary key (program_id, id),
    constraint uq_weekly_note_program_id_follow_up_id_week unique (program_id, follow_up_id, week),
    constraint ck_weekly_note_week_is_a_monday check (extract(isodow from week) = 1),
    constraint ck_weekly_note_met check (met between 0 and 21),
    constraint ck_weekly_note_minutes check (minutes between 0 and 6000),
    constraint ck_weekly_note_minutes_of_meetings check (minutes <= met * 1440),
    constraint ck_weekly_note_communications
        check (communications <@ array['telephone', 'text_message', 'messenger', 'email', 'other']),
    constraint ck_weekly_note_why_none
        check (why_none is null or why_none in ('not_scheduled', 'no_news', 'impossible', 'withdrew', 'other')),
    constraint ck_weekly_note_need
        check (need is null or need in ('emergency', 'stability', 'participation', 'recovery', 'relationship')),
    constraint ck_weekly_note_worker_satisfaction
        check (worker_satisfaction is null or worker_satisfaction in (
            'dissatisfied', 'somewhat_satisfied', 'satisfied', 'very_satisfied')),
    constraint ck_weekly_note_participant_satisfaction
        check (participant_satisfaction is null or participant_satisfaction in (
            'dissatisfied', 'somewhat_satisfied', 'satisfied', 'very_satisfied')),
    constraint ck_weekly_note_activity_type
        check (activity_type is null or activity_type in (
            'medical', 'recreational', 'sports', 'cultural', 'social', 'legal', 'community', 'clinical', 'other')),
    constraint ck_weekly_note_none_for_a_reason check (why_none is null or met = 0),
    constraint ck_weekly_note_complete
        check (not is_complete or met > 0 or cardinality(communications) > 0 or why_none is not null),
    constraint ck_weekly_note_has_words check (has_words = (words is not null)),
    constraint fk_weekly_note_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_weekly_note_program_id_written_by foreign key (program_id, written_by)
        references person (program_id, id),
    constraint fk_weekly_note_program_id foreign key (program_id) references program (id)
);

create table self_report (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    n integer not null,
    done_on date,
    risk varchar,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    version integer not null,
    constraint pk_self_report primary key (program_id, id),
    constraint uq_self_report_program_id_follow_up_id_n unique (program_id, follow_up_id, n),
    constraint ck_self_report_time check (n in (1, 2)),
    constraint ck_self_report_risk check (risk is null or risk in ('red', 'yellow', 'green', 'none')),
    constraint ck_self_report_done check (num_nulls(done_on, risk) in (0, 2)),
    constraint fk_self_report_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_self_report_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_self_report_program_id foreign key (program_id) references program (id)
);

create table note_import (
    program_id uuid not null,
    id uuid not null,
    uploaded_by uuid not null,
    uploaded_at timestamptz not null,
    told text[] not null,
    saved_at timestamptz,
    saved_as varchar,
    taken_back_at timestamptz,
    cleared_at timestamptz,
    constraint pk_note_import primary key (program_id, id),
    constraint ck_note_import_saved check (num_nulls(saved_at, saved_as) in (0, 2)),
    constraint ck_note_import_taken_back_once_saved check (taken_back_at is null or saved_at is not null),
    constraint fk_note_import_program_id_uploaded_by foreign key (program_id, uploaded_by)
        references person (program_id, id),
    constraint fk_note_import_program_id foreign key (program_id) references program (id)
);
create index ix_note_import_kept on note_import (program_id, uploaded_at) where cleared_at is null;
create index ix_note_import_uploaded_by on note_import (uploaded_by);

create table note_import_sheet (
    program_id uuid not null,
    id uuid not null,
    note_import_id uuid not null,
    follow_up_id uuid,
    position integer not null,
    name varchar not null,
    trouble varchar not null,
    lines jsonb not null,
    sealed bytea,
    constraint pk_note_import_sheet primary key (program_id, id),
    constraint uq_note_import_sheet_program_id_note_import_id_position unique (program_id, note_import_id, position),
    constraint ck_note_import_sheet_position check (position >= 1),
    constraint ck_note_import_sheet_name check (name ~ '^(J[0-9]{0,3})?$'),
    constraint ck_note_import_sheet_sealed_for_someone check (sealed is null or follow_up_id is not null),
    constraint fk_note_import_sheet_program_id_note_import_id foreign key (program_id, note_import_id)
        references note_import (program_id, id),
    constraint fk_note_import_sheet_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_note_import_sheet_program_id foreign key (program_id) references program (id)
);

create table activity (
    program_id uuid not null,
    id uuid not null,
    held_on date not null,
    begins time without time zone,
    minutes integer,
    kind varchar not null,
    planned_by uuid not null,
    planned_at timestamptz not null,
    called_off_at timestamptz,
    called_off_as varchar,
    constraint pk_activity primary key (program_id, id),
    constraint ck_activity_kind check (kind in ('outing', 'workshop', 'meal', 'errand', 'other')),
    constraint ck_activity_called_off check (num_nulls(called_off_at, called_off_as) in (0, 2)),
    constraint ck_activity_when check (num_nulls(begins, minutes) in (0, 2)),
    constraint ck_activity_minutes check (minutes between 15 and 1440),
    constraint fk_activity_program_id_planned_by foreign key (program_id, planned_by)
        references person (program_id, id),
    constraint fk_activity_program_id foreign key (program_id) references program (id)
);
create index ix_activity_held_on on activity (held_on);

create table activity_part (
    program_id uuid not null,
    id uuid not null,
    activity_id uuid not null,
    follow_up_id uuid not null,
    place integer not null,
    alone boolean not null,
    sealed bytea,
    where_mark varchar,
    taken_out_at timestamptz,
    taken_out_as varchar,
    constraint pk_activity_part primary key (program_id, id),
    constraint uq_activity_part_program_id_activity_id_follow_up_id unique (program_id, activity_id, follow_up_id),
    constraint ck_activity_part_place check (place >= 1),
    constraint ck_activity_part_taken_out check (num_nulls(taken_out_at, taken_out_as) in (0, 2)),
    constraint ck_activity_part_where check (num_nulls(sealed, where_mark) in (0, 2)),
    constraint alone_in_theirs
        exclude using gist (program_id with =, activity_id with =,
            int4range(case when alone then 0 else place end, case when alone then null else place + 1 end) with &&)
            where (taken_out_at is null),
    constraint fk_activity_part_program_id_activity_id foreign key (program_id, activity_id)
        references activity (program_id, id),
    constraint fk_activity_part_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_activity_part_program_id foreign key (program_id) references program (id)
);
create index ix_activity_part_follow_up_id on activity_part (follow_up_id);

create table case_discussion (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    raised bytea,
    urgent boolean not null,
    raised_by uuid,
    raised_at timestamptz,
    meeting_id uuid,
    outcome varchar not null,
    said bytea,
    due_on date,
    task_id uuid,
    recorded_by uuid,
    recorded_at timestamptz,
    version integer not null,
    constraint pk_case_discussion primary key (program_id, id),
    constraint one_discussion_a_meeting unique (program_id, follow_up_id, meeting_id),
    constraint ck_case_discussion_outcome check (outcome in ('', 'goes_on', 'changes', 'comes_back')),
    constraint ck_case_discussion_raised check (num_nulls(raised, raised_by, raised_at) in (0, 3)),
    constraint ck_case_discussion_recorded check (num_nulls(meeting_id, recorded_by, recorded_at) in (0, 3)),
    constraint ck_case_discussion_follows check (num_nulls(due_on, task_id) in (0, 2)),
    constraint ck_case_discussion_spoken_of check ((meeting_id is null) = (outcome = '')),
    constraint ck_case_discussion_urgent check (raised is not null or not urgent),
    constraint ck_case_discussion_said check (meeting_id is not null or said is null),
    constraint fk_case_discussion_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_case_discussion_program_id_raised_by foreign key (program_id, raised_by)
        references person (program_id, id),
    constraint fk_case_discussion_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_case_discussion_program_id_task_id foreign key (program_id, task_id)
        references task (program_id, id),
    constraint fk_case_discussion_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_case_discussion_program_id foreign key (program_id) references program (id)
);
create unique index one_waits on case_discussion (program_id, follow_up_id) where meeting_id is null;
create index ix_case_discussion_follow_up_id on case_discussion (follow_up_id);
create index ix_case_discussion_meeting_id on case_discussion (meeting_id);

create table process_mark (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    week date not null,
    relationship boolean not null,
    focus boolean not null,
    evocation boolean not null,
    planning boolean not null,
    marked_by uuid not null,
    marked_at timestamptz not null,
    version integer not null,
    constraint pk_process_mark primary key (program_id, id),
    constraint uq_process_mark_program_id_follow_up_id_week unique (program_id, follow_up_id, week),
    constraint ck_process_mark_week_is_a_monday check (extract(isodow from week) = 1),
    constraint fk_process_mark_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_process_mark_program_id_marked_by foreign key (program_id, marked_by)
        references person (program_id, id),
    constraint fk_process_mark_program_id foreign key (program_id) references program (id)
);

create table kept_until (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    kind varchar not null,
    was date,
    day date,
    joined_id uuid,
    sealed bytea not null,
    set_by uuid not null,
    set_as varchar not null,
    set_for uuid,
    set_at timestamptz not null,
    constraint pk_kept_until primary key (program_id, id),
    constraint ck_kept_until_kind check (kind in ('day', 'hold', 'release', 'joined')),
    constraint ck_kept_until_day check ((kind = 'day') = (day is not null)),
    constraint ck_kept_until_joined check ((kind = 'joined') = (joined_id is not null)),
    constraint fk_kept_until_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_kept_until_program_id_joined_id foreign key (program_id, joined_id)
        references participant (program_id, id),
    constraint fk_kept_until_program_id_set_by foreign key (program_id, set_by) references person (program_id, id),
    constraint fk_kept_until_program_id_set_for foreign key (program_id, set_for) references person (program_id, id),
    constraint fk_kept_until_program_id foreign key (program_id) references program (id)
);
create index ix_kept_until_participant_id on kept_until (participant_id);

create table destruction (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    asked_by uuid,
    asked_as varchar not null,
    asked_for uuid,
    asked_at timestamptz not null,
    ground varchar not null,
    worded boolean not null,
    sealed bytea,
    confirm_from date not null,
    lapses_on date not null,
    state varchar not null,
    stopped_by varchar not null,
    ended_by uuid,
    ended_as varchar not null,
    ended_for uuid,
    ended_at timestamptz,
    answer_sealed bytea,
    before_two boolean not null,
    constraint pk_destruction primary key (program_id, id),
    constraint ck_destruction_ground check (ground in ('calendar', 'person_asks', 'not_triaged', 'by_mistake', 'law')),
    constraint ck_destruction_state
        check (state in ('asked', 'confirmed', 'refused', 'withdrawn', 'lapsed', 'stopped')),
    constraint ck_destruction_stopped_by
        check (stopped_by in ('', 'hold', 'day_moved', 'taken_up', 'triaged', 'referred_again', 'joined', 'changed')),
    constraint ck_destruction_stopped check ((state = 'stopped') = (stopped_by <> '')),
    constraint ck_destruction_in_order check (lapses_on >= confirm_from),
    constraint ck_destruction_ended check ((state = 'asked') = (ended_at is null)),
    constraint ck_destruction_before_two check (not before_two or state = 'confirmed'),
    constraint ck_destruction_confirmed_by_somebody check (state <> 'confirmed' or before_two or ended_by is not null),
    constraint ck_destruction_takes_two
        check (state <> 'confirmed' or before_two or (ended_by is distinct from asked_by and ended_by is distinct from
            asked_for and (ended_for is null or (ended_for is distinct from asked_by and ended_for is distinct from
            asked_for)))),
    constraint fk_destruction_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_destruction_program_id_asked_by foreign key (program_id, asked_by) references person (program_id, id),
    constraint fk_destruction_program_id_asked_for foreign key (program_id, asked_for)
        references person (program_id, id),
    constraint fk_destruction_program_id_ended_by foreign key (program_id, ended_by) references person (program_id, id),
    constraint fk_destruction_program_id_ended_for foreign key (program_id, ended_for)
        references person (program_id, id),
    constraint fk_destruction_program_id foreign key (program_id) references program (id)
);
create index ix_destruction_participant_id on destruction (participant_id);
create unique index one_destruction_asked on destruction (program_id, participant_id) where state = 'asked';

create table rights_request (
    program_id uuid not null,
    id uuid not null,
    number integer not null,
    participant_id uuid,
    kind varchar not null,
    received_on date not null,
    due_on date not null,
    extended_on date,
    asked_by varchar not null,
    verified_by varchar not null,
    verified_on date not null,
    language varchar not null,
    person_id uuid,
    state varchar not null,
    asked bytea,
    masks bytea,
    ground varchar not null,
    answer bytea,
    answered_on date,
    handed_over varchar not null,
    contested varchar not null,
    statement bytea,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    ended_by uuid,
    ended_as varchar not null,
    ended_at timestamptz,
    version integer not null,
    constraint pk_rights_request primary key (program_id, id),
    constraint uq_rights_request_program_id_number unique (program_id, number),
    constraint ck_rights_request_kind
        check (kind in ('access', 'portability', 'who_read', 'correction', 'restriction', 'complaint')),
    constraint ck_rights_request_asked_by check (asked_by in ('self', 'parental_authority', 'tutor')),
    constraint ck_rights_request_verified_by
        check (verified_by in ('known_to_worker', 'card_shown', 'judgment_shown', 'by_lawyer')),
    constraint ck_rights_request_language check (language in ('fr', 'en')),
    constraint ck_rights_request_state
        check (state in ('received', 'preparing', 'answered', 'refused_in_part', 'refused', 'withdrawn', 'stopped')),
    constraint ck_rights_request_ground
        check (ground in ('', 'health', 'third_person', 'not_entitled', 'proceedings', 'secret', 'accurate',
            'outside')),
    constraint ck_rights_request_handed_over
        check (handed_over in ('', 'in_person', 'sealed_envelope', 'own_medium', 'read_together')),
    constraint ck_rights_request_contested
        check (contested in ('', 'identity', 'referral', 'admission', 'risk', 'follow_up', 'consents')),
    constraint ck_rights_request_in_order check (due_on > received_on),
    constraint ck_rights_request_extended check (extended_on is null or extended_on >= received_on),
    constraint ck_rights_request_ended check ((state in ('received', 'preparing')) = (ended_at is null)),
    constraint ck_rights_request_refused check ((state in ('refused', 'refused_in_part')) = (ground <> '')),
    constraint ck_rights_request_answered
        check ((state in ('answered', 'refused', 'refused_in_part')) = (answered_on is not null)),
    constraint ck_rights_request_reached check ((answered_on is not null) = (handed_over <> '')),
    constraint ck_rights_request_of_a_worker check (person_id is null or kind = 'restriction'),
    constraint ck_rights_request_nobody
        check (participant_id is not null or (asked is null and answer is null and statement is null and masks
            is null)),
    constraint ck_rights_request_said_beside check ((statement is null) = (contested = '')),
    constraint fk_rights_request_program_id foreign key (program_id) references program (id),
    constraint fk_rights_request_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_rights_request_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_rights_request_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_rights_request_program_id_ended_by foreign key (program_id, ended_by)
        references person (program_id, id)
);
create index ix_rights_request_participant_id on rights_request (participant_id);
create unique index one_request_of_a_kind on rights_request (program_id, participant_id, kind, person_id)
    nulls not distinct where participant_id is not null and state in ('received', 'preparing');

create table rights_package (
    program_id uuid not null,
    id uuid not null,
    request_id uuid not null,
    participant_id uuid not null,
    digest varchar not null,
    sealed bytea,
    kept_until date not null,
    made_by uuid not null,
    made_at timestamptz not null,
    removed_at timestamptz,
    removed_as varchar,
    constraint pk_rights_package primary key (program_id, id),
    constraint ck_rights_package_digest check (digest ~ '^[0-9a-f]{64}$'),
    constraint ck_rights_package_removed check (num_nulls(removed_at, removed_as) in (0, 2)),
    constraint ck_rights_package_kept check ((sealed is null) = (removed_at is not null)),
    constraint fk_rights_package_program_id foreign key (program_id) references program (id),
    constraint fk_rights_package_program_id_request_id foreign key (program_id, request_id)
        references rights_request (program_id, id),
    constraint fk_rights_package_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_rights_package_program_id_made_by foreign key (program_id, made_by)
        references person (program_id, id)
);
create index ix_rights_package_participant_id on rights_package (participant_id);
create unique index one_package_stands on rights_package (program_id, request_id) where removed_at is null;

create table departure (
    program_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    person_id uuid not null,
    organization_id uuid not null,
    last_day date not null,
    planned boolean not null,
    was_to_end jsonb not null,
    ended_at timestamptz,
    called_off_at timestamptz,
    version integer not null,
    constraint pk_departure primary key (program_id, id),
    constraint uq_departure_program_id_case_id unique (program_id, case_id),
    constraint fk_departure_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_departure_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_departure_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_departure_program_id foreign key (program_id) references program (id)
);
create index ix_departure_not_ended on departure (program_id, last_day) where ended_at is null;
create index ix_departure_person_id on departure (person_id);

create table settlement (
    program_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    task_id uuid not null,
    kind varchar not null,
    holding_id uuid not null,
    successor_id uuid,
    ended_as varchar not null,
    note varchar not null,
    settled_at timestamptz not null,
    settled_by uuid,
    settled_as varchar not null,
    constraint pk_settlement primary key (program_id, id),
    constraint ck_settlement_ended_as
        check (ended_as in ('', 'with_the_role', 'left_vacant', 'nobody_deputizes', 'not_invited', 'returned', 'lost',
            'closed', 'recruiting', 'not_replaced', 'by_itself', 'left_unfinished', 'thrown_away',
            'to_the_coordinator')),
    constraint ck_settlement_successor_or_end check ((successor_id is null) = (ended_as <> '')),
    constraint fk_settlement_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_settlement_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_settlement_program_id_successor_id foreign key (program_id, successor_id)
        references person (program_id, id),
    constraint fk_settlement_program_id_settled_by foreign key (program_id, settled_by)
        references person (program_id, id),
    constraint fk_settlement_program_id foreign key (program_id) references program (id)
);
create index ix_settlement_case_id on settlement (case_id);

create table hand_over (
    program_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    task_id uuid not null,
    follow_up_id uuid not null,
    from_id uuid not null,
    to_id uuid not null,
    way varchar not null,
    state varchar not null,
    proposed_at timestamptz not null,
    proposed_by uuid,
    answer_by date not null,
    answered_at timestamptz,
    reason varchar not null,
    lapsed_at timestamptz,
    version integer not null,
    constraint pk_hand_over primary key (program_id, id),
    constraint ck_hand_over_state check (state in ('proposed', 'accepted', 'refused', 'withdrawn')),
    constraint ck_hand_over_way check (way in ('', 'call', 'meeting')),
    constraint ck_hand_over_answered check ((state = 'proposed') = (answered_at is null)),
    constraint fk_hand_over_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_hand_over_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_hand_over_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_hand_over_program_id_from_id foreign key (program_id, from_id) references person (program_id, id),
    constraint fk_hand_over_program_id_to_id foreign key (program_id, to_id) references person (program_id, id),
    constraint fk_hand_over_program_id_proposed_by foreign key (program_id, proposed_by)
        references person (program_id, id),
    constraint fk_hand_over_program_id foreign key (program_id) references program (id)
);
create index ix_hand_over_case_id on hand_over (case_id);
create index ix_hand_over_follow_up on hand_over (program_id, follow_up_id);
create index ix_hand_over_to_id on hand_over (to_id);
create unique index one_hand_over_at_a_time on hand_over (program_id, follow_up_id, from_id) where state = 'proposed';

create table follow_up_summary (
    program_id uuid not null,
    id uuid not null,
    follow_up_id uuid not null,
    task_id uuid not null,
    words bytea not null,
    written_by uuid not null,
    written_at timestamptz not null,
    version integer not null,
    constraint pk_follow_up_summary primary key (program_id, id),
    constraint uq_follow_up_summary_program_id_task_id unique (program_id, task_id),
    constraint fk_follow_up_summary_program_id_follow_up_id foreign key (program_id, follow_up_id)
        references follow_up (program_id, id),
    constraint fk_follow_up_summary_program_id_task_id foreign key (program_id, task_id)
        references task (program_id, id),
    constraint fk_follow_up_summary_program_id_written_by foreign key (program_id, written_by)
        references person (program_id, id),
    constraint fk_follow_up_summary_program_id foreign key (program_id) references program (id)
);
create index ix_follow_up_summary_follow_up_id on follow_up_summary (follow_up_id);

create table interview (
    program_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    applicant integer not null,
    interviewer_id uuid not null,
    leadership integer not null,
    clinical integer not null,
    note varchar not null,
    recorded_at timestamptz not null,
    version integer not null,
    constraint pk_interview primary key (program_id, id),
    constraint uq_interview_program_id_case_id_applicant_interviewer_id unique (program_id, case_id, applicant,
        interviewer_id),
    constraint ck_interview_applicant check (applicant between 1 and 99),
    constraint ck_interview_leadership check (leadership between 0 and 100),
    constraint ck_interview_clinical check (clinical between 0 and 100),
    constraint fk_interview_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_interview_program_id_interviewer_id foreign key (program_id, interviewer_id)
        references person (program_id, id),
    constraint fk_interview_program_id foreign key (program_id) references program (id)
);

-- Studies of the evaluative research, their exports, and the consents of staff: `models/research.py`.

create table study (
    program_id uuid not null,
    id uuid not null,
    number integer not null,
    title_fr varchar not null,
    title_en varchar not null,
    purpose_fr varchar not null,
    purpose_en varchar not null,
    ethics_body varchar not null,
    ethics_reference varchar not null,
    ethics_ends_on date not null,
    first_month date not null,
    last_month date not null,
    fields text[] not null,
    opened_by uuid not null,
    opened_at timestamptz not null,
    ended_at timestamptz,
    ended_by uuid,
    version integer not null,
    constraint pk_study primary key (program_id, id),
    constraint uq_study_program_id_number unique (program_id, number),
    constraint ck_study_number check (number >= 1),
    constraint ck_study_months_in_order check (last_month >= first_month),
    constraint ck_study_months_by_their_first_day
        check (extract(day from first_month) = 1 and extract(day from last_month) = 1),
    constraint ck_study_fields check (cardinality(fields) > 0),
    constraint ck_study_ended check (num_nulls(ended_at, ended_by) in (0, 2)),
    constraint fk_study_program_id foreign key (program_id) references program (id),
    constraint fk_study_program_id_opened_by foreign key (program_id, opened_by) references person (program_id, id),
    constraint fk_study_program_id_ended_by foreign key (program_id, ended_by) references person (program_id, id)
);

create table study_recipient (
    program_id uuid not null,
    id uuid not null,
    study_id uuid not null,
    person_id uuid not null,
    named_by uuid not null,
    named_at timestamptz not null,
    removed_at timestamptz,
    removed_by uuid,
    constraint pk_study_recipient primary key (program_id, id),
    constraint ck_study_recipient_removed check (num_nulls(removed_at, removed_by) in (0, 2)),
    constraint fk_study_recipient_program_id foreign key (program_id) references program (id),
    constraint fk_study_recipient_program_id_study_id foreign key (program_id, study_id)
        references study (program_id, id),
    constraint fk_study_recipient_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_study_recipient_program_id_named_by foreign key (program_id, named_by)
        references person (program_id, id),
    constraint fk_study_recipient_program_id_removed_by foreign key (program_id, removed_by)
        references person (program_id, id)
);
create unique index named_once on study_recipient (program_id, study_id, person_id)
    where removed_at is null;

create table study_export (
    program_id uuid not null,
    id uuid not null,
    study_id uuid not null,
    n integer not null,
    state varchar not null,
    fields text[] not null,
    first_month date not null,
    last_month date not null,
    ethics_reference varchar not null,
    ethics_ends_on date not null,
    recipients text[] not null,
    smallest_group integer not null,
    rule integer not null,
    asked_by uuid not null,
    asked_as varchar not null,
    asked_for uuid,
    asked_at timestamptz not null,
    made_at timestamptz,
    settled_by uuid,
    settled_as varchar not null,
    settled_for uuid,
    settled_at timestamptz,
    people integer not null,
    codebook jsonb not null,
    digests jsonb not null,
    closed_at timestamptz,
    version integer not null,
    constraint pk_study_export primary key (program_id, id),
    constraint uq_study_export_program_id_study_id_n unique (program_id, study_id, n),
    constraint ck_study_export_state check (state in ('asked', 'made', 'refused', 'taken_back', 'closed')),
    constraint ck_study_export_made check ((state in ('made', 'closed')) = (made_at is not null)),
    constraint ck_study_export_closed check ((state = 'closed') = (closed_at is not null)),
    constraint ck_study_export_settled check ((state = 'asked') = (settled_at is null)),
    constraint ck_study_export_by_two
        check (state in ('asked', 'taken_back') or (settled_by is not null and settled_by <> asked_by
            and settled_by is distinct from asked_for and settled_for is distinct from asked_by
            and (settled_for is null or asked_for is null or settled_for <> asked_for))),
    constraint fk_study_export_program_id foreign key (program_id) references program (id),
    constraint fk_study_export_program_id_study_id foreign key (program_id, study_id)
        references study (program_id, id),
    constraint fk_study_export_program_id_asked_by foreign key (program_id, asked_by)
        references person (program_id, id),
    constraint fk_study_export_program_id_asked_for foreign key (program_id, asked_for)
        references person (program_id, id),
    constraint fk_study_export_program_id_settled_by foreign key (program_id, settled_by)
        references person (program_id, id),
    constraint fk_study_export_program_id_settled_for foreign key (program_id, settled_for)
        references person (program_id, id)
);
create unique index one_export_asked on study_export (program_id, study_id)
    where state = 'asked';

create table research_group (
    program_id uuid not null,
    id uuid not null,
    made_at timestamptz not null,
    left_at timestamptz,
    left_because varchar not null,
    constraint pk_research_group primary key (program_id, id),
    constraint ck_research_group_left_because check (left_because in ('', 'withdrawn', 'destroyed')),
    constraint ck_research_group_left check ((left_at is null) = (left_because = '')),
    constraint fk_research_group_program_id foreign key (program_id) references program (id)
);

create table research_group_member (
    program_id uuid not null,
    id uuid not null,
    research_group_id uuid not null,
    participant_id uuid not null,
    constraint pk_research_group_member primary key (program_id, id),
    constraint uq_research_group_member_program_id_participant_id unique (program_id, participant_id),
    constraint fk_research_group_member_program_id foreign key (program_id) references program (id),
    constraint fk_research_group_member_program_id_research_group_id foreign key (program_id, research_group_id)
        references research_group (program_id, id),
    constraint fk_research_group_member_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id)
);
create index ix_research_group_member_group on research_group_member (program_id, research_group_id);

create table study_row (
    program_id uuid not null,
    id uuid not null,
    study_export_id uuid not null,
    participant_id uuid not null,
    sealed bytea,
    constraint pk_study_row primary key (program_id, id),
    constraint uq_study_row_program_id_study_export_id_participant_id
        unique (program_id, study_export_id, participant_id),
    constraint fk_study_row_program_id foreign key (program_id) references program (id),
    constraint fk_study_row_program_id_study_export_id foreign key (program_id, study_export_id)
        references study_export (program_id, id),
    constraint fk_study_row_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id)
);
create index ix_study_row_participant on study_row (program_id, participant_id)
    where sealed is not null;

create table staff_research_consent (
    program_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    signed_on date not null,
    kept_by uuid not null,
    recorded_at timestamptz not null,
    withdrawn_on date,
    withdrawn_at timestamptz,
    constraint pk_staff_research_consent primary key (program_id, id),
    constraint ck_staff_research_consent_staff_research_withdrawn
        check (num_nulls(withdrawn_on, withdrawn_at) in (0, 2)),
    constraint fk_staff_research_consent_program_id foreign key (program_id) references program (id),
    constraint fk_staff_research_consent_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_staff_research_consent_program_id_kept_by foreign key (program_id, kept_by)
        references person (program_id, id)
);
create unique index one_staff_research_consent_stands on staff_research_consent (program_id, person_id)
    where withdrawn_on is null;
