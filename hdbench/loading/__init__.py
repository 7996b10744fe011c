"""What researchers have on disk -> sets of shapes: arrays in many layouts, folders of clouds and of meshes, run folders.

    path -> kinds (what is it, by its content) -> arrays, texts, meshes (read it, never unpickling anything)
         -> choosing (which of its arrays) -> axes (which axis is what) -> taking (the protocol's points, troubles counted)

A loader guesses only where one reading is possible, and says in ``ShapeSet.notes`` how it read the file. Files of a folder are
taken in the order of their sorted names, arrays of shapes in their own order.
"""

from hdbench.loading.load import load_draws, load_shapes

__all__ = ["load_draws", "load_shapes"]
