"""Follow-ups: opening one, who accompanies it, contacts, weekly notes, breaks, and how it ends and resumes."""
