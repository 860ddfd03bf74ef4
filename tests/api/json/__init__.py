"""The JSON window, asked as another program asks it: every answer is held against what the window says of itself."""
