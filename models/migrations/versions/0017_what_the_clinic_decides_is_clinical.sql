-- What the Clinical Committee decides of a candidate is a clinical decision. Those recorded before were of no kind of their own.

UPDATE decision SET kind = 'clinical', version = decision.version + 1
FROM agenda_item
WHERE agenda_item.program_id = decision.program_id AND agenda_item.id = decision.item_id
    AND agenda_item.kind = 'admission' AND decision.kind = 'other';
