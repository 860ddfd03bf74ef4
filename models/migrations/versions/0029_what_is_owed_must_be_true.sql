-- "Nothing recorded yet" is a state of an obligation. What was found before stays as it was found; how each period stands
-- now is judged anew by the next round, which every program is due at once.

ALTER TABLE obligation_period DROP CONSTRAINT ck_obligation_period_state;
ALTER TABLE obligation_period ADD CONSTRAINT ck_obligation_period_state CHECK (state in ('not_yet', 'nothing_recorded', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'given', 'met', 'missed', 'no_occasion', 'waived'));
ALTER TABLE obligation_finding DROP CONSTRAINT ck_obligation_finding_state;
ALTER TABLE obligation_finding ADD CONSTRAINT ck_obligation_finding_state CHECK (state in ('not_yet', 'nothing_recorded', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'given', 'met', 'missed', 'no_occasion', 'waived'));
UPDATE round_mark SET done_up_to = '2000-01-01 00:00:00+00' WHERE key = 'obligations';

-- When silence is a risk, and when people are asked: the program's own, with the days that hold where its file says none.

ALTER TABLE program ADD COLUMN obligations JSONB;
UPDATE program SET obligations = '{"at_risk": {"percent": 25, "at_least_days": 30}, "asked": [{"working_days": 60, "to": ["owner"]}, {"working_days": 20, "to": ["owner", "director"]}, {"working_days": 5, "to": ["owner", "director", "coordinator"]}], "first_working_days": 20}';
ALTER TABLE program ALTER COLUMN obligations SET NOT NULL;

-- Whom each reminder of a duty outside any case is for, where it says so itself. Of those under way it is as before.

ALTER TABLE task ADD COLUMN ladder_to TEXT[];
UPDATE task SET ladder_to = '{}';
ALTER TABLE task ALTER COLUMN ladder_to SET NOT NULL;

-- The due days that had passed undone when a step was called off, waived or given another day.

CREATE TABLE lateness (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID NOT NULL,
    clause VARCHAR NOT NULL,
    due_on DATE NOT NULL,
    until DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_lateness PRIMARY KEY (program_id, id),
    CONSTRAINT fk_lateness_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT uq_lateness_program_id_task_id_due_on_until UNIQUE (program_id, task_id, due_on, until),
    CONSTRAINT ck_lateness_late CHECK (until > due_on),
    CONSTRAINT fk_lateness_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "lateness" enable row level security;
create policy own_program on "lateness" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "lateness" to spheres_app;
grant insert ("program_id", "id", "task_id", "clause", "due_on", "until", "recorded_at") on "lateness" to spheres_app;

-- What was called off after its due day was late until then, as the record has it. A step that was handed in before it
-- was waived may have been in time, which nobody can tell any more: it is left as it is.

INSERT INTO lateness (program_id, id, task_id, clause, due_on, until, recorded_at)
SELECT late.program_id, gen_random_uuid(), late.id, late.clause, late.due_on, late.until, now()
FROM (
    SELECT task.program_id, task.id, task.clause, task.due_on, (task.settled_at AT TIME ZONE program.time_zone)::date AS until
    FROM task
    JOIN program ON program.id = task.program_id
    WHERE task.case_id IS NOT NULL AND task.state = 'waived' AND task.settled_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM event WHERE event.program_id = task.program_id AND event.subject_id = task.id AND event.verb = 'task.submitted'
    )
    UNION ALL
    SELECT task.program_id, task.id, task.clause, task.due_on, (coalesce(task.done_at, "case".ended_at) AT TIME ZONE program.time_zone)::date
    FROM task
    JOIN program ON program.id = task.program_id
    JOIN "case" ON "case".program_id = task.program_id AND "case".id = task.case_id
    WHERE task.state = 'cancelled' AND "case".ended_at IS NOT NULL
) AS late
WHERE late.until > late.due_on;
