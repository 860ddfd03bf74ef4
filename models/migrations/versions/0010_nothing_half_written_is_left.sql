-- What a leaver had half written can end too: a note that stays unfinished, a referral that is thrown away.

ALTER TABLE settlement DROP CONSTRAINT ck_settlement_ended_as;
ALTER TABLE settlement ADD CONSTRAINT ck_settlement_ended_as CHECK (ended_as in ('', 'with_the_role', 'left_vacant', 'nobody_deputizes', 'not_invited', 'returned', 'lost', 'closed', 'recruiting', 'not_replaced', 'by_itself', 'left_unfinished', 'thrown_away'));
