"""Each page for several people, on a real database."""
