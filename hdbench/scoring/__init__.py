"""From sets of shapes to rows of numbers: what the metrics read, their intervals, tests and differences."""
