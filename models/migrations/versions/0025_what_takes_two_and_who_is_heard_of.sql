-- Destruction takes two: one asks with a reason, another confirms, some days later. Moving the day of a file has a reason.
-- What one person destroyed before, or the program by itself, is kept as that: who, as whom and when, by its line.

CREATE TABLE destruction (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    asked_by UUID,
    asked_as VARCHAR NOT NULL,
    asked_for UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ground VARCHAR NOT NULL,
    worded BOOLEAN NOT NULL,
    sealed BYTEA,
    confirm_from DATE NOT NULL,
    lapses_on DATE NOT NULL,
    state VARCHAR NOT NULL,
    stopped_by VARCHAR NOT NULL,
    ended_by UUID,
    ended_as VARCHAR NOT NULL,
    ended_for UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    answer_sealed BYTEA,
    before_two BOOLEAN NOT NULL,
    CONSTRAINT pk_destruction PRIMARY KEY (program_id, id),
    CONSTRAINT fk_destruction_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_destruction_program_id_asked_by FOREIGN KEY(program_id, asked_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_destruction_program_id_asked_for FOREIGN KEY(program_id, asked_for) REFERENCES person (program_id, id),
    CONSTRAINT fk_destruction_program_id_ended_by FOREIGN KEY(program_id, ended_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_destruction_program_id_ended_for FOREIGN KEY(program_id, ended_for) REFERENCES person (program_id, id),
    CONSTRAINT ck_destruction_ground CHECK (ground in ('calendar', 'person_asks', 'not_triaged', 'by_mistake', 'law')),
    CONSTRAINT ck_destruction_state CHECK (state in ('asked', 'confirmed', 'refused', 'withdrawn', 'lapsed', 'stopped')),
    CONSTRAINT ck_destruction_stopped_by CHECK (stopped_by in ('', 'hold', 'day_moved', 'taken_up', 'triaged', 'referred_again', 'joined', 'changed')),
    CONSTRAINT ck_destruction_stopped CHECK ((state = 'stopped') = (stopped_by <> '')),
    CONSTRAINT ck_destruction_in_order CHECK (lapses_on >= confirm_from),
    CONSTRAINT ck_destruction_ended CHECK ((state = 'asked') = (ended_at is null)),
    CONSTRAINT ck_destruction_before_two CHECK (not before_two or state = 'confirmed'),
    CONSTRAINT ck_destruction_confirmed_by_somebody CHECK (state <> 'confirmed' or before_two or ended_by is not null),
    CONSTRAINT ck_destruction_takes_two CHECK (state <> 'confirmed' or before_two or (ended_by is distinct from asked_by and ended_by is distinct from asked_for and (ended_for is null or (ended_for is distinct from asked_by and ended_for is distinct from asked_for)))),
    CONSTRAINT fk_destruction_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_destruction_participant_id ON destruction (participant_id);
CREATE UNIQUE INDEX one_destruction_asked ON destruction (program_id, participant_id) WHERE state = 'asked';
alter table "destruction" enable row level security;
create policy own_program on "destruction" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "destruction" to spheres_app;
grant insert, update on "destruction" to spheres_app;

CREATE TABLE kept_until (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    was DATE,
    day DATE NOT NULL,
    sealed BYTEA NOT NULL,
    set_by UUID NOT NULL,
    set_as VARCHAR NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_kept_until PRIMARY KEY (program_id, id),
    CONSTRAINT fk_kept_until_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_kept_until_program_id_set_by FOREIGN KEY(program_id, set_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_kept_until_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_kept_until_participant_id ON kept_until (participant_id);
alter table "kept_until" enable row level security;
create policy own_program on "kept_until" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "kept_until" to spheres_app;
grant insert ("program_id", "id", "participant_id", "was", "day", "sealed", "set_by", "set_as", "set_at") on "kept_until" to spheres_app;

INSERT INTO destruction (program_id, id, participant_id, asked_by, asked_as, asked_for, asked_at, ground, worded, confirm_from,
    lapses_on, state, stopped_by, ended_by, ended_as, ended_for, ended_at, before_two)
SELECT line.program_id, gen_random_uuid(), line.subject_id, line.actor_id, line.actor_as, line.actor_for, line.at, 'calendar', false,
    (line.at AT TIME ZONE program.time_zone)::date, (line.at AT TIME ZONE program.time_zone)::date, 'confirmed', '',
    line.actor_id, line.actor_as, line.actor_for, line.at, true
FROM event line
JOIN participant ON participant.program_id = line.program_id AND participant.id = line.subject_id
JOIN program ON program.id = line.program_id
WHERE line.verb = 'participant.destroyed';

-- A referral that nobody ever triaged is destroyed with its file.

ALTER TABLE referral DROP CONSTRAINT ck_referral_state;
ALTER TABLE referral ADD CONSTRAINT ck_referral_state CHECK (state in ('draft', 'received', 'triaged', 'joined', 'abandoned', 'destroyed'));

-- Subjects call nobody by number or reference: whom a letter is about stands beside it. A letter that was written before
-- stays as it was written, its subject too.

ALTER TABLE notice ADD COLUMN calls TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE notice ALTER COLUMN calls DROP DEFAULT;
UPDATE notice SET calls = called.names
FROM (
    SELECT program_id, id, array_agg(DISTINCT found[1] ORDER BY found[1]) AS names
    FROM notice, regexp_matches(subject, '(#[0-9]{4}-[0-9]{2,}|\mC-[2-9A-HJ-NP-Z]{6}\M)', 'g') AS found
    GROUP BY program_id, id
) AS called
WHERE called.program_id = notice.program_id AND called.id = notice.id;

-- How many files a role may open in a while is declared in the program's file; until it is loaded anew the proposals count.

ALTER TABLE program ADD COLUMN reading JSONB NOT NULL DEFAULT '{}';
ALTER TABLE program ALTER COLUMN reading DROP DEFAULT;
CREATE INDEX ix_event_read_at ON event (program_id, at) WHERE verb in ('read', 'exported');
