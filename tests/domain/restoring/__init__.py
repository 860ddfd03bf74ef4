"""A restore: how it is found, and what follows."""
