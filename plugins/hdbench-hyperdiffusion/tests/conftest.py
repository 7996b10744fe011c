"""Lets the tests import ``theirs``, which makes files in the authors' layouts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
