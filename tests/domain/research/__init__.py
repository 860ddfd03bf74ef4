"""Exports for the research: the groups in which people go, attacks on them, and studies with the database."""
