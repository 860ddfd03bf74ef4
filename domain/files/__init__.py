"""Documents that come as proof, cleaned of what was written beside them, and tables that leave as files."""
