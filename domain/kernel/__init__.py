"""What every rule stands on: the session's program and days, who acts, worked days, refusals, sealing."""
