"""What is owed, and which role owes it: roles on a day, cases, tasks, agreements, obligations, the protocol grammar."""
