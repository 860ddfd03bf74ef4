-- A draft of a referral that its author left unfinished is the coordination's from then on, whoever coordinates, and is
-- its author's no more: it is no longer handed to somebody by name. Drafts that were handed on before are so too: who
-- began them is who referred, as the record tells, and whoever had them since reads them no more, unless they coordinate.

ALTER TABLE referral ADD COLUMN left_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE referral ADD CONSTRAINT ck_referral_left_by_somebody CHECK (left_at is null or way = 'page');
UPDATE referral SET
    left_at = handed.at,
    referred_by = coalesce(
        (SELECT begun.actor_id FROM event begun WHERE begun.program_id = referral.program_id
            AND begun.subject_id = referral.id AND begun.verb = 'referral.begun' ORDER BY begun.n LIMIT 1),
        referral.referred_by
    )
FROM (
    SELECT program_id, subject_id, max(at) AS at FROM event WHERE verb = 'referral.handed_on' GROUP BY program_id, subject_id
) handed
WHERE handed.program_id = referral.program_id AND handed.subject_id = referral.id AND referral.state = 'draft';

ALTER TABLE settlement DROP CONSTRAINT ck_settlement_ended_as;
ALTER TABLE settlement ADD CONSTRAINT ck_settlement_ended_as CHECK (ended_as in ('', 'with_the_role', 'left_vacant', 'nobody_deputizes', 'not_invited', 'returned', 'lost', 'closed', 'recruiting', 'not_replaced', 'by_itself', 'left_unfinished', 'thrown_away', 'to_the_coordinator'));
