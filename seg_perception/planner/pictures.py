"""One frame as a planner's camera sees it, with the true ends of the road."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.pictures import FreeSpaceOverlay, birds_eye
from seg_perception.core.ground.view import GroundOutputs, GroundView
from seg_perception.planner.street import StreetFrame
from seg_perception.sim.truth import road_end

Image = npt.NDArray[np.uint8]

_TRUTH = (255, 255, 255)
_CELL = 2


def frame_picture(shot: StreetFrame, view: GroundView, out: GroundOutputs) -> Image:
    """Return the free space in the image and from above, side by side, BGR.

    From above, thin white lines are the true foot-prints and kerbs, and white dots the true ends.
    """
    spec = view.options.grid
    image = FreeSpaceOverlay(view.fan).paint(shot.frame.bgr, out.free_space, out.obstacles)
    above = birds_eye(spec, out.cells, (out.free_space,), pixels_per_cell=_CELL)
    scale = _CELL / spec.resolution

    def pixels(points: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        x, y = np.moveaxis(points, -1, 0)
        places = np.stack([(spec.y_max - y) * scale, (spec.x_max - x) * scale], axis=-1)
        return np.asarray(np.rint(places), np.int32)

    outlines = [pixels(thing.corners) for thing in shot.scene.objects(shot.t)]
    cv2.polylines(above, outlines, True, _TRUTH, 1, cv2.LINE_AA)
    cv2.polylines(above, list(pixels(shot.scene.kerbs(shot.t))), False, _TRUTH, 1, cv2.LINE_AA)
    end = road_end(shot.scene, shot.t, out.free_space.bearing)
    met = np.isfinite(end.range)
    for place in pixels(view.fan.points(np.where(met, end.range, 0.0)))[met]:
        cv2.circle(above, place.tolist(), 0, _TRUTH, -1)
    height = max(len(image), len(above))
    padded = [
        cv2.copyMakeBorder(p, 0, height - len(p), 0, 0, cv2.BORDER_CONSTANT) for p in (image, above)
    ]
    return np.hstack(padded)
