"""What a name, a telephone, an address or a date of birth looks like in words, and where they stand in a text."""
