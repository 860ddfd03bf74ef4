"""Whatever is sent, from wherever: headers, guards, hostile words, hostile files."""
