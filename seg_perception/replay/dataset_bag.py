"""A recording of a labelled data set: images as their files have them, calibration and truth."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from seg_perception.models.dataset import DatasetError
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.dataset import Dataset, Sample
from seg_perception.replay.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    header,
    message_type,
    picture_message,
    serialize,
)

FRAMES_A_FILE = 1000
_FIRST_STAMP = 10**9


def write_dataset_bag(
    dataset: Dataset,
    folder: Path,
    *,
    camera: str = 'camera',
    rate: float = 10.0,
    limit: int | None = None,
) -> int:
    """Write a recording and return how many frames it has.

    Topics are `/<camera>/image_raw/compressed`, `/<camera>/camera_info` (zeros where there is no
    calibration, as drivers have it) and `/<camera>/truth/label` (trainIds, mono8). Stamps begin at
    1 s.

    :param rate: frames per second.
    :raises DatasetError: when the folder is there already, a number makes no sense or a file of the
        data set cannot be read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f'{folder} is there already: remove it or choose another folder')
    if not rate > 0 or (limit is not None and limit < 1):
        raise DatasetError(f'expected a rate above 0 and 1 frame or more, got {rate:g} and {limit}')
    image, info, truth = (
        f'/{camera}/{name}' for name in ('image_raw/compressed', 'camera_info', 'truth/label')
    )
    samples = list(islice(dataset.samples, limit))
    with BagWriter(folder) as writer:
        writer.add_topic(info, CAMERA_INFO)
        writer.add_topic(image, COMPRESSED_IMAGE)
        writer.add_topic(truth, IMAGE)
        for number, sample in enumerate(tqdm(samples, unit='frame', desc='writing', disable=None)):
            time = _FIRST_STAMP + round(number * 1e9 / rate)
            head = header(time, camera)
            labels = sample.truth()
            writer.write(info, time, serialize(_info(head, sample, labels.shape)))
            writer.write(image, time, serialize(_image(head, sample)))
            writer.write(truth, time, picture_message(head, labels))
            if number % FRAMES_A_FILE == FRAMES_A_FILE - 1:
                writer.end_file()
    return len(samples)


def _image(head: Any, sample: Sample) -> Any:
    """Return the file's own bytes; a kind that cameras do not send becomes a PNG."""
    kind, data = sample.image.suffix.lower().lstrip('.'), np.fromfile(sample.image, np.uint8)
    if kind not in ('jpg', 'jpeg', 'png'):
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise DatasetError(f'cannot decode {sample.image}')
        kind, data = 'png', np.asarray(cv2.imencode('.png', picture)[1]).reshape(-1)
    name = 'png' if kind == 'png' else 'jpeg'
    return message_type(COMPRESSED_IMAGE)(head, f'bgr8; {name} compressed bgr8', data)


def _info(head: Any, sample: Sample, shape: tuple[int, ...]) -> Any:
    height, width = shape
    fx, fy, cx, cy = sample.intrinsics or (0.0, 0.0, 0.0, 0.0)
    one = float(sample.intrinsics is not None)
    roi = message_type('sensor_msgs/msg/RegionOfInterest')
    return message_type(CAMERA_INFO)(
        header=head,
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, one]),
        r=np.eye(3).reshape(-1) * one,
        p=np.array([fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, one, 0]),
        binning_x=0,
        binning_y=0,
        roi=roi(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )
