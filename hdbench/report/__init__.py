"""One HTML file that opens offline: tables, shapes to turn, pictures, curves, costs, and what failed."""
