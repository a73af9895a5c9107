"""Which frames are kept, and what their pictures show."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import LabelSet, load_grouping
from seg_perception.models.evaluation.score import ScoredFrame
from seg_perception.models.evaluation.worst import WorstFrames, error_view

Image = npt.NDArray[np.uint8]


def frame(name: str, miou: float | None, width: int = 12, height: int = 8) -> ScoredFrame:
    label = np.zeros((height, width), np.uint8)
    return ScoredFrame(name, np.full((height, width, 3), 90, np.uint8), label, label, miou)


def decoded(uri: str | None, kind: str) -> Image:
    assert uri is not None
    head, _, data = uri.partition(',')
    assert head == f'data:image/{kind};base64'
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize(
    ('limit', 'kept'), [(0, ''), (1, 'd'), (3, 'dbe'), (4, 'dbea'), (9, 'dbeacf')]
)
def test_the_lowest_are_kept_and_the_earlier_of_two_alike(
    labels: LabelSet, limit: int, kept: str
) -> None:
    worst = WorstFrames(limit, labels)
    for name, miou in zip('abcxdef', [0.5, 0.2, 0.6, None, 0.1, 0.2, 0.9], strict=True):
        worst.add(frame(name, miou))
    assert ''.join(shown.name for shown in worst.frames()) == kept


def test_pictures_show_image_labels_and_errors(labels: LabelSet) -> None:
    road, car = labels.train_id('road'), labels.train_id('car')
    truth = np.full((40, 60), road, np.uint8)
    prediction = truth.copy()
    truth[:, :20], prediction[:, 40:] = 255, car
    worst = WorstFrames(1, labels)
    worst.add(ScoredFrame('a', np.full((40, 60, 3), 90, np.uint8), prediction, truth, 0.5))
    (shown,) = worst.frames()
    assert (shown.name, shown.miou) == ('a', 0.5)
    assert np.abs(decoded(shown.image, 'jpeg').astype(int) - 90).max() < 4
    colors = labels.color_table()
    np.testing.assert_array_equal(decoded(shown.prediction, 'png'), colors[prediction])
    np.testing.assert_array_equal(decoded(shown.truth, 'png'), colors[truth])
    middle = decoded(shown.error, 'jpeg')[20, [10, 30, 50]].astype(int)
    assert np.abs(middle - [[0, 0, 0], [90, 90, 90], [50, 60, 235]]).max() < 12


def test_errors_are_red_and_what_is_not_scored_black() -> None:
    image = np.full((1, 3, 3), 100, np.uint8)
    view = error_view(image, np.array([[1, 1, 1]], np.uint8), np.array([[1, 2, 255]], np.uint8))
    assert view.tolist() == [[[100] * 3, [50, 60, 235], [0] * 3]]


def test_merged_classes_are_no_error_and_have_one_colour(labels: LabelSet) -> None:
    grouping = load_grouping('camvid11', labels)
    truth = np.full((8, 8), labels.train_id('bus'), np.uint8)
    prediction = np.full((8, 8), labels.train_id('truck'), np.uint8)
    worst = WorstFrames(1, labels, grouping)
    worst.add(ScoredFrame('a', np.full((8, 8, 3), 90, np.uint8), prediction, truth, 1.0))
    (shown,) = worst.frames()
    assert shown.prediction == shown.truth
    assert (decoded(shown.truth, 'png') == labels.labels[13].color[::-1]).all()
    assert decoded(shown.error, 'jpeg').max() < 100


def test_large_frames_are_shown_small(labels: LabelSet) -> None:
    worst = WorstFrames(1, labels)
    worst.add(frame('large', 0.3, width=2048, height=1024))
    (shown,) = worst.frames()
    assert decoded(shown.image, 'jpeg').shape == (320, 640, 3)
    assert decoded(shown.truth, 'png').shape == (320, 640, 3)


def test_a_frame_without_an_image_shows_its_labels_and_errors(labels: LabelSet) -> None:
    truth = np.zeros((40, 60), np.uint8)
    prediction = truth.copy()
    prediction[:, 30:] = 1
    worst = WorstFrames(1, labels)
    worst.add(ScoredFrame('a', None, prediction, truth, 0.5))
    (shown,) = worst.frames()
    assert shown.image is None
    right, wrong = decoded(shown.error, 'jpeg')[20, [10, 50]].astype(int)
    assert right.min() > 243
    assert np.abs(wrong - [50, 60, 235]).max() < 12
