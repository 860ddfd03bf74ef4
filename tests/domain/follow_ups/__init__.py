"""Follow-ups: opening one, who accompanies it, contacts, notes, breaks, how it ends and is taken up again."""
