-- A signed file belongs to the signature that it carries. Of those kept before, nobody said whose it is.

ALTER TABLE signed_file ADD COLUMN signature_id UUID;
ALTER TABLE signed_file ADD CONSTRAINT fk_signed_file_program_id_signature_id FOREIGN KEY(program_id, signature_id) REFERENCES signature (program_id, id);
grant insert ("signature_id") on "signed_file" to spheres_app;
