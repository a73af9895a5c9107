from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.health import Health, HealthLimits, HealthMonitor

SHAPE = (90, 160)
Image = npt.NDArray[np.uint8]


class Camera:
    """Frames of a healthy camera, 0.1 s apart, with what is to be wrong with them."""

    def __init__(self, limits: HealthLimits | None = None) -> None:
        self.monitor, self.stamp = HealthMonitor(limits), 100.0
        self.rng = np.random.default_rng(0)

    def noise(self) -> Image:
        return self.rng.integers(60, 200, (*SHAPE, 3), dtype=np.uint8)

    def frame(
        self,
        label: Image | None = None,
        confidence: int = 230,
        image: Image | None = None,
    ) -> Health:
        self.stamp += 0.1
        label = np.zeros(SHAPE, np.uint8) if label is None else label
        image = self.noise() if image is None else image
        return self.monitor.update(label, np.full(SHAPE, confidence, np.uint8), self.stamp, image)


def test_a_good_camera_is_usable_from_its_first_frame() -> None:
    camera = Camera()
    for _ in range(5):
        health = camera.frame()
        assert health.usable
        assert health.reasons == ()
    assert health.mean_confidence == pytest.approx(230 / 255)
    assert health.unlabelled_share == health.change == health.frozen_for == 0
    assert health.brightness == pytest.approx(129.5, abs=2)
    assert health.contrast == pytest.approx(40, abs=2)


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [
        ({'image': np.full((*SHAPE, 3), 5, np.uint8)}, 'too dark: mean grey level 5'),
        ({'image': np.full((*SHAPE, 3), 250, np.uint8)}, 'too bright: mean grey level 250'),
        ({'image': np.full(SHAPE, 90, np.uint8)}, 'lens covered: contrast 0.0'),
        ({'confidence': 51}, 'unsure: mean confidence 0.20'),
        ({'label': np.full(SHAPE, 255, np.uint8)}, 'unlabelled: 100% of the pixels'),
        ({'label': np.full(SHAPE, 3, np.uint8)}, 'unsteady: 100% of the labels changed'),
    ],
)
def test_each_fault_is_told_at_once_and_recovered_from_after_some_good_frames(
    fault: dict[str, Image], reason: str
) -> None:
    camera = Camera(HealthLimits(good_frames=3))
    assert camera.frame().usable
    bad = camera.frame(**fault)  # type: ignore[arg-type]
    assert not bad.usable
    assert reason in bad.reasons
    camera.monitor._label = np.zeros_like(camera.monitor._label)  # the change back is no fault here
    after = [camera.frame() for _ in range(3)]
    assert [health.usable for health in after] == [False, False, True]
    assert after[0].reasons == ('recovering: 1 of 3 good frames',)
    assert after[2].reasons == ()


def test_a_frozen_lens_is_found_by_its_images_being_the_same() -> None:
    camera = Camera(HealthLimits(frozen_after=0.25))
    still = camera.noise()
    told = [camera.frame(image=still) for _ in range(4)]
    assert [health.usable for health in told] == [True, True, True, False]
    assert told[3].reasons == ('frozen: the same image for 0.3 s',)
    other = still.copy()
    other[::2] += 1
    assert camera.frame(image=other).frozen_for == 0
    never = Camera(HealthLimits(frozen_after=0.0))
    assert all(never.frame(image=still).usable for _ in range(20))


def test_some_bad_frames_may_be_forgiven() -> None:
    camera = Camera(HealthLimits(bad_frames=3))
    camera.frame()
    assert [camera.frame(confidence=10).usable for _ in range(3)] == [True, True, False]
    assert not Camera(HealthLimits(bad_frames=3)).frame(confidence=10).usable


def test_without_an_image_only_the_labels_are_judged() -> None:
    label, confidence = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 200, np.uint8)
    health = HealthMonitor().update(label, confidence, 1.0)
    assert health.usable
    assert np.isnan([health.brightness, health.contrast, health.frozen_for, health.change]).all()


def test_without_confidence_the_rest_is_judged() -> None:
    monitor = HealthMonitor()
    label, noise = np.zeros(SHAPE, np.uint8), Camera().noise()
    health = monitor.update(label, None, 1.0, noise)
    assert health.usable
    assert np.isnan(health.mean_confidence)
    assert not monitor.update(label, None, 1.1, noise // 32).usable


def test_time_may_begin_anew() -> None:
    camera = Camera()
    still = camera.noise()
    camera.frame(image=still)
    camera.stamp = 3.0
    assert camera.frame(image=still).frozen_for == 0


def test_counts_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match='expected 1 or more, got 0 and 5'):
        HealthLimits(bad_frames=0)
