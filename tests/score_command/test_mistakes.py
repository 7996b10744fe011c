"""A mistake is answered in one line, before anything is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from score_files import SMALL, boxes

MISTAKES = {
    "nothing to score": (("-r", "ref.npz"), "Name the shapes to score: --generated PATH"),
    "no reference": (("-g", "ref.npz"), "Name the shapes to compare with: --reference PATH"),
    "missing file": (("-g", "rfe.npz", "-r", "ref.npz"), "There is no file or folder 'rfe.npz'. Did you mean 'ref.npz'?"),
    "missing reference": (("-g", "ref.npz", "-r", "no/where"), "There is no file or folder 'no/where'."),
    "missing training": (("-g", "ref.npz", "-r", "ref.npz", "--train", "trian"), "There is no file or folder 'trian'."),
    "unknown protocol": (("--protocol", "strikt"), "There is no protocol named 'strikt'. Did you mean 'strict'?"),
    "unknown setting": (("-o", "pionts=3"), "There is no setting named 'pionts'. Did you mean 'points'?"),
    "bad setting": (("-o", "points=many"), "The setting 'points' must be int, but it is 'many'."),
    "unknown metric": (("--metric", "mmd-dc"), "There is no metric named 'mmd-dc'. Did you mean 'mmd-cd'?"),
    "unknown format": (("--format", "latex"), "There is no format named 'latex'."),
    "unknown device": (("--device", "gpu"), "There is no device named 'gpu'."),
    "missing configuration": (("--config", "x.toml"), "There is no configuration file 'x.toml'."),
    "unwritable record": (("--json", "ref.npz/out.json"), "'ref.npz/out.json' cannot be written: "),
    "too few points": (("-g", "ref.npz", "-r", "ref.npz"), "has clouds of 64 points, fewer than the 2048 that the protocol asks"),
    "frames": (("-g", "seq.npy", "-r", "ref.npz", *SMALL), "'seq' has 5 frames per shape, the reference 1 frame."),
    "wanted frames": (("-g", "ref.npz", "-r", "ref.npz", "--frames", "3", *SMALL), "but shapes of 3 frames are wanted"),
    "draws as reference": (("-g", "ref.npz", "-r", "draws.npy", *SMALL), "holds 2 draws, but the reference shapes are one set"),
    "a pickle": (("-g", "bomb.pkl", "-r", "ref.npz", *SMALL), "'bomb.pkl' is a Python pickle"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_answered_in_one_line(score, case):
    boxes("ref.npz", 6)
    np.save("seq.npy", np.zeros((6, 5, 64, 3), np.float32))
    np.save("draws.npy", np.ones((2, 6, 1, 64, 3), np.float32))
    Path("bomb.pkl").write_bytes(b"\x80\x04N.")
    arguments, message = MISTAKES[case]
    needed = () if {"-g", "-r"} & set(arguments) else ("-g", "ref.npz", "-r", "ref.npz")
    code, out, err = score(*needed, *arguments)
    assert code == 2
    assert message in err
    assert err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in err
    assert out == ""


def test_all_that_can_fail_fails_before_anything_is_read(score):
    """An unreadable file is not even opened when a metric's name is wrong."""
    Path("ref.npz").write_bytes(b"garbage")
    _, _, err = score("-g", "ref.npz", "-r", "ref.npz", "--metric", "nonsense")
    assert "There is no metric named 'nonsense'" in err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom hdbench.__main__ import main\n"
        "try:\n    main(['score', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', *sorted({'torch', 'numpy', 'numba', 'trimesh', 'scipy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1].strip() == "HEAVY"
    assert "--generated" in out
