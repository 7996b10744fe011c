"""One setting changed at a time: cases, what they would cost, and their table."""
