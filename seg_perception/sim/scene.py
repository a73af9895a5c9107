"""A made-up street through the camera of a moving car, with the exact label of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, radians, sin

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import load_label_set
from seg_perception.sim.backdrop import Backdrop
from seg_perception.sim.camera_model import Array, Camera, Intrinsics
from seg_perception.sim.canvas import Canvas
from seg_perception.sim.ground import FAR, Ground, first_row
from seg_perception.sim.sensor import Sensor
from seg_perception.sim.shadows import shade_ground
from seg_perception.sim.street import make_street
from seg_perception.sim.world import World


@dataclass(frozen=True)
class SceneFrame:
    """A frame: `bgr` uint8 [H, W, 3] and `label`, the exact trainIds, uint8 [H, W]."""

    bgr: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SceneObject:
    """An object of the world: class name and ground corners [4, 2], metres, vehicle frame.

    Vehicle frame: x forward, y left, origin on the ground straight below the camera.
    """

    name: str
    corners: Array


@cache
def _label_ids() -> dict[str, int]:
    labels = load_label_set()
    return {name: labels.train_id(name) for name in labels.names}


class Scene:
    """A street of one seed; the same seed, size and time always give the same frame."""

    _world_kind: type[World] = World

    def __init__(self, seed: int, width: int = 1280, height: int = 720) -> None:
        if width < 16 or height < 16:
            raise ValueError(f'a scene needs at least 16x16 pixels, got {width}x{height}')
        if seed < 0:
            raise ValueError(f'a scene needs a seed of 0 or more, got {seed}')
        self._label_ids = _label_ids()
        rng = np.random.default_rng((seed, 0))
        self.camera = Camera.with_field_of_view(
            width,
            height,
            degrees=rng.uniform(50, 64),
            mount_height=rng.uniform(1.35, 1.85),
            pitch=radians(rng.uniform(-1.5, 4.0)),
        )
        self._street = street = make_street(rng, seed)
        self._light = street.light
        self._ground = Ground(rng, street)
        self._backdrop = Backdrop(rng, self.camera, street.light, self._label_ids)
        self._sensor = Sensor(rng, self.camera, street.light)
        self._world = self._world_kind(rng, street)

    @property
    def intrinsics(self) -> Intrinsics:
        """Focal lengths and principal point in pixels; the lens has no distortion."""
        return self.camera.intrinsics

    def frame(self, t: float) -> SceneFrame:
        """Render the street at a time in seconds."""
        view = self.camera.view(*self._world.pose(t))
        canvas = Canvas(view, self._light, self._label_ids)
        things = self._world.things(t)
        houses = self._world.houses(t)
        self._backdrop.paint(canvas)
        ground = canvas.pixels[first_row(view) :]
        if len(ground):
            self._ground.paint(ground, view)
            shade_ground(ground, view, self._light, things, houses)
            self._ground.haze(ground, view)
            cv2.insertChannel(self._ground.labels(view, self._label_ids), ground, 3)
        for house in houses:
            house.paint(canvas)
        for placed in things:
            placed.thing.paint(canvas, placed)
        label = np.asarray(cv2.extractChannel(canvas.pixels, 3), np.uint8)
        return SceneFrame(self._sensor.expose(canvas.pixels, t), label)

    def objects(self, t: float) -> list[SceneObject]:
        """Return what stands on the ground around the vehicle at a time, houses first.

        A rider and the bicycle below are one object, and so are a sign and its pole.
        """
        view = self.camera.view(*self._world.pose(t))
        named = [
            *(('building', house.footprint) for house in self._world.houses(t)),
            *((placed.thing.name, placed.footprint) for placed in self._world.things(t)),
        ]
        return [SceneObject(name, view.to_vehicle(footprint)) for name, footprint in named]

    def kerbs(self, t: float) -> Array:
        """Return the two edges of the road as segments [2, 2, 2], metres, vehicle frame."""
        view = self.camera.view(*self._world.pose(t))
        edge = self._street.section.carriageway
        ends = np.array([[[view.x - FAR, y], [view.x + 2 * FAR, y]] for y in (edge, -edge)])
        return view.to_vehicle(ends)

    def ground_name(self, t: float, x: float, y: float) -> str:
        """Return the class name of the bare ground at a point of the vehicle frame, metres.

        :raises ValueError: farther aside than the ground reaches.
        """
        _, ego_y, yaw = self._world.pose(t)
        return self._street.section.name_at(ego_y + x * sin(yaw) + y * cos(yaw))
