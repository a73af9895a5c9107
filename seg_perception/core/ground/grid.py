"""Free space as a grid around the vehicle, of one camera or of several."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.bearings import Fan, Trust
from seg_perception.core.ground.free_space import End, FreeSpace
from seg_perception.core.ground.lens import Array

Cells = npt.NDArray[np.int8]

FREE, OCCUPIED, UNKNOWN = 0, 100, -1
"""As in nav_msgs/OccupancyGrid."""


@dataclass(frozen=True)
class GridSpec:
    """A rectangle of the ground in square cells, metres, vehicle frame.

    As arrays, grids are [rows, columns]: rows go to the left (y), columns forward (x), and cell
    (0, 0) has its outer corner at (x_min, y_min); flattened this is nav_msgs/OccupancyGrid's order.
    """

    x_min: float = 0.0
    x_max: float = 40.0
    y_min: float = -15.0
    y_max: float = 15.0
    resolution: float = 0.2

    def __post_init__(self) -> None:
        sides = (self.x_max - self.x_min, self.y_max - self.y_min)
        if not (self.resolution > 0 and min(sides) >= self.resolution):
            raise ValueError(
                f'grid: expected a rectangle of a cell or more, got {sides[0]:g} x {sides[1]:g} m '
                f'in cells of {self.resolution:g} m'
            )
        if self.shape[0] * self.shape[1] > 4_000_000:
            raise ValueError(f'grid: expected at most 4 million cells, got {self.shape}')

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (
            round((self.y_max - self.y_min) / self.resolution),
            round((self.x_max - self.x_min) / self.resolution),
        )

    def corners(self) -> Array:
        """Return the corners of all cells, [rows + 1, columns + 1, 2]."""
        rows, columns = self.shape
        x = self.x_min + self.resolution * np.arange(columns + 1)
        y = self.y_min + self.resolution * np.arange(rows + 1)
        return np.stack(np.meshgrid(x, y), axis=-1)

    def cells_at(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
        """Return the flat numbers of the cells that points [N, 2] are in, without those in none."""
        rows, columns = self.shape
        places = np.floor((points - (self.x_min, self.y_min)) / self.resolution)
        inside = ((places >= 0) & (places < (columns, rows))).all(axis=-1)
        column, row = places[inside].astype(np.intp).T
        flat: npt.NDArray[np.intp] = row * columns + column
        return flat


class CameraGrid:
    """Makes grids of one camera's free space.

    A cell is free when all of it is: on every bearing it touches, from the first ground in view up
    to the nearest place, less `margin`, where the free space ends; `overhang` less where that is an
    obstacle. The cells where an obstacle ends the free space are occupied, as far as `depth` behind
    its foot. All others are unknown.

    :param depth: how much of an obstacle is drawn behind its foot, metres: what is behind that
        cannot be seen.
    :param overhang: metres that free cells keep from an obstacle's foot: a bumper reaches farther
        than the wheels that are seen to stand.
    :param margin: standard deviations of the pixel error that free cells keep from what ends them.
    """

    def __init__(
        self,
        fan: Fan,
        spec: GridSpec,
        trust: Trust,
        *,
        depth: float = 0.5,
        overhang: float = 0.8,
        margin: float = 1.0,
    ) -> None:
        self._fan, self.spec = fan, spec
        self._trust, self._margin = replace(trust, pitch_error=0.0), margin
        self._overhang = overhang
        step = spec.resolution / 2
        self._depths = np.arange(0.0, depth + step / 2, step)
        self._away = np.stack([np.cos(fan.bearing), np.sin(fan.bearing)], axis=-1)
        self._find_spans()

    def _find_spans(self) -> None:
        """Find for each cell the bearings that it touches, and the range of its far corner."""
        fan, last = self._fan, len(self._fan.bearing) - 1
        number, reach = fan.place(self.spec.corners())
        numbers, ranges = (
            np.stack([a[:-1, :-1], a[:-1, 1:], a[1:, :-1], a[1:, 1:]]) for a in (number, reach)
        )
        low, high = numbers.min(axis=0), numbers.max(axis=0)
        # Where the bearings begin anew, a cell would touch almost all.
        seen = (low >= -0.5) & (high <= last + 0.5) & ((high - low) * fan.step < 1.0)
        self._cells = np.flatnonzero(seen)
        first = np.floor(low[seen]).astype(np.intp).clip(0, last)
        count = np.ceil(high[seen]).astype(np.intp).clip(0, last) - first + 1
        # The least of any stretch of bearings is that of two, of 2^level each, that may overlap.
        self._level = np.log2(count).astype(np.intp)
        self._first, self._second = first, first + count - (1 << self._level)
        self._levels = int(self._level.max(initial=0)) + 1
        self._far = ranges.max(axis=0)[seen]
        blind = np.nan_to_num(fan.near, nan=np.inf)
        in_view = ranges.min(axis=0)[seen] >= -self._least(-blind)
        self._far[~in_view] = np.inf

    def _least(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the least value [B] of the bearings that each of `_cells` touches."""
        table = np.full((self._levels, len(values)), -np.inf, values.dtype)
        table[0] = values
        for level in range(1, self._levels):
            half = 1 << (level - 1)
            reach = len(values) - 2 * half + 1
            before = table[level - 1]
            np.minimum(before[:reach], before[half : half + reach], out=table[level, :reach])
        base = self._level * len(values)
        flat = table.reshape(-1)
        first, second = flat.take(base + self._first), flat.take(base + self._second)
        return np.asarray(np.minimum(first, second))

    def cells(self, free: FreeSpace) -> Cells:
        """Return the grid of one frame, int8 [rows, columns]: FREE, OCCUPIED or UNKNOWN."""
        camera = self._fan.camera
        error = self._trust.range_error(free.range, camera.mount.height, camera.lens.pixel_angle)
        grid = np.full(self.spec.shape, UNKNOWN, np.int8)
        flat = grid.reshape(-1)
        met = (free.end == End.OBSTACLE) & (free.range > 0)
        clear = free.range - self._margin * error - self._overhang * met
        flat[self._cells[self._far <= self._least(clear)]] = FREE
        ranges = free.range[met] + self._depths[:, None]
        points = camera.mount.foot + ranges[..., None] * self._away[met]
        flat[self.spec.cells_at(points.reshape(-1, 2))] = OCCUPIED
        return grid


