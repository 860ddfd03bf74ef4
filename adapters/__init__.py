"""The outside world behind the ports: database, settings, mail, and later directory, calendars and keys."""
