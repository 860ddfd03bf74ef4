"""From a referral to a number: triage, first meetings, corrections, duplicates."""
