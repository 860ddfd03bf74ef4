"""How a participant is accompanied: consent, workers, breaks, risks, withdrawal, and the end of a follow-up."""
