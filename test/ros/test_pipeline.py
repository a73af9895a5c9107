"""The pipeline beside the graph: what its files may be, and how it outlives a failing network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import load_label_set
from seg_perception.ros.pipeline import DRIVABLE, InferenceError, Pipeline
from seg_perception.ros.settings import Settings, read_defaults
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

ROAD = from_bgr(np.full((64, 128, 3), load_label_set().labels[0].color[::-1], np.uint8))


def settings(model: Path, **values: str) -> Settings:
    return Settings(**{**read_defaults(), 'model': str(model), **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(('dtype', 'painted'), [(np.uint8, 255), (np.uint8, 1), (np.uint16, 1)])
def test_any_grey_that_is_not_black_is_the_ego_vehicle(
    tmp_path: Path, dtype: type[np.uint8 | np.uint16], painted: int
) -> None:
    ego = np.zeros((64, 128), dtype)
    ego[40:] = painted
    cv2.imwrite(str(tmp_path / 'ego.png'), ego)
    chosen = settings(write_tiny_model(tmp_path / 'tiny.onnx'), ego_mask=str(tmp_path / 'ego.png'))
    drivable = Pipeline(chosen).process(ROAD, {DRIVABLE}, chosen).images[DRIVABLE]
    np.testing.assert_array_equal(drivable, np.where(ego == 0, 255, 0))


def test_a_reloaded_model_goes_by_its_own_name(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', offset=float('nan'))
    chosen = settings(path)
    pipeline = Pipeline(chosen)
    with pytest.raises(InferenceError, match='will be reloaded'):
        pipeline.process(ROAD, {DRIVABLE}, chosen)
    write_tiny_model(path, replace(tiny_contract(), name='another'))
    assert pipeline.process(ROAD, {DRIVABLE}, chosen).images[DRIVABLE].all()
    assert pipeline.model == 'another'


def test_pauses_between_reloads_grow_to_half_a_minute_and_no_further(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx')
    chosen = settings(path)
    now = 0.0
    pipeline = Pipeline(chosen, clock=lambda: now)
    pipeline.close()
    path.unlink()
    for pause in (0, 1, 2, 4, 8, 16, *[30] * 1200):
        with pytest.raises(InferenceError, match='failed and will be reloaded'):
            pipeline.process(ROAD, {DRIVABLE}, chosen)
        if pause:
            now += pause - 0.5
            with pytest.raises(InferenceError, match='is down until it is reloaded'):
                pipeline.process(ROAD, {DRIVABLE}, chosen)
            now += 0.5
    write_tiny_model(path)
    assert pipeline.process(ROAD, {DRIVABLE}, chosen).images[DRIVABLE].all()
    assert not pipeline.failure
