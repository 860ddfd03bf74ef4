"""What is owed and by whom: roles on a day, cases, tasks, agreements, obligations, the protocol grammar."""
