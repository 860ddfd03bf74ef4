"""Who may: the table of permissions, what an asker is to each subject, and the session."""
