"""What a person asks about their own data."""
