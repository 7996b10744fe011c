"""The positional encoding and the coordinates of frames."""

from __future__ import annotations

import torch
from hdbench_hyperdiffusion.encoding import Encoding, encode_coordinates


def test_blocks_come_in_the_official_order_bit_for_bit():
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    expected = torch.cat([x] + [wave(x * f) for f in (1.0, 2.0, 4.0, 8.0) for wave in (torch.sin, torch.cos)], dim=1)
    assert torch.equal(encode_coordinates(x, octaves=4), expected)


def test_scale_leaves_the_raw_coordinate_alone():
    features = encode_coordinates(torch.tensor([[0.25]]), octaves=1, scale=2.0)
    assert torch.equal(features, torch.tensor([[0.25, torch.tensor(0.5).sin(), torch.tensor(0.5).cos()]]))


def test_no_octaves_is_no_encoding():
    x = torch.rand(4, 3)
    assert torch.equal(encode_coordinates(x, octaves=0), x)


def test_frame_index_is_the_fourth_coordinate():
    points = torch.rand(2, 4, 7, 3)  # two shapes, four frames
    coordinates = Encoding(time="index").coordinates(points).view(2, 7, 4, 4)  # frames take turns
    assert torch.equal(coordinates[..., 3], torch.arange(4.0).expand(2, 7, 4))
    assert torch.equal(coordinates[..., :3], points.transpose(1, 2))


def test_unit_time_spreads_frames_over_the_box():
    assert [Encoding(time="unit").frame_coordinate(k, 3) for k in range(3)] == [-0.5, 0.0, 0.5]


def test_one_frame_has_no_fourth_coordinate():
    points = torch.rand(2, 1, 5, 3)
    assert torch.equal(Encoding().coordinates(points), points[:, 0])
