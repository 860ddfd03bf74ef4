"""Programs as data: one file a program, and the demonstration that goes with one of them."""
