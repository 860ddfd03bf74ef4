"""What agreements in force allow on a day: roles, new assignments, sharing. Reads only."""
