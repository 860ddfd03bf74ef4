-- When people meet: series and meetings, invitations and answers, agendas, attendance, decisions and minutes.
-- What each table is for: `models/meeting.py`, `invitation.py`, `agenda.py`, `minutes.py`.

create table drafted_year (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    year integer not null,
    dates jsonb not null,
    drafted_at timestamptz not null,
    settled_at timestamptz,
    settled_by uuid,
    settled_as varchar not null,
    follows date not null,
    constraint pk_drafted_year primary key (program_id, id),
    constraint uq_drafted_year_program_id_committee_id_follows unique (program_id, committee_id, follows),
    constraint ck_drafted_year_settled_as check (settled_as in ('', 'planned', 'dismissed')),
    constraint ck_drafted_year_settled check ((settled_at is null) = (settled_as = '')),
    constraint fk_drafted_year_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_drafted_year_program_id_settled_by foreign key (program_id, settled_by)
        references person (program_id, id),
    constraint fk_drafted_year_program_id foreign key (program_id) references program (id)
);

create table meeting_series (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    follows_id uuid,
    uid varchar not null,
    time_zone varchar not null,
    starts_on date not null,
    ends_on date not null,
    at time without time zone not null,
    minutes integer not null,
    place varchar not null,
    online_url varchar not null,
    recorded_at timestamptz not null,
    version integer not null,
    constraint pk_meeting_series primary key (program_id, id),
    constraint uq_meeting_series_program_id_uid unique (program_id, uid),
    constraint ck_meeting_series_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_meeting_series_minutes check (minutes between 15 and 600),
    constraint fk_meeting_series_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_meeting_series_program_id_follows_id foreign key (program_id, follows_id)
        references meeting_series (program_id, id),
    constraint fk_meeting_series_program_id foreign key (program_id) references program (id)
);
create index ix_meeting_series_committee_id on meeting_series (committee_id);

create table meeting (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    series_id uuid,
    uid varchar,
    original timestamp without time zone,
    starts timestamp without time zone not null,
    time_zone varchar not null,
    minutes integer not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    place varchar not null,
    online_url varchar not null,
    state varchar not null,
    reason varchar not null,
    agenda_circulated_at timestamptz,
    agenda_frozen_at timestamptz,
    opened_at timestamptz,
    closed_at timestamptz,
    quorate boolean,
    cancelled_at timestamptz,
    settled_by uuid,
    recorded_at timestamptz not null,
    version integer not null,
    constraint pk_meeting primary key (program_id, id),
    constraint uq_meeting_program_id_series_id_original unique (program_id, series_id, original),
    constraint uq_meeting_program_id_uid unique (program_id, uid),
    constraint ck_meeting_state check (state in ('planned', 'under_way', 'held', 'cancelled')),
    constraint ck_meeting_one_uid check ((series_id is null) = (uid is not null)),
    constraint ck_meeting_original check ((series_id is null) = (original is null)),
    constraint ck_meeting_minutes check (minutes between 15 and 600),
    constraint ck_meeting_in_order check (ends_at > starts_at),
    constraint ck_meeting_cancelled check ((state = 'cancelled') = (cancelled_at is not null)),
    constraint ck_meeting_opened check (state not in ('under_way', 'held') or opened_at is not null),
    constraint ck_meeting_closed check ((state = 'held') = (closed_at is not null)),
    constraint fk_meeting_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_meeting_program_id_series_id foreign key (program_id, series_id)
        references meeting_series (program_id, id),
    constraint fk_meeting_program_id_settled_by foreign key (program_id, settled_by) references person (program_id, id),
    constraint fk_meeting_program_id foreign key (program_id) references program (id)
);
create index ix_meeting_committee on meeting (program_id, committee_id, starts_at);
create index ix_meeting_starts on meeting (program_id, starts);
create index ix_meeting_starts_at on meeting (program_id, starts_at);
create index ix_meeting_to_freeze on meeting (program_id, starts_at)
    where state = 'planned' and agenda_frozen_at is null;

