"""Meetings: dates, invitations, calendars, agendas and what comes of them."""
