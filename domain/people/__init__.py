"""People of the program's organizations: appointments, absences, seats, and their calendars."""
