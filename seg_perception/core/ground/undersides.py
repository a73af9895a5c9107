"""Obstacles stand on the ground: what is seen below their undersides is not free."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.lens import Array


def close_undersides(
    points: Array, ranges: Array, obstacle: npt.NDArray[np.bool_], *, jump: float, gap: float
) -> Array:
    """Return the ranges at which obstacles begin if they reach the ground between their contacts.

    Between its wheels a car ends the view of the ground farther away than it stands: the ground
    goes on below its bumper. So within an obstacle the range is that of the straight line between
    the two nearest places that touch the ground, its hull towards the camera.

    :param points: [B, 2], where the view of the ground ends, from the camera's foot, by bearing.
    :param ranges: [B], their distances.
    :param obstacle: [B], whether it is an obstacle that ends it.
    :param jump: neighbours whose ranges differ by more than this factor are different obstacles.
    :param gap: the longest way between two contacts, across the view, metres.
    """
    standing = np.flatnonzero(obstacle & (ranges > 0))
    if len(standing) < 3:
        return ranges
    at, reach = points[standing], ranges[standing]
    ratio = reach[1:] / reach[:-1]
    apart = (np.diff(standing) > 1) | (ratio > jump) | (ratio * jump < 1)
    kept = np.flatnonzero(_hull(at, np.append(apart, True), jump, gap))
    place = np.arange(len(standing))
    behind = np.searchsorted(kept, place).clip(1)
    start, way = at[kept[behind - 1]], at[kept[behind]] - at[kept[behind - 1]]
    between = np.ones(len(standing), bool)
    between[kept] = False
    # A ray times a share of its length lies on the line between the two contacts.
    share = _cross(start[between], way[between]) / _cross(at[between], way[between])
    closed: Array = ranges.copy()
    closed[standing[between]] *= share
    return closed


def _hull(
    points: Array, ends: npt.NDArray[np.bool_], jump: float, gap: float
) -> npt.NDArray[np.bool_]:
    """Return which points [M] of runs, each up to one of `ends`, are on the hull of their run.

    Andrew's monotone chain (1979), by bearing instead of x.
    """
    kept = np.ones(len(points), bool)
    (xs, ys), reach = points.T.tolist(), np.hypot(*points.T).tolist()
    angles = np.unwrap(np.arctan2(points[:, 1], points[:, 0])).tolist()
    stack: list[int] = []
    deepest: list[int] = []  # for each in the stack the farthest one from the one before up to it
    for here, last in enumerate(ends.tolist()):
        deep = here
        while len(stack) > 1:
            a, m = stack[-2], stack[-1]
            way_x, way_y = xs[here] - xs[a], ys[here] - ys[a]
            line = xs[a] * way_y - ys[a] * way_x
            if xs[m] * way_y - ys[m] * way_x <= line:
                break
            lower = deepest[-1] if reach[deepest[-1]] > reach[m] else m
            if reach[deep] > reach[lower]:
                lower = deep
            # It lies this over `line` times as far away as the line from a to here.
            if xs[lower] * way_y - ys[lower] * way_x > line * jump and lower != here:
                break
            if (angles[here] - angles[a]) * min(reach[a], reach[here]) > gap:
                break
            deep = lower
            kept[stack.pop()] = False
            deepest.pop()
        stack.append(here)
        deepest.append(deep)
        if last:
            stack.clear()
            deepest.clear()
    return kept


def _cross(a: Array, b: Array) -> Array:
    product: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
