"""Frames of made-up streets, with the camera that sees them as a planner's camera does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.lens import make_lens
from seg_perception.core.ground.mount import GroundCamera, Mount
from seg_perception.sim.scene import Scene, SceneFrame

Image = npt.NDArray[np.uint8]

_LONGEST = 60.0


@dataclass(frozen=True, eq=False)
class StreetFrame:
    """A scene at a time in seconds, and its picture and labels."""

    scene: Scene
    t: float
    frame: SceneFrame


def scene_camera(scene: Scene) -> GroundCamera:
    """Return a scene's camera: its lens, and its mount straight above the vehicle's origin."""
    k = scene.intrinsics
    lens = make_lens((k.fx, 0, k.cx, 0, k.fy, k.cy, 0, 0, 1))
    mount = Mount.from_angles(scene.camera.mount_height, pitch=scene.camera.pitch)
    return GroundCamera(lens, mount)


def street_frames(
    seeds: range, per_scene: int, size: tuple[int, int]
) -> Iterator[tuple[Scene, Iterator[StreetFrame]]]:
    """Yield scenes, each with frames of it at random times; the same for the same arguments."""
    for seed in seeds:
        scene = Scene(seed, *size)
        times = np.sort(np.random.default_rng((seed, 7)).uniform(0, _LONGEST, per_scene))
        yield scene, (StreetFrame(scene, t, scene.frame(t)) for t in times.tolist())


def sequence(seed: int, frames: int, rate: float, size: tuple[int, int]) -> Iterator[StreetFrame]:
    """Yield the frames of a scene as a camera takes them, `rate` a second."""
    scene = Scene(seed, *size)
    for number in range(frames):
        t = number / rate
        yield StreetFrame(scene, t, scene.frame(t))
