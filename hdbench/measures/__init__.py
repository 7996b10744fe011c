"""Figures of one shape: is it a body, how does it move, where are its points, how well does it stand for another."""
