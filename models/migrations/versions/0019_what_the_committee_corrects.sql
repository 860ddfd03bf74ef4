-- What was recorded of a candidate can be corrected in the same meeting: what was recorded first stays, and the last counts.

DROP INDEX one_decision_stands;
