"""Cases and their tasks: the functions that change them, the versions that they follow, and what the engine is told."""
