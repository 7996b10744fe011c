"""Articulated animals made by rule: plans of bodies, motions over time, and closed parts that follow a skeleton."""
