"""Programs as data: one file a program."""