class DrivableGrid:
    """Merges the grids of several cameras by their stamps.

    A cell is occupied if any camera says so, else free if any does, else unknown. What a camera has
    said is forgotten when its newest grid is older than `timeout`, or as far in the future.

    :param timeout: seconds.
    :param hold: how long a cell stays occupied after a camera saw it so, unless the camera sees it
        free, seconds. The grid does not move along with the vehicle: keep it short.
    """

    def __init__(self, spec: GridSpec, *, timeout: float = 0.5, hold: float = 0.0) -> None:
        self.spec = spec
        self._timeout, self._hold = timeout, hold
        self._stamps: dict[str, float] = {}
        self._grids: dict[str, Cells] = {}
        self._occupied: dict[str, Array] = {}

    def update(self, camera: str, cells: Cells, stamp: float) -> None:
        """Take a camera's newest grid.

        :param cells: int8 [rows, columns] of `spec`.
        :param stamp: of its image, seconds; when it lies before the last one, time began anew.
        :raises ValueError: when the grid has another shape.
        """
        if cells.shape != self.spec.shape:
            raise ValueError(f'grid of {camera}: expected {self.spec.shape}, got {cells.shape}')
        if camera not in self._grids or stamp < self._stamps[camera]:
            self._occupied[camera] = np.full(self.spec.shape, -np.inf)
        self._stamps[camera], self._grids[camera] = stamp, cells
        self._occupied[camera][cells == OCCUPIED] = stamp
        self._occupied[camera][cells == FREE] = -np.inf

    def cells(self, stamp: float) -> Cells:
        """Return what is known at a time in seconds, int8 [rows, columns]."""
        merged = np.full(self.spec.shape, UNKNOWN, np.int8)
        fresh = [c for c, at in self._stamps.items() if abs(stamp - at) <= self._timeout]
        for camera in fresh:
            merged[self._grids[camera] == FREE] = FREE
        for camera in fresh:
            since = self._stamps[camera] - self._hold
            merged[self._occupied[camera] >= since] = OCCUPIED
        return merged
