"""How the tables came to be, one step after the other. Run as the owner of the database, never as the application."""
