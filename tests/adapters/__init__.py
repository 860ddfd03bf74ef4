"""The adapters, tried against the real thing behind them."""
