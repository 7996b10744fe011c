"""Data sets on disk: ShapeNet's categories, and what 'hdbench data check' finds in a folder."""
