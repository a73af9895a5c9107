"""One drive in a made-up street: camera, network, ground, planner and vehicle in a closed loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.free_space import FreeSpace
from seg_perception.core.ground.view import GroundView
from seg_perception.core.labels import LabelSet
from seg_perception.planner.speed import Corridor, SpeedLimits, StopPlanner, look_ahead
from seg_perception.planner.street import StreetFrame, scene_camera
from seg_perception.sim.driven import Blockade, DrivenScene
from seg_perception.sim.scene import SceneFrame

Image = npt.NDArray[np.uint8]
Label = Callable[[StreetFrame], tuple[Image, Image]]

FAULTS = ('blocked', 'frozen', 'dark', 'dead topic')

PERIOD = 0.1
"""Seconds from frame to frame; what is decided by one takes effect with the next."""

_HALF_WIDTH, _FRONT, _BACK = 0.9, 1.5, -3.0
"""Of the vehicle around its camera, metres."""

_ACCELERATION, _HARDEST_BRAKING = 1.5, 5.0
_STANDING = 0.05
_PATIENCE, _LONGEST = 1.5, 25.0
"""Seconds: a vehicle that has stood so long has stopped; a drive is given up."""


@dataclass(frozen=True)
class Course:
    """A drive that is to be made.

    :ivar fault: what happens to the camera, one of `FAULTS`; empty: nothing.
    :ivar fault_at: seconds.
    :ivar length: metres after which it is over, where nothing is in the way.
    """

    seed: int
    blockade: Blockade | None = None
    fault: str = ''
    fault_at: float = 0.0
    length: float = 60.0

    def faulty(self, t: float) -> bool:
        """Tell whether the camera is broken at a time, seconds."""
        return bool(self.fault) and t > self.fault_at - PERIOD / 2


@dataclass(frozen=True)
class Drive:
    """What became of it; metres, seconds.

    :ivar collided: with what; empty if with nothing.
    :ivar stopped: whether it came to stand.
    :ivar gap: from the vehicle's front to what is in the way, at the end; infinite if nothing is.
    :ivar way: how far it came.
    :ivar mean_speed: until it had stopped or come through.
    :ivar told_after: from the fault until the planner asked for standstill; NaN without a fault.
    :ivar stood_after: from the fault until the vehicle stood; NaN likewise, or if it never did.
    """

    collided: str
    stopped: bool
    gap: float
    way: float
    mean_speed: float
    told_after: float
    stood_after: float


def drive(
    course: Course,
    label: Label,
    labels: LabelSet,
    size: tuple[int, int],
    limits: SpeedLimits | None = None,
) -> Drive:
    """Make a drive; the same for the same arguments.

    :param label: returns label and confidence, uint8 [H, W], of a frame.
    :param size: (width, height) of frames and labels.
    """
    limits = limits or SpeedLimits()
    scene = DrivenScene(course.seed, *size, course.blockade)
    view = GroundView(scene_camera(scene), size, labels)
    lens, planner, vehicle = _Lens(course), StopPlanner(limits), _Vehicle(limits.cruise)
    command, told, collided, t = limits.cruise, np.nan, '', 0.0
    for frame in range(round(_LONGEST / PERIOD)):
        t = frame * PERIOD
        scene.drive_to(vehicle.way)
        collided = _hit(scene, t)
        through = course.blockade is None and vehicle.way > course.length
        if collided or through or vehicle.stood_for > _PATIENCE:
            break
        shot = lens.look(scene, t)
        if shot is not None:
            out = view.update(*label(shot), t, shot.frame.bgr)
            planner.see(t, _corridor(out.free_space, limits), usable=out.health.usable)
        before, command = command, planner.speed(t)
        if course.faulty(t) and command == 0 and np.isnan(told):
            told = t - course.fault_at
        # What was decided by the frame before drives until the next.
        vehicle.step(before)
    stood = t - vehicle.stood_for - course.fault_at
    return Drive(
        collided=collided,
        stopped=vehicle.stood_for > 0,
        gap=0.0 if collided else _gap(scene, t),
        way=vehicle.way,
        mean_speed=vehicle.way / max(t, PERIOD),
        told_after=told,
        stood_after=stood if course.fault and vehicle.stood_for > 0 else np.nan,
    )


class _Vehicle:
    """A vehicle that follows a wanted speed as well as it can."""

    def __init__(self, speed: float) -> None:
        self.speed, self.way, self.stood_for = speed, 0.0, 0.0

    def step(self, wanted: float) -> None:
        """Drive for a period."""
        most, least = _ACCELERATION * PERIOD, -_HARDEST_BRAKING * PERIOD
        change = min(max(wanted - self.speed, least), most)
        self.way += PERIOD * (self.speed + change / 2)
        self.speed += change
        self.stood_for = self.stood_for + PERIOD if self.speed < _STANDING else 0.0


def _corridor(free: FreeSpace, limits: SpeedLimits) -> Corridor:
    return look_ahead(
        free.origin,
        free.bearing,
        free.near,
        free.range,
        free.range_error,
        half_width=limits.half_width,
    )


class _Lens:
    """The camera with its fault."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._last: SceneFrame | None = None
        self._noise = np.random.default_rng(course.seed)

    def look(self, scene: DrivenScene, t: float) -> StreetFrame | None:
        """Return the frame that the camera sends at a time; None where it sends none."""
        fault = self._course.fault if self._course.faulty(t) else ''
        if fault == 'dead topic':
            return None
        frame = self._last if fault == 'frozen' and self._last else scene.frame(t)
        self._last = frame
        if fault == 'dark':
            frame = SceneFrame((frame.bgr // 32).astype(np.uint8), frame.label)
        elif fault == 'blocked':
            grain = self._noise.normal(90, 2, frame.bgr.shape).clip(0, 255)
            frame = SceneFrame(grain.astype(np.uint8), frame.label)
        return StreetFrame(scene, t, frame)


def _hit(scene: DrivenScene, t: float) -> str:
    """Return what overlaps the vehicle, by foot-prints."""
    vehicle = np.array([[_BACK, -_HALF_WIDTH], [_FRONT, _HALF_WIDTH]])
    for thing in scene.objects(t):
        low, high = thing.corners.min(axis=0), thing.corners.max(axis=0)
        if thing.name != 'building' and (low < vehicle[1]).all() and (high > vehicle[0]).all():
            return thing.name
    return ''


def _gap(scene: DrivenScene, t: float) -> float:
    """Return how far the nearest thing ahead in the vehicle's way is from its front, metres."""
    gap = np.inf
    for thing in scene.objects(t):
        low, high = thing.corners.min(axis=0), thing.corners.max(axis=0)
        if low[1] < _HALF_WIDTH and high[1] > -_HALF_WIDTH and low[0] > _FRONT:
            gap = min(gap, float(low[0]) - _FRONT)
    return gap
