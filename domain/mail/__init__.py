"""Letters that leave: whom an act concerns, the words, the envelope, and the gate that reads them for names."""
