"""When people meet: series, invitations, agendas, attendance, decisions and minutes."""
