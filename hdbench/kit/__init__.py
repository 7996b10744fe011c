"""What an author of a plugin gets: a distribution to start from, its contract without pytest, and plugins of one file."""
