"""One camera's view of the ground: all that a planner can use of a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import ceil

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.bearings import Fan, Trust, scaled_ego
from seg_perception.core.ground.free_space import FreeSpace, FreeSpaceFinder
from seg_perception.core.ground.grid import CameraGrid, Cells, GridSpec
from seg_perception.core.ground.health import Health, HealthLimits, HealthMonitor
from seg_perception.core.ground.mount import GroundCamera
from seg_perception.core.ground.regions import ObstacleRegion, RegionFinder
from seg_perception.core.ground.vote import LabelVote
from seg_perception.core.labels import UNLABELLED, LabelSet

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class GroundOptions:
    """How the ground is looked at.

    :ivar drivable_min_confidence: 0 to 1, from which a drivable label is believed.
    :ivar label_min_confidence: 0 to 1, below which any label but an obstacle's is unknown.
    :ivar bearings: how many; 0 takes as many as the label grid has columns.
    :ivar vote_frames: how many frames vote on each label; 1: none.
    :ivar footprint_depth: how much of an obstacle the grid shows behind its foot, metres.
    :ivar min_pixels: obstacle regions smaller than this are left out.
    """

    drivable_min_confidence: float = 0.5
    label_min_confidence: float = 0.0
    bearings: int = 0
    vote_frames: int = 1
    footprint_depth: float = 0.5
    min_pixels: int = 40
    trust: Trust = field(default_factory=Trust)
    grid: GridSpec = field(default_factory=GridSpec)
    health: HealthLimits = field(default_factory=HealthLimits)


class GroundOutputs:
    """What one frame says of the ground. Where `health` is not usable all of it is unknown.

    Each output is found when it is first asked for, and kept. Not for several threads at once, nor
    for one beside the view's.

    :ivar stamp: of the image, seconds.
    """

    def __init__(
        self,
        stamp: float,
        health: Health,
        *,
        free_space: Callable[[], FreeSpace],
        obstacles: Callable[[], tuple[ObstacleRegion, ...]],
        cells: Callable[[FreeSpace], Cells],
    ) -> None:
        self.stamp = stamp
        self.health = health
        self._find_free_space = free_space
        self._find_obstacles = obstacles
        self._find_cells = cells

    @cached_property
    def free_space(self) -> FreeSpace:
        """How far the ground is free, bearing by bearing."""
        return self._find_free_space()

    @cached_property
    def obstacles(self) -> tuple[ObstacleRegion, ...]:
        """Obstacles with their places, near ones first."""
        return self._find_obstacles()

    @cached_property
    def cells(self) -> Cells:
        """The free space as a grid, int8 [rows, columns]."""
        return self._find_cells(self.free_space)


class GroundView:
    """Turns the label grids of one camera into free space, obstacles and a grid, in metres.

    Tables are made here, once; a frame then takes look-ups. Not for several threads at once.

    :param camera: lens, scaled to the label grid, and mount.
    :param size: (width, height) of the label grid.
    :param ego_mask: [H, W] of any size, not 0 where the camera sees its own vehicle.
    :raises LabelError: when the label set has no group `drivable` or `obstacle`.
    """

    def __init__(
        self,
        camera: GroundCamera,
        size: tuple[int, int],
        labels: LabelSet,
        options: GroundOptions | None = None,
        *,
        ego_mask: npt.NDArray[np.generic] | None = None,
    ) -> None:
        self.options = options = options or GroundOptions()
        own = None if ego_mask is None else scaled_ego(ego_mask, size)
        self.fan = Fan(camera, size, options.trust, count=options.bearings, ego=own)
        self._vote = LabelVote(labels, options.vote_frames)
        self._health = HealthMonitor(options.health)
        self._free_space = FreeSpaceFinder(
            self.fan,
            labels,
            min_drivable=ceil(255 * options.drivable_min_confidence),
            min_label=ceil(255 * options.label_min_confidence),
        )
        self._regions = RegionFinder(self.fan, labels, min_pixels=options.min_pixels)
        self.grid = CameraGrid(self.fan, options.grid, options.trust, depth=options.footprint_depth)

    def update(
        self,
        label: Image,
        confidence: Image,
        stamp: float,
        image: Image | None = None,
        *,
        health: Health | None = None,
    ) -> GroundOutputs:
        """Return what a frame says.

        :param label: trainIds, uint8 [H, W] of the label grid, as the network gave them.
        :param confidence: 0 to 255, uint8 [H, W].
        :param stamp: of the image, seconds.
        :param image: uint8 of any size, to see whether it is dark, covered or frozen.
        :param health: of the frame, where it has been judged already; `image` is not needed then.
        :raises ValueError: when label or confidence is not of the label grid's size.
        """
        expected = self.fan.size[::-1]
        if label.shape != expected or confidence.shape != expected:
            raise ValueError(
                f'ground view: expected label and confidence of {list(expected)}, got '
                f'{list(label.shape)} and {list(confidence.shape)}'
            )
        if health is None:
            health = self._health.update(label, confidence, stamp, image)
        if not health.usable:
            label = np.full(expected, UNLABELLED, np.uint8)
        label = self._vote.update(label)
        return GroundOutputs(
            stamp,
            health,
            free_space=partial(self._free_space.find, label, confidence),
            obstacles=partial(self._regions.find, label, confidence),
            cells=self.grid.cells,
        )
