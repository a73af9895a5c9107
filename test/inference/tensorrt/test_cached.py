"""Engines of the real builder of TensorRT for RTX, in real processes, through the real cache."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import read_contract
from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.inference.engine_folder import CancelledError
from seg_perception.inference.tensorrt import flavour
from seg_perception.inference.tensorrt.build_process import Job
from seg_perception.inference.tensorrt.cached import CachedEngines, engine_key
from seg_perception.inference.tensorrt.driver import Gpu
from seg_perception.inference.tensorrt.flavour import TENSORRT, TENSORRT_RTX
from seg_perception.inference.tensorrt.options import BuildOptions
from test.inference.processes import children_of
from test.tiny_model import tiny_contract, write_tiny_model

ELSEWHERE = BuildOptions(compute_capabilities=('8.6',))
KILLS = 4

needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec('tensorrt_rtx') is None, reason='TensorRT for RTX is not installed'
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'model.onnx')


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(EngineSettings(tmp_path / 'engines'))


@needs_rtx
def test_an_engine_is_built_beside_and_found_later(model: Path, cache: EngineCache) -> None:
    told: list[float] = []
    source = CachedEngines(cache, progress=lambda share, _: told.append(share))
    built = source(model, ELSEWHERE, TENSORRT_RTX)
    assert not built.kept
    assert len(built.content) > 1000
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert len(set(told)) > 5
    told.clear()
    assert source(model, ELSEWHERE, TENSORRT_RTX) == (built.content, True)
    assert told == []
    (entry,) = cache.entries()
    assert entry.key.runtime == TENSORRT_RTX
    assert (entry.key.shape, entry.key.precision) == ('1x64x128x3', 'fp32')
    assert (entry.key.gpu, entry.key.compute_capability) == ('', '8.6')
    assert entry.about['model'] == 'tiny_nearest_color'
    # What is of no use is replaced.
    again = source(model, ELSEWHERE, TENSORRT_RTX, built.content)
    assert not again.kept
    assert len(cache.entries()) == 1


@needs_rtx
def test_kills_of_the_real_builder_at_random_points(model: Path, cache: EngineCache) -> None:
    generator = random.Random(4)
    source, reasons = CachedEngines(cache), []
    begun = time.monotonic()
    whole = source(model, ELSEWHERE, TENSORRT_RTX)
    duration = time.monotonic() - begun
    cache.evict()

    def build() -> None:
        try:
            source(model, ELSEWHERE, TENSORRT_RTX)
        except RunnerError as error:
            reasons.append(str(error))

    for _ in range(KILLS):
        before = set(children_of(os.getpid()))
        thread = threading.Thread(target=build)
        thread.start()
        while not (started := set(children_of(os.getpid())) - before):
            assert thread.is_alive()
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.8 * duration))
        for pid in started:
            os.kill(pid, signal.SIGKILL)
        thread.join()
        _, key = engine_key(model, read_contract(model), ELSEWHERE, TENSORRT_RTX)
        plan = cache.find(key)
        assert plan is None or len(plan) == len(whole.content)
        cache.evict()
    assert reasons
    assert set(reasons) == {'the build process was killed by SIGKILL (out of memory?)'}
    assert len(source(model, ELSEWHERE, TENSORRT_RTX).content) == len(whole.content)


@needs_rtx
def test_a_model_that_changes_meanwhile_gives_no_engine(model: Path, cache: EngineCache) -> None:
    def change(share: float, _phase: str) -> None:
        if share == 1:
            write_tiny_model(model, sharpness=0.5)

    with pytest.raises(ModelError, match='has changed while an engine was built of it'):
        CachedEngines(cache, progress=change)(model, ELSEWHERE, TENSORRT_RTX)
    assert cache.entries() == []


@needs_rtx
def test_errors_of_the_builder_come_through(model: Path, cache: EngineCache) -> None:
    with pytest.raises(RunnerError, match=r'expected a GPU of compute capability .*, got 9\.0'):
        CachedEngines(cache)(model, BuildOptions(compute_capabilities=('9.0',)), TENSORRT_RTX)
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CancelledError):
        CachedEngines(cache, cancelled=cancelled)(model, ELSEWHERE, TENSORRT_RTX)
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        CachedEngines(cache)(model.with_name('none.onnx'), ELSEWHERE, TENSORRT_RTX)
    assert cache.entries() == []


@needs_rtx
def test_what_was_built_elsewhere_for_this_gpu_is_found(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = read_contract(model)
    elsewhere = engine_key(model, contract, ELSEWHERE, TENSORRT_RTX)
    here = Gpu('NVIDIA GeForce RTX 3060', '8.6', integrated=False, cuda='13.0')
    monkeypatch.setattr(flavour, 'find_gpu', lambda: here)
    assert engine_key(model, contract, BuildOptions(), TENSORRT_RTX) == elsewhere


@needs_rtx
def test_the_key_has_the_model_and_the_options(model: Path) -> None:
    _, key = engine_key(model, read_contract(model), ELSEWHERE, TENSORRT_RTX)
    others = [
        engine_key(model, read_contract(model), options, TENSORRT_RTX)[1]
        for options in (
            replace(ELSEWHERE, tf32=True),
            replace(ELSEWHERE, batch=4),
            replace(ELSEWHERE, workspace_mib=64),
            BuildOptions(compute_capabilities=('8.9',)),
        )
    ]
    derived = {'sha256': 'x', 'agreement': 0.99}
    write_tiny_model(model, replace(tiny_contract(batch=2), precision='int8', derived_from=derived))
    int8 = engine_key(model, read_contract(model), ELSEWHERE, TENSORRT_RTX)[1]
    assert len({entry.name for entry in (key, int8, *others)}) == 6
    assert [entry.shape for entry in others] == [
        *('1x64x128x3', '1-4x64x128x3', '1x64x128x3', '1x64x128x3')
    ]
    assert (int8.shape, int8.precision) == ('2x64x128x3', 'int8')
    assert key.calibration == ''
    assert len(int8.calibration) == 64


@pytest.mark.skipif(Path('/proc/driver/nvidia').exists(), reason='this machine has a GPU')
@pytest.mark.parametrize('runtime', [TENSORRT, TENSORRT_RTX])
def test_without_a_gpu_none_is_built_for_it(model: Path, cache: EngineCache, runtime: str) -> None:
    with pytest.raises(RunnerError, match='no CUDA driver'):
        CachedEngines(cache)(model, BuildOptions(), runtime)


@pytest.mark.parametrize('timings', [None, Path('/some/timings')])
def test_a_job_survives_its_command(timings: Path | None) -> None:
    options = BuildOptions(batch=3, tf32=True, dla_core=1, compute_capabilities=('8.6', '8.9'))
    job = Job(Path('/a b/modèle.onnx'), options, TENSORRT, timings)
    assert Job.from_argument(job.command()[-1]) == job
