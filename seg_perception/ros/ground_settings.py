"""The part of the node's settings that is about the ground: mounts, grid, health."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from seg_perception.core.ground.bearings import Trust
from seg_perception.core.ground.grid import GridSpec
from seg_perception.core.ground.health import HealthLimits
from seg_perception.core.ground.mount import Mount
from seg_perception.core.ground.view import GroundOptions
from seg_perception.ros.parameters import Rule


@dataclass(frozen=True)
class GroundSettings:
    """The values of these parameters at one moment; their meanings are in `GROUND_RULES`."""

    base_frame: str
    ground_z: float
    mount_height: float
    mount_x: float
    mount_y: float
    mount_roll: float
    mount_pitch: float
    mount_yaw: float
    rectified: bool
    pitch_error: float
    max_range: float
    bearings: int
    min_obstacle_pixels: int
    smoothing_frames: int
    grid_x: list[float]
    grid_y: list[float]
    grid_resolution: float
    grid_timeout: float
    grid_hold: float
    min_confidence: float
    max_unlabelled: float
    max_change: float
    brightness_range: list[float]
    min_contrast: float
    frozen_after: float
    good_frames: int

    @property
    def mount(self) -> Mount | None:
        """The mount by parameters; None where tf2 is to tell it."""
        if self.mount_height == 0:
            return None
        return Mount.from_angles(
            self.mount_height,
            x=self.mount_x,
            y=self.mount_y,
            roll=self.mount_roll,
            pitch=self.mount_pitch,
            yaw=self.mount_yaw,
        )

    @property
    def grid(self) -> GridSpec:
        """The grid's cells.

        :raises ValueError: when there are none, or too many.
        """
        (x_min, x_max), (y_min, y_max) = self.grid_x, self.grid_y
        return GridSpec(x_min, x_max, y_min, y_max, self.grid_resolution)

    @property
    def health(self) -> HealthLimits:
        """From where on a frame is not usable."""
        darkest, brightest = self.brightness_range
        return HealthLimits(
            min_confidence=self.min_confidence,
            max_unlabelled=self.max_unlabelled,
            max_change=self.max_change,
            min_brightness=darkest,
            max_brightness=brightest,
            min_contrast=self.min_contrast,
            frozen_after=self.frozen_after,
            good_frames=self.good_frames,
        )

    def options(
        self, *, drivable_min_confidence: float, label_min_confidence: float
    ) -> GroundOptions:
        """How a camera's ground is looked at.

        :raises ValueError: when one of them is impossible.
        """
        if self.smoothing_frames % 2 == 0:
            raise ValueError(
                f'smoothing_frames: expected 1, 3, 5, 7 or 9, got {self.smoothing_frames}'
            )
        return GroundOptions(
            drivable_min_confidence=drivable_min_confidence,
            label_min_confidence=label_min_confidence,
            bearings=self.bearings,
            vote_frames=self.smoothing_frames,
            min_pixels=self.min_obstacle_pixels,
            trust=Trust(pitch_error=self.pitch_error, max_range=self.max_range),
            grid=self.grid,
            health=self.health,
        )


GROUND_RULES = (
    Rule(
        'base_frame',
        str,
        "The vehicle's frame (REP-105: x forward, y left, z up), that everything on the ground is "
        'told in.',
    ),
    Rule(
        'ground_z',
        float,
        'z of the ground in base_frame, m: below 0 if that is above it.',
        low=-1000,
        high=1000,
    ),
    Rule(
        'mount_height',
        float,
        "Of the camera above the ground, m; 0: the camera's place is taken from tf2, by base_frame "
        "and the images' frame_id, and the other mount parameters do not count.",
        low=0,
        high=100,
        per_camera=True,
    ),
    Rule(
        'mount_x',
        float,
        'Of the camera in base_frame, m, forward.',
        low=-1000,
        high=1000,
        per_camera=True,
    ),
    Rule(
        'mount_y',
        float,
        'Of the camera in base_frame, m, to the left.',
        low=-1000,
        high=1000,
        per_camera=True,
    ),
    Rule(
        'mount_roll',
        float,
        'Of the camera, rad: it leans to the right. Roll, pitch and yaw are about the fixed axes '
        'x, y, z of base_frame, in that order (REP-103); zeros: it looks straight ahead.',
        low=-pi,
        high=pi,
        per_camera=True,
    ),
    Rule(
        'mount_pitch',
        float,
        'Of the camera, rad: it looks down.',
        low=-pi,
        high=pi,
        per_camera=True,
    ),
    Rule(
        'mount_yaw',
        float,
        'Of the camera, rad: it looks to the left.',
        low=-pi,
        high=pi,
        per_camera=True,
    ),
    Rule(
        'rectified',
        bool,
        'The images are rectified: P of their camera info holds, not K and D.',
        per_camera=True,
    ),
    Rule(
        'pitch_error',
        float,
        "Standard deviation of the camera's angle to the ground, rad: calibration, and the body's "
        'pitch when braking.',
        low=0,
        high=0.2,
    ),
    Rule('max_range', float, 'Nothing farther away is believed, m.', low=1, high=500),
    Rule(
        'bearings',
        int,
        'Of the free space; 0: as many as the network has columns of labels.',
        low=0,
        high=8192,
    ),
    Rule(
        'min_obstacle_pixels',
        int,
        'Smaller obstacles, in pixels of the network, are left out of ~/obstacles.',
        low=1,
        high=1000000,
    ),
    Rule(
        'smoothing_frames',
        int,
        'So many frames vote on each label before the ground is looked at, 1, 3, 5, 7 or 9; 1: '
        'none. Ground that becomes free is late by half of them; obstacles are not.',
        low=1,
        high=9,
    ),
    Rule(
        'grid_x',
        list[float],
        'Least and greatest x of ~/drivable_grid, m.',
        low=-1000,
        high=1000,
        count=2,
    ),
    Rule(
        'grid_y',
        list[float],
        'Least and greatest y of ~/drivable_grid, m.',
        low=-1000,
        high=1000,
        count=2,
    ),
    Rule('grid_resolution', float, 'Side of a cell of ~/drivable_grid, m.', low=0.01, high=10),
    Rule(
        'grid_timeout',
        float,
        'What a camera said is unknown again in ~/drivable_grid after so many seconds without it.',
        low=0.01,
        high=60,
    ),
    Rule(
        'grid_hold',
        float,
        'A cell of ~/drivable_grid stays occupied for so many seconds, unless it is seen to be '
        'free. The grid does not move along with the vehicle.',
        low=0,
        high=60,
    ),
    Rule(
        'min_confidence',
        float,
        'A frame with less, in the mean of all pixels, is not usable.',
        low=0,
        high=1,
    ),
    Rule(
        'max_unlabelled',
        float,
        'A frame with a larger share of unlabelled pixels is not usable.',
        low=0,
        high=1,
    ),
    Rule(
        'max_change',
        float,
        'A frame in which the labels of a larger share of the pixels are not those of the frame '
        'before is not usable.',
        low=0,
        high=1,
    ),
    Rule(
        'brightness_range',
        list[float],
        'A frame with a mean grey level below the first (dark) or above the second (blinded) is '
        'not usable.',
        low=0,
        high=255,
        count=2,
    ),
    Rule(
        'min_contrast',
        float,
        'A frame whose grey levels have a smaller standard deviation (covered) is not usable.',
        low=0,
        high=127,
    ),
    Rule(
        'frozen_after',
        float,
        'Frames that are the same, bit by bit, for so many seconds are not usable; 0: they are.',
        low=0,
        high=60,
    ),
    Rule(
        'good_frames',
        int,
        'So many good frames in a row make a camera usable again.',
        low=1,
        high=1000,
    ),
)