create table meeting_guest (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid not null,
    person_id uuid not null,
    invited_by uuid,
    invited_at timestamptz not null,
    withdrawn_at timestamptz,
    withdrawn_by varchar,
    constraint pk_meeting_guest primary key (program_id, id),
    constraint ck_meeting_guest_withdrawn check (num_nulls(withdrawn_at, withdrawn_by) in (0, 2)),
    constraint fk_meeting_guest_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_meeting_guest_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_meeting_guest_program_id_invited_by foreign key (program_id, invited_by)
        references person (program_id, id),
    constraint fk_meeting_guest_program_id foreign key (program_id) references program (id)
);
create index ix_meeting_guest_meeting_id on meeting_guest (meeting_id);
create index ix_meeting_guest_person_id on meeting_guest (person_id);
create unique index one_guest_a_meeting on meeting_guest (program_id, meeting_id, person_id) where withdrawn_at is null;

create table invitation (
    program_id uuid not null,
    id uuid not null,
    series_id uuid,
    meeting_id uuid,
    person_id uuid not null,
    told jsonb not null,
    sequence integer not null,
    told_at timestamptz,
    version integer not null,
    constraint pk_invitation primary key (program_id, id),
    constraint uq_invitation_program_id_series_id_person_id unique (program_id, series_id, person_id),
    constraint uq_invitation_program_id_meeting_id_person_id unique (program_id, meeting_id, person_id),
    constraint ck_invitation_one_uid check (num_nulls(series_id, meeting_id) = 1),
    constraint ck_invitation_sequence check (sequence >= 0),
    constraint fk_invitation_program_id_series_id foreign key (program_id, series_id)
        references meeting_series (program_id, id),
    constraint fk_invitation_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_invitation_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_invitation_program_id foreign key (program_id) references program (id)
);
create index ix_invitation_person_id on invitation (person_id);

create table meeting_answer (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid not null,
    person_id uuid not null,
    seat_id uuid,
    answer varchar not null,
    by varchar not null,
    alternate_id uuid,
    answered_at timestamptz not null,
    sequence integer,
    stamped_at timestamptz,
    lapsed_at timestamptz,
    version integer not null,
    constraint pk_meeting_answer primary key (program_id, id),
    constraint uq_meeting_answer_program_id_meeting_id_person_id unique (program_id, meeting_id, person_id),
    constraint ck_meeting_answer_answer check (answer in ('accepted', 'tentative', 'declined')),
    constraint ck_meeting_answer_by check (by in ('link', 'mail', 'page')),
    constraint ck_meeting_answer_alternate check (alternate_id is null or answer = 'declined'),
    constraint fk_meeting_answer_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_meeting_answer_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_meeting_answer_program_id_seat_id foreign key (program_id, seat_id) references seat (program_id, id),
    constraint fk_meeting_answer_program_id_alternate_id foreign key (program_id, alternate_id)
        references person (program_id, id),
    constraint fk_meeting_answer_program_id foreign key (program_id) references program (id)
);
create index ix_meeting_answer_person_id on meeting_answer (person_id);

create table meeting_link (
    token_digest varchar not null,
    program_id uuid not null,
    invitation_id uuid not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint pk_meeting_link primary key (token_digest),
    constraint ck_meeting_link_token_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    constraint fk_meeting_link_program_id_invitation_id foreign key (program_id, invitation_id)
        references invitation (program_id, id),
    constraint fk_meeting_link_program_id foreign key (program_id) references program (id)
);
create index ix_meeting_link_invitation_id on meeting_link (invitation_id);

