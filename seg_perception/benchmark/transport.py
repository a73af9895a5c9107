"""How many images arrive, and how fast, from one process to another under four settings of DDS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from seg_perception.benchmark.live import (
    NAMESPACE,
    Load,
    camera_process,
    read_published,
    wait_for_word,
)
from seg_perception.benchmark.notes import Notes
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.table import Table, number
from seg_perception.demo.graph import Process
from seg_perception.demo.processes import Children
from seg_perception.demo.run import demo_environment
from seg_perception.large_images import large_image_environment
from seg_perception.ros.load_protocol import CONNECTED, PLAYING

_PROFILE = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
_MALLOC = ('MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')


@dataclass(frozen=True)
class Outcome:
    """One size and quality of service under one setting.

    :ivar latency_ms: median from stamp to callback; None where nothing arrived.
    """

    published: int
    arrived: int
    latency_ms: float | None


def environments() -> dict[str, dict[str, str]]:
    """Return the settings to compare: all variables of a process, by what they are called."""
    ours = demo_environment()
    wanted = large_image_environment({'ROS_DISTRO': ours.get('ROS_DISTRO', '')})
    plain = {
        name: value
        for name, value in ours.items()
        if name not in (*_PROFILE, *_MALLOC, _TRANSPORTS)
    }
    profile = {name: value for name, value in wanted.items() if name in _PROFILE}
    return {
        'defaults': plain,
        f'{_TRANSPORTS}=LARGE_DATA': {**plain, _TRANSPORTS: 'LARGE_DATA'},
        'profile': {**plain, **profile},
        'profile and malloc': {**plain, **wanted},
    }


def measure_transport(load: Load, seconds: float, folder: Path) -> dict[str, dict[str, Outcome]]:
    """Measure every setting, best effort and reliable.

    :param load: of one camera.
    :param folder: for the logs of all processes.
    :raises ProcessError: when a process ends or does not start.
    """
    settings = environments()
    results: dict[str, dict[str, Outcome]] = {name: {} for name in settings}
    with tqdm(total=2 * len(settings), unit='run', leave=False) as bar:
        for quality, reliable in (('best effort', False), ('reliable', True)):
            for name, environment in settings.items():
                place = folder / f'{bar.n}'
                place.mkdir(parents=True)
                one = replace(load, reliable=reliable)
                results[name][quality] = _measure(one, seconds, place, environment)
                bar.update()
    return results


def _measure(load: Load, seconds: float, folder: Path, environment: Mapping[str, str]) -> Outcome:
    (name,) = load.names
    file = folder / 'notes.json'
    monitor_process = Process(
        tool='load_monitor',
        name='load_monitor',
        parameters={
            'node': '',
            'outputs': 'image',
            'reports': False,
            'reliable': load.reliable,
            'output': str(file),
        },
        namespace=NAMESPACE,
    )
    counts = folder / 'camera.json'
    with Children(folder, environment) as children:
        monitor = children.start('monitor', monitor_process.command(), patience=60.0)
        camera = children.start('camera', camera_process(load, name, counts).command())
        wait_for_word(children, monitor, CONNECTED)
        wait_for_word(children, camera, PLAYING)
        end = time.monotonic() + seconds
        children.wait(camera, lambda: time.monotonic() >= end)
        children.stop(camera)
        children.stop(monitor)
    notes = Notes.read(file, {name: [read_published(counts)]}, frozenset())
    told = notes.counts(name)
    latencies = notes.latencies(name)
    return Outcome(told.published or 0, told.results, median(latencies) if latencies else None)


def transport_report(
    results: Mapping[str, Mapping[str, Outcome]],
    load: Load,
    seconds: float,
    machine: Mapping[str, Any],
    command: str,
) -> Report:
    """Return the report."""
    qualities = next(iter(results.values()))
    rows = [
        (name, *(cell for quality in qualities for cell in _cells(outcomes[quality])))
        for name, outcomes in results.items()
    ]
    columns = [cell for quality in qualities for cell in (f'{quality}: arrived', 'ms')]
    return Report(
        kind='transport',
        command=command,
        machine=machine,
        settings={'load': load, 'seconds': seconds},
        results=results,
        tables=[Table('Images from process to process', ('', *columns), tuple(rows))],
        notes=[
            f'{load.width}x{load.height} {load.encoding} at {load.rate:g} Hz for {seconds:g} s',
            'ms: median from stamp to callback, in which the message is still serialised',
        ],
    )


def _cells(outcome: Outcome) -> tuple[str, str]:
    return f'{outcome.arrived} of {outcome.published}', number(outcome.latency_ms)
