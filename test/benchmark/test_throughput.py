from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seg_perception.benchmark.contest import ContestantError
from seg_perception.benchmark.live import Load, node_process
from seg_perception.benchmark.null_model import write_null_model
from seg_perception.benchmark.throughput import Throughput, measure_throughput, network_alone

LOAD = Load(width=320, height=240)


@pytest.fixture
def null_model(tmp_path: Path) -> Path:
    return write_null_model(tmp_path / 'null.onnx', width=64, height=48)


def network_of(*rates: float, asked: list[float]) -> Callable[[float], float]:
    """Return a network of known rates; `asked` gets the seconds it was tried for."""
    coming = iter(rates)

    def alone(seconds: float) -> float:
        asked.append(seconds)
        return next(coming)

    return alone


def test_the_share_compares_a_spell_with_the_network_right_before_and_after_it() -> None:
    steady = Throughput(bare_hz=[10.0, 10.0, 10.0], node_hz=[9.0, 10.0], cores=1.0)
    assert steady.share == pytest.approx(0.95)
    # Half as fast from the second spell on, and the node all the time at 90 %.
    slower = Throughput(bare_hz=[10.0, 10.0, 5.0, 5.0], node_hz=[9.0, 6.75, 4.5], cores=1.0)
    assert slower.share == pytest.approx(0.9)


def test_every_spell_has_a_rate_of_its_own_between_two_of_the_network(
    tmp_path: Path, null_model: Path
) -> None:
    """The null model keeps up with the camera, whose rate is therefore the node's."""
    asked: list[float] = []
    alone = network_of(7.0, 9.0, 10.0, 20.0, 30.0, asked=asked)
    command = node_process(LOAD, null_model, threads=1).command()
    told = measure_throughput(tmp_path / 'run', LOAD, command, alone, spells=2, seconds=2.0)
    assert asked == [1.0] * 5
    assert told.bare_hz == [10.0, 20.0, 30.0]
    # 1.25 times 8; a busy machine may lose some frames, and can gain none.
    assert len(told.node_hz) == 2
    assert all(2.0 < rate < 13.0 for rate in told.node_hz)
    assert 0 < told.cores < 2


def test_a_spell_that_is_too_short_is_refused(tmp_path: Path, null_model: Path) -> None:
    alone = network_of(*[0.8] * 4, asked=[])
    command = node_process(LOAD, null_model, threads=1).command()
    with pytest.raises(
        ValueError, match=r'more than 4 labels in each spell of 0\.5 s, got less in'
    ):
        measure_throughput(tmp_path / 'run', LOAD, command, alone, spells=1, seconds=0.5)


def test_the_network_alone_has_a_rate(null_model: Path) -> None:
    with network_alone(null_model, threads=1) as alone:
        assert 10 < alone(0.1) < 1e6


def test_a_network_that_cannot_be_run_is_refused(tmp_path: Path, null_model: Path) -> None:
    model = tmp_path / 'cut.onnx'
    model.write_bytes(null_model.read_bytes()[:-100])
    with pytest.raises(ContestantError), network_alone(model, threads=1):
        pass
