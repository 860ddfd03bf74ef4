"""Letters that are sent: their recipients, the words, the envelope, and the gate that reads them for names."""