create table stray_reply (
    program_id uuid not null,
    id uuid not null,
    digest varchar not null,
    reason varchar not null,
    from_address varchar not null,
    claimed varchar not null,
    person_id uuid,
    meeting_id uuid,
    series_id uuid,
    received_at timestamptz not null,
    outcome varchar not null,
    seen_at timestamptz,
    seen_by uuid,
    version integer not null,
    constraint pk_stray_reply primary key (program_id, id),
    constraint uq_stray_reply_program_id_digest unique (program_id, digest),
    constraint ck_stray_reply_digest check (digest ~ '^[0-9a-f]{64}$'),
    constraint ck_stray_reply_claimed check (claimed in ('', 'accepted', 'tentative', 'declined', 'delegated')),
    constraint ck_stray_reply_outcome check (outcome in ('', 'set_aside', 'taken')),
    constraint ck_stray_reply_outcome_and_seen_at check ((outcome = '') = (seen_at is null)),
    constraint ck_stray_reply_seen_by check (seen_by is null or seen_at is not null),
    constraint fk_stray_reply_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_stray_reply_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_stray_reply_program_id_series_id foreign key (program_id, series_id)
        references meeting_series (program_id, id),
    constraint fk_stray_reply_program_id_seen_by foreign key (program_id, seen_by) references person (program_id, id),
    constraint fk_stray_reply_program_id foreign key (program_id) references program (id)
);
create index ix_stray_reply_seen on stray_reply (program_id, seen_at) where seen_at is not null;
create index ix_stray_reply_waits on stray_reply (program_id, received_at) where seen_at is null;

create table calendar_feed (
    token_digest varchar not null,
    program_id uuid not null,
    person_id uuid not null,
    id uuid not null,
    made_at timestamptz not null,
    read_at timestamptz,
    ended_at timestamptz,
    constraint pk_calendar_feed primary key (token_digest),
    constraint uq_calendar_feed_program_id_id unique (program_id, id),
    constraint ck_calendar_feed_token_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    constraint fk_calendar_feed_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_calendar_feed_program_id foreign key (program_id) references program (id)
);
create index ix_calendar_feed_person_id on calendar_feed (person_id);

create table calendar_reader (
    program_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    dialect varchar not null,
    version integer not null,
    constraint pk_calendar_reader primary key (program_id, id),
    constraint uq_calendar_reader_program_id_person_id unique (program_id, person_id),
    constraint ck_calendar_reader_dialect check (dialect in ('unknown', 'merge', 'replace')),
    constraint fk_calendar_reader_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_calendar_reader_program_id foreign key (program_id) references program (id)
);

create table agenda_item (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    meeting_id uuid,
    kind varchar not null,
    subject varchar not null,
    rule varchar not null,
    reasons jsonb not null,
    section_fr varchar not null,
    section_en varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    purpose varchar not null,
    audience varchar not null,
    minutes integer not null,
    presenter_seat_id uuid,
    task_id uuid,
    position integer not null,
    number varchar,
    frozen_at timestamptz,
    late boolean not null,
    late_reason varchar not null,
    times_seen integer not null,
    carried_from_id uuid,
    referred_to_id uuid,
    state varchar not null,
    outcome varchar not null,
    note bytea,
    asked_by uuid,
    asked_at timestamptz not null,
    taken_up_at timestamptz,
    settled_at timestamptz,
    settled_as varchar,
    version integer not null,
    constraint pk_agenda_item primary key (program_id, id),
    constraint one_number_a_meeting unique (program_id, meeting_id, number),
    constraint ck_agenda_item_state check (state in ('pool', 'scheduled', 'settled', 'withdrawn')),
    constraint ck_agenda_item_purpose check (purpose in ('information', 'discussion', 'decision')),
    constraint ck_agenda_item_audience check (audience in ('invited', 'seats', 'partners')),
    constraint ck_agenda_item_outcome check (outcome in ('', 'treated', 'decided', 'carried', 'referred', 'withdrawn')),
    constraint ck_agenda_item_minutes check (minutes between 0 and 600),
    constraint ck_agenda_item_times_seen check (times_seen >= 0),
    constraint ck_agenda_item_pool check (state <> 'pool' or meeting_id is null),
    constraint ck_agenda_item_scheduled check (state not in ('scheduled', 'settled') or meeting_id is not null),
    constraint ck_agenda_item_numbered_when_frozen check ((number is null) = (frozen_at is null)),
    constraint ck_agenda_item_late check (not late or late_reason <> ''),
    constraint ck_agenda_item_settled check (num_nulls(settled_at, settled_as) in (0, 2)),
    constraint fk_agenda_item_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_agenda_item_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_agenda_item_program_id_presenter_seat_id foreign key (program_id, presenter_seat_id)
        references seat (program_id, id),
    constraint fk_agenda_item_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_agenda_item_program_id_carried_from_id foreign key (program_id, carried_from_id)
        references agenda_item (program_id, id),
    constraint fk_agenda_item_program_id_referred_to_id foreign key (program_id, referred_to_id)
        references committee (program_id, id),
    constraint fk_agenda_item_program_id_asked_by foreign key (program_id, asked_by) references person (program_id, id),
    constraint fk_agenda_item_program_id foreign key (program_id) references program (id)
);
create index ix_agenda_item_meeting on agenda_item (program_id, meeting_id);
create unique index one_open_item on agenda_item (program_id, committee_id, kind, subject)
    where state in ('pool', 'scheduled');

