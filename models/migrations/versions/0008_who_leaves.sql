-- Who leaves: departures, what became of what leavers had in hand, and the interviews of who comes after them. A case
-- may be about a member of the staff in whatever roles, and gather what they have in hand.

ALTER TABLE "case" ADD COLUMN gathers BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "case" ALTER COLUMN gathers DROP DEFAULT;
ALTER TABLE "case" DROP CONSTRAINT ck_case_subject_kind;
ALTER TABLE "case" DROP CONSTRAINT ck_case_about_a_person;
ALTER TABLE "case" ADD CONSTRAINT ck_case_subject_kind CHECK (subject_kind in ('worker', 'member', 'organization', 'agreement_version', 'program', 'participant'));
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_a_person CHECK ((subject_kind in ('worker', 'member')) = (subject_id is not null));

ALTER TABLE task ADD COLUMN holding VARCHAR NOT NULL DEFAULT '';
ALTER TABLE task ALTER COLUMN holding DROP DEFAULT;

ALTER TABLE loan ADD COLUMN missing_since TIMESTAMP WITH TIME ZONE;
ALTER TABLE loan ADD COLUMN lost BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE loan ALTER COLUMN lost DROP DEFAULT;
ALTER TABLE loan ADD CONSTRAINT ck_loan_lost CHECK (not lost or (returned_at is not null and missing_since is not null));

ALTER TABLE account ADD COLUMN look_again_on DATE;
CREATE INDEX ix_account_look_again ON account (program_id, look_again_on) WHERE look_again_on is not null;

CREATE TABLE departure (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    person_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    last_day DATE NOT NULL,
    planned BOOLEAN NOT NULL,
    was_to_end JSONB NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    called_off_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_departure PRIMARY KEY (program_id, id),
    CONSTRAINT fk_departure_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_departure_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_departure_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT uq_departure_program_id_case_id UNIQUE (program_id, case_id),
    CONSTRAINT fk_departure_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_departure_not_ended ON departure (program_id, last_day) WHERE ended_at is null;
CREATE INDEX ix_departure_person_id ON departure (person_id);
alter table "departure" enable row level security;
create policy own_program on "departure" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "departure" to spheres_app;
grant insert, update on "departure" to spheres_app;

CREATE TABLE settlement (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    task_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    holding_id UUID NOT NULL,
    successor_id UUID,
    ended_as VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_by UUID,
    settled_as VARCHAR NOT NULL,
    CONSTRAINT pk_settlement PRIMARY KEY (program_id, id),
    CONSTRAINT fk_settlement_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_settlement_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_settlement_program_id_successor_id FOREIGN KEY(program_id, successor_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_settlement_program_id_settled_by FOREIGN KEY(program_id, settled_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_settlement_ended_as CHECK (ended_as in ('', 'with_the_role', 'left_vacant', 'nobody_deputizes', 'not_invited', 'returned', 'lost', 'closed', 'recruiting', 'not_replaced', 'by_itself')),
    CONSTRAINT ck_settlement_successor_or_end CHECK ((successor_id is null) = (ended_as <> '')),
    CONSTRAINT fk_settlement_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_settlement_case_id ON settlement (case_id);
alter table "settlement" enable row level security;
create policy own_program on "settlement" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "settlement" to spheres_app;
grant insert ("program_id", "id", "case_id", "task_id", "kind", "holding_id", "successor_id", "ended_as", "note", "settled_at", "settled_by", "settled_as") on "settlement" to spheres_app;

CREATE TABLE interview (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    applicant INTEGER NOT NULL,
    interviewer_id UUID NOT NULL,
    leadership INTEGER NOT NULL,
    clinical INTEGER NOT NULL,
    note VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_interview PRIMARY KEY (program_id, id),
    CONSTRAINT fk_interview_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_interview_program_id_interviewer_id FOREIGN KEY(program_id, interviewer_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_interview_program_id_case_id_applicant_interviewer_id UNIQUE (program_id, case_id, applicant, interviewer_id),
    CONSTRAINT ck_interview_applicant CHECK (applicant between 1 and 99),
    CONSTRAINT ck_interview_leadership CHECK (leadership between 0 and 100),
    CONSTRAINT ck_interview_clinical CHECK (clinical between 0 and 100),
    CONSTRAINT fk_interview_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "interview" enable row level security;
create policy own_program on "interview" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "interview" to spheres_app;
grant insert, update on "interview" to spheres_app;

CREATE TABLE hand_over (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    task_id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    from_id UUID NOT NULL,
    to_id UUID NOT NULL,
    way VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proposed_by UUID,
    answer_by DATE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    reason VARCHAR NOT NULL,
    lapsed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_hand_over PRIMARY KEY (program_id, id),
    CONSTRAINT fk_hand_over_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_hand_over_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_hand_over_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_hand_over_program_id_from_id FOREIGN KEY(program_id, from_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_hand_over_program_id_to_id FOREIGN KEY(program_id, to_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_hand_over_program_id_proposed_by FOREIGN KEY(program_id, proposed_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_hand_over_state CHECK (state in ('proposed', 'accepted', 'refused', 'withdrawn')),
    CONSTRAINT ck_hand_over_way CHECK (way in ('call', 'meeting')),
    CONSTRAINT ck_hand_over_answered CHECK ((state = 'proposed') = (answered_at is null)),
    CONSTRAINT fk_hand_over_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_hand_over_case_id ON hand_over (case_id);
CREATE INDEX ix_hand_over_to_id ON hand_over (to_id);
CREATE UNIQUE INDEX one_hand_over_at_a_time ON hand_over (program_id, follow_up_id, from_id) WHERE state = 'proposed';
alter table "hand_over" enable row level security;
create policy own_program on "hand_over" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "hand_over" to spheres_app;
grant insert, update on "hand_over" to spheres_app;

