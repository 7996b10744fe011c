"""Results appear whole or not at all, and a disk or a format that does not fit is said in one line."""

from __future__ import annotations

import errno
import os

import pytest
import torch

from hdbench.errors import HdbenchError
from hdbench.store import (
    FORMAT,
    Store,
    file_digest,
    load_info,
    load_tensors,
    read_json,
    save_tensors,
    write_atomically,
    write_json,
)  # fmt: skip


def test_tensors_and_info_come_back(tmp_path):
    tensor = torch.arange(6.0).view(2, 3)
    save_tensors(tmp_path / "a.safetensors", {"x": tensor, "again": tensor, "column": tensor.T}, {"names": ["é", "b"]})
    loaded = load_tensors(tmp_path / "a.safetensors")
    assert torch.equal(loaded["x"], tensor)
    assert torch.equal(loaded["again"], tensor)
    assert torch.equal(loaded["column"], tensor.T)
    assert load_info(tmp_path / "a.safetensors") == {"names": ["é", "b"]}


def test_a_stage_is_named_by_its_inputs(tmp_path):
    store = Store(tmp_path)
    assert store.stage("fit", {"a": 1, "b": 2}).path == store.stage("fit", {"b": 2, "a": 1}).path
    assert store.stage("fit", {"a": 1}).path != store.stage("fit", {"a": 2}).path


def test_a_store_of_another_format_is_refused(tmp_path):
    write_json(tmp_path / "format.json", {"format": FORMAT + 1})
    with pytest.raises(HdbenchError, match=rf"has format {FORMAT + 1}, this hdbench writes format {FORMAT}"):
        Store(tmp_path)


def test_an_interrupted_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", b"old")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(HdbenchError, match=r"disk is full.*What is finished is kept"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(HdbenchError, match=r"run\.json' is damaged"):
        read_json(tmp_path / "run.json")


def test_the_digest_of_files_is_that_of_their_content_in_order(tmp_path):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (tmp_path / name for name in "abc")
    assert file_digest([a, b]) == file_digest([c, b])
    assert file_digest([a, b]) != file_digest([b, a])
