-- What is filled in when a step is handed in stands beside it, once and for good. Of what was handed in before nothing was
-- asked: it stays as it is, approved or waiting.

ALTER TABLE task ADD COLUMN asks JSONB NOT NULL DEFAULT '[]'::jsonb;
ALTER TABLE task ALTER COLUMN asks DROP DEFAULT;

CREATE TABLE request (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID NOT NULL,
    n INTEGER NOT NULL,
    asked JSONB NOT NULL,
    given JSONB NOT NULL,
    digest VARCHAR NOT NULL,
    handed_in_at TIMESTAMP WITH TIME ZONE NOT NULL,
    handed_in_by UUID,
    CONSTRAINT pk_request PRIMARY KEY (program_id, id),
    CONSTRAINT fk_request_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_request_program_id_handed_in_by FOREIGN KEY(program_id, handed_in_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_request_program_id_task_id_n UNIQUE (program_id, task_id, n),
    CONSTRAINT ck_request_n CHECK (n >= 1),
    CONSTRAINT fk_request_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
alter table "request" enable row level security;
create policy own_program on "request" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "request" to spheres_app;
grant insert ("program_id", "id", "task_id", "n", "asked", "given", "digest", "handed_in_at", "handed_in_by") on "request" to spheres_app;

-- Who gave a handed-back task again, and when. What is handed back now waits as it did.

ALTER TABLE task ADD COLUMN given_again_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE task ADD COLUMN given_again_by UUID;
ALTER TABLE task ADD CONSTRAINT fk_task_program_id_given_again_by FOREIGN KEY(program_id, given_again_by) REFERENCES person (program_id, id);
ALTER TABLE task ADD CONSTRAINT ck_task_given_again CHECK ((given_again_at is null) = (given_again_by is null));
ALTER TABLE task ADD CONSTRAINT ck_task_handed_back_or_given_again CHECK (handed_back_at is null or given_again_at is null);
CREATE INDEX ix_task_handed_back ON task (program_id) WHERE handed_back_at is not null;

-- Equipment is an inventory. What was written down by its serial number alone is in it as it was written. Of two of one
-- kind whose numbers differ by spaces, marks or capitals alone, the one that was lent first has the number, and the others
-- are marked for somebody to check: one thing may have been written down twice, and is taken from nobody's hands here.

ALTER TABLE equipment ADD COLUMN serial_key VARCHAR;
ALTER TABLE equipment ADD COLUMN to_check BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE equipment ALTER COLUMN to_check DROP DEFAULT;
ALTER TABLE equipment ADD COLUMN added_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE equipment ADD COLUMN added_by UUID;
ALTER TABLE equipment ADD COLUMN state VARCHAR NOT NULL DEFAULT 'in_use';
ALTER TABLE equipment ALTER COLUMN state DROP DEFAULT;
ALTER TABLE equipment ADD COLUMN state_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE equipment ADD COLUMN state_by UUID;
ALTER TABLE equipment ADD COLUMN state_as VARCHAR;
ALTER TABLE equipment ADD COLUMN reason VARCHAR NOT NULL DEFAULT '';
ALTER TABLE equipment ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE equipment ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE equipment ALTER COLUMN version DROP DEFAULT;

UPDATE equipment SET serial_key = coalesce(nullif(upper(regexp_replace(normalize(serial, NFKC), '[^[:alnum:]]', '', 'g')), ''), serial);
ALTER TABLE equipment ALTER COLUMN serial_key SET NOT NULL;
UPDATE equipment SET to_check = true FROM (
    SELECT one.program_id, one.id,
           row_number() OVER (
               PARTITION BY one.program_id, one.kind, one.serial_key
               ORDER BY (SELECT min(lent_at) FROM loan WHERE loan.program_id = one.program_id AND loan.equipment_id = one.id) NULLS LAST, one.id
           ) AS place
    FROM equipment AS one
) AS counted
WHERE counted.program_id = equipment.program_id AND counted.id = equipment.id AND counted.place > 1;
-- What was given up and nobody has in hand since is lost.
UPDATE equipment SET state = 'lost', state_at = given_up.returned_at, state_as = '', reason = given_up.condition
FROM loan AS given_up
WHERE given_up.program_id = equipment.program_id AND given_up.equipment_id = equipment.id AND given_up.lost
  AND NOT EXISTS (
      SELECT FROM loan AS later
      WHERE later.program_id = given_up.program_id AND later.equipment_id = given_up.equipment_id AND later.lent_at > given_up.lent_at
  );

ALTER TABLE equipment ADD CONSTRAINT fk_equipment_program_id_added_by FOREIGN KEY(program_id, added_by) REFERENCES person (program_id, id);
ALTER TABLE equipment ADD CONSTRAINT fk_equipment_program_id_state_by FOREIGN KEY(program_id, state_by) REFERENCES person (program_id, id);
ALTER TABLE equipment ADD CONSTRAINT ck_equipment_state CHECK (state in ('in_use', 'out_of_use', 'lost'));
ALTER TABLE equipment ADD CONSTRAINT ck_equipment_state_since CHECK (num_nulls(state_at, state_as) in (0, 2));
CREATE UNIQUE INDEX one_of_a_number ON equipment (program_id, kind, serial_key) WHERE not to_check;

ALTER TABLE evidence ADD COLUMN equipment_id UUID;
UPDATE evidence SET equipment_id = thing.id
FROM task, equipment AS thing
WHERE evidence.kind = 'serial'
  AND task.program_id = evidence.program_id AND task.id = evidence.task_id
  AND thing.program_id = evidence.program_id AND thing.serial = evidence.label AND thing.kind = coalesce(nullif(task.item, ''), task.step);
ALTER TABLE evidence ADD CONSTRAINT fk_evidence_program_id_equipment_id FOREIGN KEY(program_id, equipment_id) REFERENCES equipment (program_id, id);
ALTER TABLE evidence ADD CONSTRAINT ck_evidence_equipment_by_its_serial CHECK (equipment_id is null or kind = 'serial');

-- Who lent a thing and who took it back was not written down beside it; the record of the case says it. A hand-over whose
-- proof was taken back was a mistake, and no return.

ALTER TABLE loan ADD COLUMN lent_by UUID;
ALTER TABLE loan ADD COLUMN returned_by UUID;
ALTER TABLE loan ADD COLUMN mistaken BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE loan ALTER COLUMN mistaken DROP DEFAULT;
UPDATE loan SET mistaken = true
WHERE returned_at IS NOT NULL AND NOT lost AND condition = ''
  AND EXISTS (
      SELECT FROM evidence
      WHERE evidence.program_id = loan.program_id AND evidence.task_id = loan.task_id
        AND evidence.equipment_id = loan.equipment_id AND evidence.withdrawn_at = loan.returned_at
  );
ALTER TABLE loan ADD CONSTRAINT fk_loan_program_id_lent_by FOREIGN KEY(program_id, lent_by) REFERENCES person (program_id, id);
ALTER TABLE loan ADD CONSTRAINT fk_loan_program_id_returned_by FOREIGN KEY(program_id, returned_by) REFERENCES person (program_id, id);
ALTER TABLE loan ADD CONSTRAINT ck_loan_mistaken CHECK (not mistaken or (returned_at is not null and not lost));
ALTER TABLE loan ADD CONSTRAINT ck_loan_not_returned_by_themselves CHECK (returned_by is distinct from person_id or mistaken);

-- Of what was planned before, nobody said at which hour and where. Where is sealed with each who takes part.

ALTER TABLE activity ADD COLUMN begins TIME WITHOUT TIME ZONE;
ALTER TABLE activity ADD COLUMN minutes INTEGER;
ALTER TABLE activity ADD CONSTRAINT ck_activity_when CHECK (num_nulls(begins, minutes) in (0, 2));
ALTER TABLE activity ADD CONSTRAINT ck_activity_minutes CHECK (minutes between 15 and 1440);
ALTER TABLE activity_part ADD COLUMN sealed BYTEA;
ALTER TABLE activity_part ADD COLUMN where_mark VARCHAR;
ALTER TABLE activity_part ADD CONSTRAINT ck_activity_part_where CHECK (num_nulls(sealed, where_mark) in (0, 2));
