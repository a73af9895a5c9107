"""A short drive as a recording: images in colours of known classes, with calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import load_label_set
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    header,
    message_type,
    serialize,
)
from seg_perception.replay.parameters import Parameters, read_parameters
from test.replay.bags import START, STEP, image_message
from test.tiny_model import tiny_contract, write_tiny_model

Image = npt.NDArray[np.uint8]

SIZE = (128, 64)
CELL = 8
"""Of the tiny model's stride: a square of one class."""


def drive_labels(
    count: int, seed: int = 0, classes: tuple[int, ...] = (0, 1, 10, 13)
) -> list[Image]:
    """Return trainIds, uint8 [H, W], in squares of which a tenth changes from frame to frame."""
    noise = np.random.default_rng(seed)
    shape = (SIZE[1] // CELL, SIZE[0] // CELL)
    grids = [noise.choice(np.array(classes, np.uint8), shape)]
    while len(grids) < count:
        new = noise.choice(np.array(classes, np.uint8), shape)
        grids.append(np.where(noise.random(shape) < 0.1, new, grids[-1]))
    return [np.kron(grid, np.ones((CELL, CELL), np.uint8)) for grid in grids]


def pictures_of(labels: list[Image]) -> list[Image]:
    """Return BGR images of labels in their classes' colours."""
    table = load_label_set().color_table()
    return [table[label] for label in labels]


def tiny_parameters(folder: Path, **given: str) -> Parameters:
    """Return parameters with a tiny model in the folder."""
    path = folder / 'tiny.onnx'
    if not path.exists():
        write_tiny_model(path, tiny_contract(width=SIZE[0], height=SIZE[1]))
    return read_parameters(None, {'model': str(path), 'backend': 'onnxruntime', **given})


def camera_info(time: int, size: tuple[int, int] = SIZE, focal: float = 100.0) -> Any:
    """Return a sensor_msgs/CameraInfo of an ideal camera."""
    width, height = size
    k = [focal, 0, width / 2, 0, focal, height / 2, 0, 0, 1]
    roi = message_type('sensor_msgs/msg/RegionOfInterest')
    return message_type(CAMERA_INFO)(
        header=header(time, 'camera'),
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=np.array(k, float),
        r=np.eye(3).reshape(-1),
        p=np.array([*k[:3], 0, *k[3:6], 0, *k[6:], 0], float),
        binning_x=0,
        binning_y=0,
        roi=roi(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )


def write_drive(
    path: Path,
    images: list[Image],
    cameras: tuple[str, ...] = ('front',),
    *,
    compressed: bool = False,
    info: bool = True,
    info_size: tuple[int, int] | None = None,
) -> Path:
    """Write a recording of `/<camera>/image_raw`, raw or PNG, with calibration."""
    suffix, kind = ('/compressed', COMPRESSED_IMAGE) if compressed else ('', IMAGE)
    with BagWriter(path) as writer:
        for camera in cameras:
            writer.add_topic(f'/{camera}/image_raw{suffix}', kind)
            writer.add_topic(f'/{camera}/camera_info', CAMERA_INFO)
        for number, image in enumerate(images):
            time = START + number * STEP
            for camera in cameras:
                if info:
                    data = serialize(camera_info(time, info_size or image.shape[1::-1]))
                    writer.write(f'/{camera}/camera_info', time, data)
                message = image_message(image, time - number, camera)
                if compressed:
                    png = np.asarray(cv2.imencode('.png', image)[1]).reshape(-1)
                    message = message_type(kind)(message.header, 'bgr8; png', png)
                writer.write(f'/{camera}/image_raw{suffix}', time, serialize(message))
    return path
