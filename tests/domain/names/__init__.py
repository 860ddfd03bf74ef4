"""Names as people write them, and words that name nobody."""
