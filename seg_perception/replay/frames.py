"""Camera frames of recordings, folders of images and videos, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seg_perception.replay.bag_frames import BagFrames
from seg_perception.replay.bag_reader import is_bag
from seg_perception.replay.frame import Frames
from seg_perception.replay.picture_frames import FolderFrames, VideoFrames
from seg_perception.replay.storage import BagError


def open_frames(path: str | Path, topics: Sequence[str] = (), *, rate: float = 10.0) -> Frames:
    """Open a recording, a folder of images or a video file.

    :param topics: of the images in a recording, patterns of fnmatch allowed; needed where it has
        several cameras.
    :param rate: images per second of a folder; a video has its own.
    :raises BagError: when it is none of these, or the topics fit no camera in it.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise BagError(f'no file or folder {path}; give a recording, a folder of images or a video')
    if is_bag(path):
        return BagFrames(path, topics)
    if topics:
        raise BagError(f'--topic: expected a recording, got {path}, which has no topics')
    if path.is_dir():
        return FolderFrames(path, rate)
    return VideoFrames(path)