create table agenda_version (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid not null,
    n integer not null,
    kind varchar not null,
    content jsonb not null,
    digest varchar not null,
    made_at timestamptz not null,
    constraint pk_agenda_version primary key (program_id, id),
    constraint uq_agenda_version_program_id_meeting_id_n unique (program_id, meeting_id, n),
    constraint ck_agenda_version_kind check (kind in ('agenda', 'addendum')),
    constraint fk_agenda_version_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_agenda_version_program_id foreign key (program_id) references program (id)
);

create table attendance (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid not null,
    seat_id uuid not null,
    state varchar not null,
    person_id uuid,
    is_remote boolean not null,
    arrived_at timestamptz,
    left_at timestamptz,
    recorded_at timestamptz not null,
    recorded_by uuid,
    version integer not null,
    constraint pk_attendance primary key (program_id, id),
    constraint uq_attendance_program_id_meeting_id_seat_id unique (program_id, meeting_id, seat_id),
    constraint ck_attendance_state
        check (state in ('unrecorded', 'present', 'remote', 'alternate', 'excused', 'absent')),
    constraint ck_attendance_someone_who_sat
        check ((state in ('present', 'remote', 'alternate')) = (person_id is not null)),
    constraint ck_attendance_in_order check (left_at is null or arrived_at is null or left_at >= arrived_at),
    constraint fk_attendance_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_attendance_program_id_seat_id foreign key (program_id, seat_id) references seat (program_id, id),
    constraint fk_attendance_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_attendance_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_attendance_program_id foreign key (program_id) references program (id)
);

create table minutes (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid not null,
    state varchar not null,
    sealed bytea,
    circulations integer not null,
    digest varchar not null,
    circulated_at timestamptz,
    approved_at timestamptz,
    approved_in_id uuid,
    version integer not null,
    constraint pk_minutes primary key (program_id, id),
    constraint uq_minutes_program_id_meeting_id unique (program_id, meeting_id),
    constraint ck_minutes_state check (state in ('draft', 'circulated', 'approved')),
    constraint ck_minutes_approved check ((state = 'approved') = (approved_at is not null)),
    constraint ck_minutes_circulated check (state = 'draft' or circulated_at is not null),
    constraint ck_minutes_circulations check ((circulations = 0) = (circulated_at is null)),
    constraint fk_minutes_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_minutes_program_id_approved_in_id foreign key (program_id, approved_in_id)
        references meeting (program_id, id),
    constraint fk_minutes_program_id foreign key (program_id) references program (id)
);

