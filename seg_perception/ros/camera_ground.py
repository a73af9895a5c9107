"""One camera of the node and the ground: are its frames usable, and what do they say in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.health import HealthMonitor
from seg_perception.core.ground.lens import LensError
from seg_perception.core.ground.mount import GroundCamera, Mount, MountError
from seg_perception.core.ground.pictures import FreeSpaceOverlay
from seg_perception.core.ground.view import GroundView
from seg_perception.core.label_grid import LabelGrid
from seg_perception.core.labels import LabelError
from seg_perception.ros.frame_age import seconds

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header

    from seg_perception.core.ground.health import Health
    from seg_perception.core.ground.view import GroundOptions, GroundOutputs
    from seg_perception.core.labels import LabelSet
    from seg_perception.core.placement import Placement
    from seg_perception.ros.settings import Settings
    from seg_perception.ros.vehicle_frames import VehicleFrames

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sight:
    """What one frame says, and by which tables.

    :ivar scan_frame: the frame of the ground below the camera.
    """

    outputs: GroundOutputs
    view: GroundView
    grid: LabelGrid
    scan_frame: str


class CameraGround:
    """Judges a camera's frames and looks at the ground in them; for one thread.

    :param settings: of the camera, as configured.
    :raises ValueError: when they are impossible.
    """

    def __init__(
        self,
        settings: Settings,
        labels: LabelSet,
        frames: VehicleFrames,
        ego_mask: npt.NDArray[np.bool_] | None,
    ) -> None:
        self._settings = settings
        self._labels = labels
        self.frames = frames
        self._ego_mask = None if ego_mask is None else ego_mask.astype(np.uint8)
        self._own_mount = settings.mount
        self._monitor = HealthMonitor(settings.health)
        self._overlay: tuple[GroundView, FreeSpaceOverlay] | None = None
        _options(settings, settings)  # refuses the impossible before the first frame
        self._key: tuple[object, ...] = ()
        self._tables: tuple[GroundView, str] | None = None
        self._placement: Placement | None = None
        self._grid: LabelGrid | None = None
        self.health: Health | None = None
        """Of the newest frame."""
        self.problem = ''
        """Why nothing can be said of the ground; empty if it can, or need not be."""

    @property
    def unusable(self) -> str:
        """Why the newest frame is not to be driven by; empty if it is."""
        if self.health is None or self.health.usable:
            return ''
        return '; '.join(self.health.reasons)

    def judge(
        self,
        placement: Placement,
        label: Image,
        confidence: Image | None,
        stamp: float,
        thumbnail: Image,
    ) -> Health:
        """Judge a frame.

        :param label: trainIds, uint8 [h, w], as the network made them.
        :param confidence: 0 to 255, likewise; None where nothing that is wanted needs it.
        :param stamp: seconds.
        :param thumbnail: the camera's image, uint8 [H, W, 3], of any size.
        """
        grid = self._grid_of(placement)
        self.health = self._monitor.update(
            grid.cut(label),
            None if confidence is None else grid.cut(confidence),
            stamp,
            thumbnail,
        )
        return self.health

    def look(
        self,
        placement: Placement,
        info: CameraInfo | None,
        header: Header,
        *,
        settings: Settings,
        label: Image,
        confidence: Image,
    ) -> Sight | None:
        """Look at the ground in a frame that was judged; None and a `problem` if that can't be.

        :param header: of the image.
        :param settings: of the node, with what may have changed at run time.
        """
        grid = self._grid_of(placement)
        try:
            view, scan_frame = self._look_up(grid, info, header.frame_id, settings)
        except (LabelError, LensError, MountError) as error:
            self.problem = f'the outputs on the ground cannot be made: {error}'
            return None
        self.problem = ''
        outputs = view.update(
            grid.cut(label), grid.cut(confidence), seconds(header.stamp), health=self.health
        )
        return Sight(outputs, view, grid, scan_frame)

    def overlay(self, view: GroundView) -> FreeSpaceOverlay:
        """Return what paints the free space that a view finds."""
        if self._overlay is None or self._overlay[0] is not view:
            self._overlay = view, FreeSpaceOverlay(view.fan)
        return self._overlay[1]

    def _grid_of(self, placement: Placement) -> LabelGrid:
        if self._grid is None or self._placement is not placement:
            self._grid, self._placement = LabelGrid(placement), placement
        return self._grid

    def _look_up(
        self, grid: LabelGrid, info: CameraInfo | None, frame_id: str, settings: Settings
    ) -> tuple[GroundView, str]:
        if info is None:
            raise LensError(
                'no calibration: publish the camera_info of this camera, with numbers in it'
            )
        options = _options(self._settings, settings)
        key = (grid, options, frame_id, *_numbers(info))
        if self._tables is None or self._key != key:
            self._tables = self._make_tables(grid, info, frame_id, options)
            self._key = key
        return self._tables

    def _make_tables(
        self, grid: LabelGrid, info: CameraInfo, frame_id: str, options: GroundOptions
    ) -> tuple[GroundView, str]:
        mount = self._own_mount or self.frames.mount(frame_id)
        lens = grid.lens(info, rectified=self._settings.rectified)
        if self._settings.rectified and any(info.r):
            # Rectified images are those of a camera that is turned against the real one.
            turned = mount.rotation @ np.reshape(np.asarray(info.r, float), (3, 3)).T
            mount = Mount(turned, mount.position)
        view = GroundView(
            GroundCamera(lens, mount),
            grid.size,
            self._labels,
            options,
            ego_mask=None if self._ego_mask is None else grid.sample(self._ego_mask),
        )
        return view, self.frames.ground_frame(frame_id, mount)


def _options(own: Settings, now: Settings) -> GroundOptions:
    return own.options(
        drivable_min_confidence=now.drivable_min_confidence,
        label_min_confidence=now.label_min_confidence,
    )


def _numbers(info: CameraInfo) -> tuple[Any, ...]:
    roi = info.roi
    return (
        *(info.width, info.height, info.binning_x, info.binning_y, info.distortion_model),
        *(roi.x_offset, roi.y_offset, roi.width, roi.height),
        *(*info.k, *info.d, *info.r, *info.p),
    )
