"""Cases and their tasks: the doors that change them, the versions that they follow, and what the engine is told."""
