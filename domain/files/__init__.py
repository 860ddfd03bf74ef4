"""Documents given as proof, cleaned of metadata, and tables that leave as files."""
