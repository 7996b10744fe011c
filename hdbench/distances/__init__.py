"""Distances between sets of shapes: Chamfer and earth mover's, exact, on every core or on a GPU; matrices and nearest pairs."""
