"""Whether a decision is in effect: what the partners' agreements ask for, and the one question that all ask (GV-4)."""
