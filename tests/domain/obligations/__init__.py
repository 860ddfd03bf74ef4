"""The tests of what partners owe: windows, judging, keeping, and what people say of it."""
