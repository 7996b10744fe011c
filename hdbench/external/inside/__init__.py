"""Files that other interpreters run, by their paths: they import nothing of hdbench, and know Python 3.8."""
