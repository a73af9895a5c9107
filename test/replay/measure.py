"""Measures `replay run`, for docs/replay.md; no test.

`python3 -m test.replay.measure throughput BAG`: beside the bare runner, in turns.
`python3 -m test.replay.measure memory`: on a recording of 10,000 small frames.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from seg_perception.core.view import View
from seg_perception.inference.base import Runner
from seg_perception.replay import run as run_module
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.frames import open_frames
from seg_perception.replay.messages import IMAGE, serialize
from seg_perception.replay.parameters import Parameters, read_parameters
from seg_perception.replay.pipeline import Result
from test.replay.bags import START, STEP, image_message
from test.replay.drives import drive_labels, pictures_of, tiny_parameters

FRAMES = 10_000
ROUNDS = 5


def throughput(bag: Path, frames: int) -> None:
    """Print frames per second of both, and of CPU time a frame, with the medians of their ratios.

    The clock tells on a quiet machine only; CPU time tells on a busy one, too.
    """
    parameters = read_parameters(None, {'backend': 'onnxruntime'})
    ratios = []
    for number in range(ROUNDS):
        with parameters.runner() as runner:
            bare = bare_cost(runner, bag, frames)
        with tempfile.TemporaryDirectory() as folder:
            ours = run_cost(bag, Path(folder) / 'run', parameters)
        ratios.append((bare[0] / ours[0], bare[1] / ours[1]))
        print(
            f'round {number}: runner {1 / bare[0]:.2f}/s and {bare[1] * 1e3:.1f} ms of CPU, '
            f'replay run {1 / ours[0]:.2f}/s and {ours[1] * 1e3:.1f} ms'
        )
    clock, cpu = (statistics.median(values) for values in zip(*ratios, strict=True))
    print(f'median ratio by the clock {clock:.3f}, by CPU time {cpu:.3f}')


def bare_cost(runner: Runner, bag: Path, frames: int) -> tuple[float, float]:
    """Return seconds and CPU seconds a frame of inference alone, on prepared input."""
    contract = runner.contract
    batch = np.empty((1, contract.height, contract.width, 3), np.uint8)
    View(contract).prepare(next(open_frames(bag).read()).load(None), batch[0])
    runner.infer(batch)
    started, used = time.perf_counter(), time.process_time()
    for _ in range(frames):
        runner.infer(batch)
    return (time.perf_counter() - started) / frames, (time.process_time() - used) / frames


def run_cost(bag: Path, folder: Path, parameters: Parameters) -> tuple[float, float]:
    """Return the same of a run, from the loaded model to the finished recording."""
    enter, used = run_module._Recording.__enter__, 0.0

    def watched(self: run_module._Recording) -> run_module._Recording:
        nonlocal used
        used = time.process_time()
        return enter(self)

    run_module._Recording.__enter__ = watched  # type: ignore[method-assign, assignment]
    made = run_module.run(bag, folder, parameters, progress=False)
    run_module._Recording.__enter__ = enter  # type: ignore[method-assign]
    state = made.about['state']
    return state['seconds'] / state['taken'], (time.process_time() - used) / state['taken']


def memory() -> None:
    """Print the resident memory of a long run every thousand frames."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = itertools.cycle(pictures_of(drive_labels(50)))
        with BagWriter(folder / 'drive') as writer:
            writer.add_topic('/camera/image_raw', IMAGE)
            for number in range(FRAMES):
                at = START + number * STEP
                data = serialize(image_message(next(images), at))
                writer.write('/camera/image_raw', at, data)
        measure_run(folder, tiny_parameters(folder))


def measure_run(folder: Path, parameters: Parameters) -> None:
    """Run with a look at the memory of this process beside it."""
    add, seen = run_module._Recording.add, 0

    def watched(self: run_module._Recording, result: Result) -> None:
        nonlocal seen
        add(self, result)
        seen += 1
        if seen % 1000 == 0:
            pages = int(Path('/proc/self/statm').read_text().split()[1])
            print(f'{seen} frames: {pages * os.sysconf("SC_PAGE_SIZE") / 2**20:.1f} MiB')

    run_module._Recording.add = watched  # type: ignore[method-assign]
    run_module.run(folder / 'drive', folder / 'run', parameters, progress=False)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('what', choices=('throughput', 'memory'))
    parser.add_argument('bag', nargs='?', type=Path)
    parser.add_argument('--frames', type=int, default=100, help='of the bare runner (100)')
    options = parser.parse_args()
    if options.what == 'memory':
        memory()
    else:
        throughput(options.bag, options.frames)
