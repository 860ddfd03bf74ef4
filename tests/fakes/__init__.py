"""Stand-ins for the outside world that behave as it does, badly included."""
