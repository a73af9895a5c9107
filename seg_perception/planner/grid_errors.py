"""How many cells of a drivable grid are wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.free_space import End
from seg_perception.core.ground.grid import FREE, OCCUPIED, GridSpec
from seg_perception.core.ground.lens import Array
from seg_perception.core.ground.view import GroundOutputs, GroundView
from seg_perception.sim.scene import Scene
from seg_perception.sim.truth import road_end

Bools = npt.NDArray[np.bool_]

_NEAR = 1.0


@dataclass
class GridErrors:
    """Counts of cells over many frames.

    :ivar free: cells called free; of these `free_occupied` truly overlap something that stands
        there, and `free_off_road` reach over the kerb.
    :ivar visible: cells that are free by the same rules when the true ends of the road are given;
        `visible_free` of these are called free.
    :ivar occupied: cells called occupied; of these `occupied_true` are not farther than a metre
        from something that stands there.
    """

    free: int = 0
    free_occupied: int = 0
    free_off_road: int = 0
    visible: int = 0
    visible_free: int = 0
    occupied: int = 0
    occupied_true: int = 0

    def add(self, scene: Scene, t: float, view: GroundView, out: GroundOutputs) -> None:
        """Compare one frame with the world."""
        grid, free, cells = view.grid, out.free_space, out.cells
        corners = grid.spec.corners()
        standing = np.zeros(cells.shape, bool)
        near = np.zeros(cells.shape, bool)
        for thing in scene.objects(t):
            standing |= overlaps(grid.spec, thing.corners)
            near |= overlaps(grid.spec, thing.corners, margin=_NEAR)
        off_road = beyond_kerbs(scene.kerbs(t), corners)
        is_free, is_occupied = cells == FREE, cells == OCCUPIED
        self.free += int(is_free.sum())
        self.free_occupied += int((is_free & standing).sum())
        self.free_off_road += int((is_free & off_road).sum())
        self.occupied += int(is_occupied.sum())
        self.occupied_true += int((is_occupied & near).sum())
        end = np.minimum(road_end(scene, t, free.bearing).range, view.fan.edge[-1])
        truly = replace(free, range=end.astype(np.float32), end=np.full_like(free.end, End.OPEN))
        visible = grid.cells(truly) == FREE
        self.visible += int(visible.sum())
        self.visible_free += int((visible & is_free).sum())

    def summary(self) -> dict[str, float]:
        """Return shares, 0 to 1."""
        return {
            'free_cells': self.free,
            'free_but_occupied': self.free_occupied / max(self.free, 1),
            'free_but_off_road': self.free_off_road / max(self.free, 1),
            'visible_free_found': self.visible_free / max(self.visible, 1),
            'occupied_cells': self.occupied,
            'occupied_right': self.occupied_true / max(self.occupied, 1),
        }


def overlaps(spec: GridSpec, polygon: Array, *, margin: float = 0.0) -> Bools:
    """Return the cells that a convex polygon [N, 2] overlaps, [rows, columns], exactly.

    Two convex shapes are apart if and only if they are along the normal of one of their sides
    (separating axis theorem).

    :param margin: metres by which the cells' neighbourhood counts, too, about.
    """
    result: Bools = np.zeros(spec.shape, bool)
    low = (polygon.min(axis=0) - margin - (spec.x_min, spec.y_min)) / spec.resolution
    high = (polygon.max(axis=0) + margin - (spec.x_min, spec.y_min)) / spec.resolution
    first = np.floor(low).astype(int).clip(0)
    last = np.ceil(high).astype(int).clip(0)
    around = np.s_[first[1] : last[1] + 1, first[0] : last[0] + 1]
    corners = spec.corners()[around]
    if min(corners.shape[:2]) < 2:
        return result
    cells = np.stack(
        [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=-2
    )
    sides = np.roll(polygon, -1, axis=0) - polygon
    normals = np.stack([-sides[:, 1], sides[:, 0]], axis=-1)
    axes = np.concatenate([np.eye(2), normals / np.linalg.norm(normals, axis=1, keepdims=True)])
    meets: Bools = np.ones(cells.shape[:-2], bool)
    for axis in axes:
        of_cells, of_polygon = cells @ axis, polygon @ axis
        meets &= of_cells.max(axis=-1) > of_polygon.min() - margin
        meets &= of_cells.min(axis=-1) < of_polygon.max() + margin
    rows, columns = meets.shape
    result[around][:rows, :columns] = meets
    return result


def beyond_kerbs(kerbs: Array, corners: Array) -> Bools:
    """Return the cells of which a corner is not between two lines [2, 2, 2]."""
    outside = np.zeros(corners.shape[:2], bool)
    for (start, end), (other, _) in ((kerbs[0], kerbs[1]), (kerbs[1], kerbs[0])):
        way = end - start
        inner = way[0] * (other - start)[1] - way[1] * (other - start)[0]
        side = way[0] * (corners - start)[..., 1] - way[1] * (corners - start)[..., 0]
        outside |= side * inner < 0
    result: Bools = outside[:-1, :-1] | outside[1:, :-1] | outside[:-1, 1:] | outside[1:, 1:]
    return result
