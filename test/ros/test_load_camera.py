from __future__ import annotations

import cv2
import numpy as np
import pytest

from seg_perception.ros.camera_input import decode
from seg_perception.ros.load_camera import load_message
from seg_perception.ros.load_protocol import ENCODINGS, JPEG

# Three patches, large enough to outlive JPEG.
PATCHES = np.zeros((32, 96, 3), np.uint8)
PATCHES[:, :32], PATCHES[:, 32:64], PATCHES[:, 64:] = (200, 30, 60), (10, 220, 90), (40, 50, 240)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_holds_the_picture(encoding: str) -> None:
    message = load_message(PATCHES, encoding)
    image = decode(message)
    assert image.size == (96, 32)
    gray = cv2.cvtColor(cv2.cvtColor(PATCHES, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    expected = gray if encoding == 'mono8' else PATCHES
    difference = cv2.absdiff(image.bgr(image.size), expected)
    assert difference[:, 4:28].max() <= (8 if encoding == JPEG else 0)
