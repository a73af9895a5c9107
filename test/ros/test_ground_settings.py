"""The parameters of the ground: the shipped ones are those of the core."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seg_perception.core.ground.grid import GridSpec
from seg_perception.core.ground.mount import MountError
from seg_perception.core.ground.view import GroundOptions
from seg_perception.ros.settings import Settings, read_defaults

SHIPPED = Settings(**read_defaults())  # type: ignore[arg-type]


def test_the_shipped_values_are_the_defaults_of_the_core() -> None:
    options = SHIPPED.options(
        drivable_min_confidence=SHIPPED.drivable_min_confidence,
        label_min_confidence=SHIPPED.label_min_confidence,
    )
    assert options == GroundOptions()


def test_a_mount_by_parameters() -> None:
    assert SHIPPED.mount is None
    mount = replace(SHIPPED, mount_height=1.5, mount_x=2.0, mount_yaw=0.3).mount
    assert mount is not None
    assert mount.position.tolist() == [2.0, 0.0, 1.5]
    assert mount.heading == pytest.approx(0.3)
    with pytest.raises(MountError, match='above the ground'):
        print(replace(SHIPPED, mount_height=-1.0).mount)


def test_a_grid_by_parameters() -> None:
    chosen = replace(SHIPPED, grid_x=[-5.0, 5.0], grid_y=[-2.0, 3.0], grid_resolution=0.5)
    assert chosen.grid == GridSpec(-5.0, 5.0, -2.0, 3.0, 0.5)
    assert chosen.grid.shape == (10, 20)
    with pytest.raises(ValueError, match='smoothing_frames: expected 1, 3, 5, 7 or 9, got 4'):
        replace(SHIPPED, smoothing_frames=4).options(
            drivable_min_confidence=0.5, label_min_confidence=0.0
        )
    with pytest.raises(ValueError, match='expected a rectangle of a cell or more'):
        print(replace(SHIPPED, grid_x=[5.0, -5.0]).grid)
