-- How a follow-up is handed over is agreed with the participant, and is not known before (DP-04).

ALTER TABLE evidence DROP CONSTRAINT ck_evidence_kind;
ALTER TABLE evidence ADD CONSTRAINT ck_evidence_kind CHECK (kind in ('document', 'serial', 'account', 'way'));
ALTER TABLE hand_over DROP CONSTRAINT ck_hand_over_way;
ALTER TABLE hand_over ADD CONSTRAINT ck_hand_over_way CHECK (way in ('', 'call', 'meeting'));
