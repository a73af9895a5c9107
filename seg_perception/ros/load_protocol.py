"""What the nodes that measure and the benchmark that starts them have agreed on."""

from __future__ import annotations

PLAYING = 'playing'
"""Printed by the camera when its first frame is due."""
CONNECTED = 'connected'
"""Printed by the monitor when every topic has a publisher."""
CYCLE = 'cycle'
"""Printed by `load_cycles` after each, with its number."""

JPEG = 'jpeg'
ENCODINGS = ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', JPEG)
"""Of the camera's images."""


def frame_id(run: int, number: int) -> str:
    """Return the name of a frame: which start of its camera, and how many were before it then."""
    return f'{run}:{number}'


def parse_frame_id(text: str) -> tuple[int, int]:
    """Return what `frame_id` was given.

    :raises ValueError: when the text is not from there.
    """
    run, _, number = text.partition(':')
    return int(run), int(number)
