"""What the database refuses, whatever the program asks of it, and what its migrations make of it."""
