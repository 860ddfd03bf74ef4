"""What a person has in hand, computed from the records and never typed: some kinds a module, all in `in_hand`."""
