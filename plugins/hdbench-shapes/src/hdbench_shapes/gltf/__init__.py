"""Animated glTF files, read without a library: the document, its animations, its meshes over time."""
