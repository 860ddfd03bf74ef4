"""The onboarding of a youth worker: the declared protocol, and what the engine does of it automatically."""