create table decision (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    meeting_id uuid not null,
    item_id uuid,
    number varchar not null,
    kind varchar not null,
    text_fr varchar not null,
    text_en varchar not null,
    added_in varchar not null,
    added_at timestamptz,
    added_by uuid,
    has_quorum boolean not null,
    quorum jsonb not null,
    owner_role varchar not null,
    owner_organization_id uuid,
    due_on date,
    task_id uuid,
    needs_endorsement boolean not null,
    why_not_management varchar not null,
    endorsement varchar not null,
    counts_since timestamptz,
    suspended_at timestamptz,
    endorse_by date,
    asked_again_at timestamptz,
    wanted_by_id uuid,
    wanted_by_person uuid,
    wanted_at timestamptz,
    wanted_why varchar not null,
    grants boolean not null,
    takes_back text[] not null,
    settles_id uuid,
    state varchar not null,
    decided_at timestamptz not null,
    recorded_by uuid,
    closed_at timestamptz,
    closed_as varchar,
    withdrawn_by_id uuid,
    version integer not null,
    constraint pk_decision primary key (program_id, id),
    constraint uq_decision_program_id_number unique (program_id, number),
    constraint ck_decision_state check (state in ('open', 'standing', 'done', 'withdrawn')),
    constraint ck_decision_owed check ((owner_role = '') = (task_id is null)),
    constraint ck_decision_due check ((owner_role = '') = (due_on is null)),
    constraint ck_decision_closed check (num_nulls(closed_at, closed_as) in (0, 2)),
    constraint ck_decision_endorsement
        check (endorsement in ('not_asked', 'pending', 'endorsed', 'objected', 'earlier')),
    constraint ck_decision_needs_endorsement check (needs_endorsement = (endorsement <> 'not_asked')),
    constraint ck_decision_counts
        check ((endorsement in ('not_asked', 'endorsed', 'earlier')) = (counts_since is not null and suspended_at is
            null)),
    constraint ck_decision_suspended check (suspended_at is null or counts_since is not null),
    constraint ck_decision_wanted check ((wanted_by_id is null) = (wanted_at is null)),
    constraint ck_decision_grants check (not grants or (item_id is not null and settles_id is null)),
    constraint ck_decision_settles check (settles_id is null or not needs_endorsement),
    constraint ck_decision_added_in check (added_in in ('', 'fr', 'en')),
    constraint ck_decision_added check ((added_in = '') = (added_at is null)),
    constraint fk_decision_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_decision_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_decision_program_id_item_id foreign key (program_id, item_id) references agenda_item (program_id, id),
    constraint fk_decision_program_id_owner_organization_id foreign key (program_id, owner_organization_id)
        references organization (program_id, id),
    constraint fk_decision_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_decision_program_id_withdrawn_by_id foreign key (program_id, withdrawn_by_id)
        references decision (program_id, id),
    constraint fk_decision_program_id_settles_id foreign key (program_id, settles_id)
        references decision (program_id, id),
    constraint fk_decision_program_id_added_by foreign key (program_id, added_by)
        references person (program_id, id),
    constraint fk_decision_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_decision_program_id_wanted_by_id foreign key (program_id, wanted_by_id)
        references organization (program_id, id),
    constraint fk_decision_program_id_wanted_by_person foreign key (program_id, wanted_by_person)
        references person (program_id, id),
    constraint fk_decision_program_id foreign key (program_id) references program (id)
);
create index ix_decision_meeting_id on decision (meeting_id);
create index ix_decision_on_others on decision (program_id)
    where cardinality(takes_back) > 0 or settles_id is not null;
create index ix_decision_open on decision (program_id, committee_id) where state = 'open';

create table endorsement (
    program_id uuid not null,
    id uuid not null,
    decision_id uuid not null,
    organization_id uuid not null,
    said varchar not null,
    said_at timestamptz not null,
    said_by uuid,
    said_as varchar not null,
    said_for uuid,
    reason varchar not null,
    majority varchar not null,
    settled_by_id uuid,
    superseded_at timestamptz,
    version integer not null,
    constraint pk_endorsement primary key (program_id, id),
    constraint ck_endorsement_said check (said in ('', 'endorsed', 'objected')),
    constraint ck_endorsement_majority check (majority in ('', 'more_than_half', 'two_thirds', 'three_quarters')),
    constraint ck_endorsement_objects_with_a_reason check (said <> 'objected' or reason <> ''),
    constraint ck_endorsement_settled check (settled_by_id is null or said = 'objected'),
    constraint fk_endorsement_program_id_decision_id foreign key (program_id, decision_id)
        references decision (program_id, id),
    constraint fk_endorsement_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_endorsement_program_id_said_by foreign key (program_id, said_by) references person (program_id, id),
    constraint fk_endorsement_program_id_said_for foreign key (program_id, said_for) references person (program_id, id),
    constraint fk_endorsement_program_id_settled_by_id foreign key (program_id, settled_by_id)
        references decision (program_id, id),
    constraint fk_endorsement_program_id foreign key (program_id) references program (id)
);
create index ix_endorsement_decision on endorsement (program_id, decision_id);
create unique index one_endorsement_counts on endorsement (program_id, decision_id, organization_id)
    where superseded_at is null;
