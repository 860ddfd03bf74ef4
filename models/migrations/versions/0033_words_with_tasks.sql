-- What people write with a task that is about a candidate or participant is sealed under that person's key.
--
-- No migration has the keys: words that stand in the clear stay in their columns, are shown to those alone to whom the
-- file is open, and are sealed by the worker within a minute of its start (domain.casework.words). Nothing is lost.

CREATE TABLE task_words (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID NOT NULL,
    participant_id UUID NOT NULL,
    sealed BYTEA,
    version INTEGER NOT NULL,
    CONSTRAINT pk_task_words PRIMARY KEY (program_id, id),
    CONSTRAINT fk_task_words_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_task_words_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT uq_task_words_program_id_task_id UNIQUE (program_id, task_id),
    CONSTRAINT fk_task_words_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_task_words_participant_id ON task_words (participant_id);
alter table "task_words" enable row level security;
create policy own_program on "task_words" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "task_words" to spheres_app;
grant insert, update on "task_words" to spheres_app;
grant update ("note") on "settlement" to spheres_app;
