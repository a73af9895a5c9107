"""Planner outputs of a frame as messages, as the node makes them: to measure what that costs."""

from __future__ import annotations

from collections.abc import Callable

from std_msgs.msg import Header

from seg_perception.core.ground.view import GroundOutputs, GroundView
from seg_perception.core.label_grid import LabelGrid
from seg_perception.core.labels import load_label_set
from seg_perception.core.placement import Placement
from seg_perception.ros import ground_messages as made

MessageMaker = Callable[[GroundView, GroundOutputs], list[object]]


def message_maker(camera: tuple[int, int], labels: tuple[int, int]) -> MessageMaker:
    """Return a function that makes the messages of a frame as the node does.

    :param camera: (width, height) of the published images; `labels` of the label grid.
    """
    whole = (0, 0, *camera)
    grid = LabelGrid(Placement(camera, labels, camera, whole, (0, 0, *labels), whole))
    names = load_label_set().names
    header = Header(frame_id='base_link')

    def make(view: GroundView, out: GroundOutputs) -> list[object]:
        free = out.free_space
        ends = grid.published(view.fan.camera.pixels(free.points))
        return [
            made.free_space_message(header, '', free, out.health, ends),
            made.free_space_scan(header, free, float(view.fan.edge[-1])),
            made.free_space_points(header, free, 0.0),
            made.obstacles_message(header, '', out.obstacles, out.health, grid=grid, names=names),
            made.grid_message(header, view.grid.spec, out.cells, 0.0),
        ]

    return make
