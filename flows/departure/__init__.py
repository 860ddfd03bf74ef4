"""The departure of a member of the staff: its declared file, and what the engine does of it automatically."""
