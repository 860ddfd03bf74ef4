"""The demonstration: fictitious people and the year behind them, made by the real verbs."""
