"""The managed node on a live graph: transitions, failures and what can be tried again."""

from __future__ import annotations

import threading
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState

from seg_perception.core.labels import Label, load_label_set
from seg_perception.ros.settings import read_defaults
from test.graph.bench import Bench, pixels
from test.graph.spinner import ask, find_service, wait_until
from test.inference.hostile import LARGE
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rclpy.node import Node

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx')


@pytest.fixture
def bench(model: Path) -> Iterator[Bench]:
    with Bench(model) as bench:
        yield bench


def change_state(bench: Bench, transition: int) -> bool:
    """Ask for a transition as a lifecycle manager does."""
    client = find_service(bench.tester, ChangeState, 'segmentation/change_state')
    future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
    wait_until(future.done, 'the answer to a transition')
    return bool(future.result().success)


def label_of_state(bench: Bench) -> str:
    answer = ask(bench.tester, GetState, 'segmentation/get_state', GetState.Request())
    return str(answer.current_state.label)


def test_a_manager_takes_it_through_all_states(bench: Bench) -> None:
    assert change_state(bench, Transition.TRANSITION_CONFIGURE)
    assert label_of_state(bench) == bench.node.state == 'inactive'
    assert change_state(bench, Transition.TRANSITION_ACTIVATE)
    assert label_of_state(bench) == bench.node.state == 'active'
    assert change_state(bench, Transition.TRANSITION_DEACTIVATE)
    assert label_of_state(bench) == bench.node.state == 'inactive'
    assert change_state(bench, Transition.TRANSITION_CLEANUP)
    assert label_of_state(bench) == bench.node.state == 'unconfigured'
    assert change_state(bench, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert label_of_state(bench) == bench.node.state == 'finalized'


def test_an_active_node_can_be_shut_down(bench: Bench) -> None:
    bench.activate()
    assert change_state(bench, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert label_of_state(bench) == 'finalized'


def test_a_transition_that_is_not_possible_is_refused(bench: Bench) -> None:
    assert not change_state(bench, Transition.TRANSITION_ACTIVATE)
    assert label_of_state(bench) == 'unconfigured'
    assert change_state(bench, Transition.TRANSITION_CONFIGURE)


def test_it_serves_after_every_way_back(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    for name in ('deactivate', 'activate', 'deactivate', 'cleanup', 'configure', 'activate'):
        assert bench.transition(name)
    bench.await_connection()
    bench.await_listeners('label', 1)
    bench.send(ROAD)
    assert not pixels(labels.newest()).any()


def test_many_lives_leave_nothing_behind(bench: Bench) -> None:
    def left() -> tuple[int, ...]:
        node = bench.node
        entities = (node.publishers, node.subscriptions, node.timers, node.waitables, node.services)
        parameters = node.get_parameters_by_prefix('')
        return (threading.active_count(), len(parameters), *(len(list(each)) for each in entities))

    def live() -> None:
        for name in ('configure', 'activate', 'deactivate', 'cleanup'):
            assert bench.transition(name)

    assert bench.set(cameras=['front', 'rear']) == []
    live()
    before = left()
    for _ in range(20):
        live()
    assert left() == before


def test_configure_starts_the_counts_anew(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(ROAD)
    labels.newest()
    for name in ('deactivate', 'cleanup', 'configure'):
        assert bench.transition(name)
    bench.await_totals()


def test_counts_outlive_a_pause(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(ROAD)
    labels.newest()
    assert bench.transition('deactivate')
    assert bench.transition('activate')
    bench.await_connection()
    bench.send(ROAD)
    labels.after(1)
    bench.await_totals(frames_in=2, frames_out=2)


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def foreign(path: Path) -> None:
    write_tiny_model(path, channels_first=True)


def other_labels(path: Path) -> None:
    labels = [Label('road', 7, (128, 64, 128)), Label('lava', 8, (255, 0, 0))]
    write_tiny_model(path, tiny_contract(labels=labels))


def claims_100_gb(path: Path) -> None:
    LARGE['constant of shape'](path)


@pytest.mark.parametrize(
    ('spoil', 'sentence'),
    [
        (Path.unlink, 'tiny.onnx'),
        (damaged, 'tiny.onnx'),
        (foreign, 'breaks the model contract'),
        (other_labels, 'expected sidewalk (id 8) as class 1'),
        (claims_100_gb, 'at most 1,073,741,824 elements, got 2.5e+10'),
    ],
)
def test_a_bad_model_keeps_it_unconfigured_until_mended(
    bench: Bench, model: Path, spoil: object, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil(model)  # type: ignore[operator]
    assert not bench.transition('configure')
    lines = [line for line in capfd.readouterr().err.splitlines() if 'cannot configure' in line]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert label_of_state(bench) == 'unconfigured'
    assert 'cannot configure' in bench.status(DiagnosticStatus.ERROR, sentence).message
    write_tiny_model(model)
    bench.activate()
    bench.status(DiagnosticStatus.OK)


@pytest.mark.parametrize(
    ('name', 'value', 'sentence'),
    [
        ('max_age', -1.0, 'parameter max_age must be a number from 0 to 3600, got -1.0'),
        ('jpeg_quality', 0, 'parameter jpeg_quality must be a whole number from 1 to 100, got 0'),
        (
            'overlay_alpha',
            'half',
            "parameter overlay_alpha must be a number from 0 to 1, got 'half'",
        ),
        ('backend', 'abacus', 'parameter backend must be one of auto, tensorrt, '),
        ('autostart', 1, 'parameter autostart must be true or false, got 1 (int)'),
        ('label_set', 'atlantis', "no label file of the name 'atlantis'"),
        ('ego_mask', 'nowhere.png', "ego_mask 'nowhere.png' is not an image that can be read"),
    ],
)
def test_a_bad_parameter_keeps_it_unconfigured_until_corrected(
    model: Path, name: str, value: object, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Bench(model, **{name: value}) as bench:
        assert not bench.transition('configure')
        assert sentence in capfd.readouterr().err
        assert bench.node.state == 'unconfigured'
        assert bench.set(**{name: read_defaults()[name]}) == []
        bench.activate()


@pytest.mark.parametrize(
    ('remap', 'transitions', 'sentence'),
    [
        ('~/report:=segmentation/label', ['configure'], 'cannot offer ~/report: '),
        ('camera_info:=image', ['configure', 'activate'], 'cannot subscribe to '),
    ],
)
def test_topics_that_clash_leave_nothing_behind(
    model: Path,
    remap: str,
    transitions: list[str],
    sentence: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def topics(node: Node) -> list[str]:
        return [entity.topic_name for entity in (*node.publishers, *node.subscriptions)]

    with Bench(model, remap) as bench:
        *possible, impossible = transitions
        assert all(bench.transition(name) for name in possible)
        state, before = bench.node.state, topics(bench.node)
        for _ in range(2):
            assert not bench.transition(impossible)
            assert (bench.node.state, topics(bench.node)) == (state, before)
        assert sentence in capfd.readouterr().err


def test_a_thread_that_cannot_start_leaves_no_subscription(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    assert bench.transition('configure')
    before = list(bench.node.subscriptions)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, 'start', refuse)
        assert not bench.transition('activate')
    assert list(bench.node.subscriptions) == before
    assert bench.transition('activate')
    bench.await_connection()


def test_the_model_can_be_corrected(model: Path) -> None:
    with Bench(model.with_name('nowhere.onnx')) as bench:
        assert not bench.transition('configure')
        assert bench.set(model=str(model)) == []
        bench.activate()


def test_it_starts_by_itself(model: Path) -> None:
    with Bench(model, autostart=True) as bench:
        wait_until(lambda: bench.node.state == 'active', 'the node to activate itself')
        assert label_of_state(bench) == 'active'
