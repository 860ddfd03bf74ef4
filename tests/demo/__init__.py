"""The tests of the demonstration: its cast, and the year behind it."""
