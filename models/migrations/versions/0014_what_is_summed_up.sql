-- What is summed up of a follow-up that is handed over, sealed: one for each task that asks for it (DP-06).

CREATE TABLE follow_up_summary (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    task_id UUID NOT NULL,
    words BYTEA NOT NULL,
    written_by UUID NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_follow_up_summary PRIMARY KEY (program_id, id),
    CONSTRAINT fk_follow_up_summary_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_follow_up_summary_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_follow_up_summary_program_id_written_by FOREIGN KEY(program_id, written_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_follow_up_summary_program_id_task_id UNIQUE (program_id, task_id),
    CONSTRAINT fk_follow_up_summary_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_follow_up_summary_follow_up_id ON follow_up_summary (follow_up_id);
alter table "follow_up_summary" enable row level security;
create policy own_program on "follow_up_summary" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "follow_up_summary" to spheres_app;
grant insert, update on "follow_up_summary" to spheres_app;
