"""Drives in closed loop by true labels: they stop for what is in the way and when blind."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.planner.drive import FAULTS, Course, drive
from seg_perception.planner.speed import SpeedLimits
from seg_perception.planner.street import StreetFrame
from seg_perception.planner.trial import WATCHDOG, courses, plain, summarise, table, trial
from seg_perception.sim.driven import KINDS, Blockade, DrivenScene

LABELS = load_label_set()
SIZE = (256, 128)
Image = npt.NDArray[np.uint8]


def truth(shot: StreetFrame) -> tuple[Image, Image]:
    return shot.frame.label, np.full(shot.frame.label.shape, 255, np.uint8)


def blind(shot: StreetFrame) -> tuple[Image, Image]:
    """Label all of it road: what a network that sees nothing in the way would say."""
    return np.zeros_like(shot.frame.label), np.full(shot.frame.label.shape, 255, np.uint8)


@pytest.mark.parametrize('kind', ['car', 'crossing pedestrian'])
def test_it_stops_in_front_of_what_is_in_the_way(kind: str) -> None:
    made = drive(Course(5, Blockade(kind, 22.0, begins=-1.0)), truth, LABELS, SIZE)
    assert (made.collided, made.stopped) == ('', True)
    assert 0.5 < made.gap < 12


def test_a_network_that_sees_nothing_ends_in_a_collision() -> None:
    made = drive(Course(5, Blockade('car', 15.0)), blind, LABELS, SIZE)
    assert (made.collided, made.stopped, made.gap) == ('car', False, 0)


@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_of_the_camera_stops_it_in_time(fault: str) -> None:
    made = drive(Course(5, None, fault, fault_at=0.5), truth, LABELS, SIZE)
    assert made.stopped
    assert made.told_after <= WATCHDOG
    assert made.stood_after == pytest.approx(made.told_after + 8 / 5, abs=0.35)


def test_a_planner_without_a_watchdog_is_found_out() -> None:
    patient = SpeedLimits(watchdog=100.0)
    made = drive(Course(5, None, 'dead topic', 0.5, length=20.0), truth, LABELS, SIZE, patient)
    assert not made.stopped
    result = summarise('dead topic', [Course(5)], [made])
    assert not result['passed']


def test_drives_repeat() -> None:
    course = Course(5, Blockade('pedestrian', 12.0, 0.3), 'dead topic', 0.3)
    first, second = (drive(course, truth, LABELS, SIZE) for _ in range(2))
    assert str(first) == str(second)  # NaN is not itself


def test_a_trial_has_all_kinds_and_all_faults() -> None:
    plan = courses(8, 3, 2)
    assert [len(each) for each in plan.values()] == [8, 3, 3, 3, 3, 2]
    assert {c.blockade.kind for c in plan['obstacle'] if c.blockade} == set(KINDS)
    assert all(c.fault == name for name in FAULTS for c in plan[name])


def test_the_figures_of_a_trial() -> None:
    plan = {
        'obstacle': [Course(5, Blockade('car', 12.0))],
        'dead topic': [Course(5, None, 'dead topic', 0.3)],
    }
    drives = trial(plan, lambda courses: [drive(c, truth, LABELS, SIZE) for c in courses])
    assert all(kind['passed'] for kind in drives.values())
    assert drives['obstacle']['least_gap'] == drives['obstacle']['each'][0]['gap']
    assert drives['dead topic']['least_gap'] is None
    lines = [line.split() for line in table(drives)]
    gap, told = drives['obstacle']['median_gap'], drives['dead topic']['told_after']['most']
    assert lines[1] == ['obstacle', '1', '1', '0', f'{gap:.1f}', f'({gap:.1f})', '-']
    assert lines[2] == ['dead', 'topic', '1', '1', '0', '-', '(-)', f'{told:.1f}', f'({told:.1f})']
    told_of = json.loads(json.dumps(plain(drives), allow_nan=False))
    assert told_of['obstacle']['each'][0]['told_after'] is None


def test_the_driven_street_is_the_same_street() -> None:
    scene = DrivenScene(5, *SIZE, Blockade('car', 20.0, 0.5))
    before = scene.frame(0.0)
    (car,) = [o for o in scene.objects(0.0) if abs(o.corners.mean(axis=0)[1] - 0.5) < 1e-9]
    np.testing.assert_allclose(car.corners.mean(axis=0), (20.0, 0.5))
    scene.drive_to(6.0)
    (car,) = [o for o in scene.objects(0.0) if abs(o.corners.mean(axis=0)[1] - 0.5) < 1e-9]
    np.testing.assert_allclose(car.corners.mean(axis=0), (14.0, 0.5))
    scene.drive_to(0.0)
    np.testing.assert_array_equal(scene.frame(0.0).bgr, before.bgr)
