"""What a run of cameras, node and consumer says: counts, order, rates, times.

All of it is read from the notes of `load_monitor` and the counts of `load_camera`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Frame = tuple[int, int]
"""The start of a camera, and the number of the frame since then."""


@dataclass(frozen=True)
class Published:
    """What one camera, from one start to its end, says that it published."""

    run: int
    frames: int
    skipped: int


@dataclass(frozen=True)
class Counts:
    """The frames of one camera.

    :ivar published: by the camera; None where one of its processes was killed and could not tell.
    :ivar frames_in: accepted by the node.
    :ivar frames_out: whose results it published.
    :ivar dropped: by the node, and counted by it.
    :ivar results: least number of results that arrived, of any output.
    :ivar gaps: frames between the first and the last of a start that have no label.
    """

    published: int | None
    skipped: int
    frames_in: int
    frames_out: int
    dropped: int
    results: int
    duplicates: int
    out_of_order: int
    gaps: int

    @property
    def lost_on_the_way_in(self) -> int | None:
        """Published images that the node did not get."""
        return None if self.published is None else self.published - self.frames_in

    @property
    def lost_on_the_way_out(self) -> int:
        """Results that the node published and the consumer did not get."""
        return self.frames_out - self.results

    @property
    def uncounted(self) -> int:
        """Frames that went into the node and neither came out nor were counted as dropped."""
        return self.frames_in - self.frames_out - self.dropped

    @property
    def lost(self) -> int:
        """Frames that have no label and are not among those the node says it dropped."""
        return max(0, self.gaps - self.dropped)

    @property
    def faults(self) -> list[str]:
        """What must not be, one sentence each; none where all went well."""
        found = {
            'images lost on the way to the node': self.lost_on_the_way_in,
            'results lost on the way from it': self.lost_on_the_way_out,
            'frames that the node took in and did not count': self.uncounted,
            'frames without a label or a count': self.lost,
            'results that came twice': self.duplicates,
            'results out of order': self.out_of_order,
        }
        return [f'{count} {what}' for what, count in found.items() if count]


class Notes:
    """The notes of one run.

    :param notes: as `load_monitor` writes them.
    :param published: what the cameras said, by name; the last one of a start that was killed is
        missing.
    :param killed: names of cameras of which a process was killed.
    """

    def __init__(
        self,
        notes: Mapping[str, Any],
        published: Mapping[str, list[Published]],
        killed: frozenset[str] = frozenset(),
    ) -> None:
        self.cameras: list[str] = notes['cameras']
        self.outputs: list[str] = notes['outputs']
        self._published = published
        self._killed = killed
        self._counts: Mapping[str, Mapping[str, int]] = notes['counts']
        self._stages: list[str] = notes['stages']
        self._times = np.array([row[3] for row in notes['reports']], np.float64).reshape(
            -1, len(self._stages)
        )
        self._results = np.array(notes['results'], np.int64).reshape(-1, 6)

    @classmethod
    def read(
        cls, file: Path, published: Mapping[str, list[Published]], killed: frozenset[str]
    ) -> Notes:
        """Read the file that `load_monitor` wrote."""
        return cls(json.loads(file.read_text(encoding='utf-8')), published, killed)

    def stage(self, name: str, skip: int = 0) -> list[float]:
        """Return the milliseconds of a stage, frame by frame, without the first `skip`."""
        column: list[float] = self._times[skip:, self._stages.index(name)].tolist()
        return column

    @property
    def stages(self) -> list[str]:
        """Names of the stages."""
        return self._stages

    def counts(self, camera: str) -> Counts:
        """Return what became of a camera's frames."""
        rows = [self._rows(camera, output) for output in self.outputs]
        frames = [[(int(run), int(number)) for run, number in part[:, 2:4]] for part in rows]
        told = self._counts.get(camera, {})
        published = self._published.get(camera, [])
        return Counts(
            published=None if camera in self._killed else sum(part.frames for part in published),
            skipped=sum(part.skipped for part in published),
            frames_in=told.get('frames_in', 0),
            frames_out=told.get('frames_out', 0),
            dropped=sum(count for name, count in told.items() if name.startswith('dropped_')),
            results=min(len(set(part)) for part in frames),
            duplicates=sum(len(part) - len(set(part)) for part in frames),
            out_of_order=sum(int((np.diff(part[:, 4]) < 0).sum()) for part in rows),
            gaps=_gaps(frames[0], published),
        )

    def latencies(self, camera: str) -> list[float]:
        """Return the milliseconds from each label's stamp to its arrival."""
        rows = self._rows(camera, self.outputs[0])
        milliseconds: list[float] = ((rows[:, 5] - rows[:, 4]) / 1e6).tolist()
        return milliseconds

    def rates(self) -> dict[str, float]:
        """Return each camera's labels in a second, over the time in which all had some.

        A camera has the rate 0 when it has no label, and all have when they have none in common.
        """
        arrivals = self._common()
        rates = dict.fromkeys(self.cameras, 0.0)
        for camera, times in arrivals.items():
            if len(times) > 1:
                rates[camera] = (len(times) - 1) * 1e9 / float(times[-1] - times[0])
        return rates

    def rate(self, camera: str, run: int, skip: int = 0) -> float:
        """Return a camera's labels in a second since its start number `run`.

        The first `skip` labels do not count; 0 where fewer than two are left.
        """
        rows = self._rows(camera, self.outputs[0])
        times = rows[rows[:, 2] == run, 5][skip:]
        return (len(times) - 1) * 1e9 / float(times[-1] - times[0]) if len(times) > 1 else 0.0

    def lead(self) -> int:
        """Return by how many labels a camera was ever ahead of another since both had one."""
        arrivals = self._common()
        if len(arrivals) < 2:
            return 0
        events = sorted((int(t), camera) for camera, times in arrivals.items() for t in times)
        served: Counter[str] = Counter(dict.fromkeys(arrivals, 0))
        lead = 0
        for _, camera in events:
            served[camera] += 1
            lead = max(lead, max(served.values()) - min(served.values()))
        return lead

    def _common(self) -> dict[str, Any]:
        """Return each camera's arrivals of labels in the time in which all cameras had some."""
        arrivals = {name: self._rows(name, self.outputs[0])[:, 5] for name in self.cameras}
        if not all(len(times) for times in arrivals.values()):
            return {}
        begin = max(times[0] for times in arrivals.values())
        end = min(times[-1] for times in arrivals.values())
        return {n: times[(times >= begin) & (times <= end)] for n, times in arrivals.items()}

    def _rows(self, camera: str, output: str) -> Any:
        numbers = self._results
        index = self.cameras.index(camera), self.outputs.index(output)
        return numbers[(numbers[:, 0] == index[0]) & (numbers[:, 1] == index[1])]


def _gaps(frames: list[Frame], published: list[Published]) -> int:
    """Count the frames that are missing.

    Of a start that ended in peace up to the last it published; of one that was killed, between the
    first and the last that came, as the others may never have left.
    """
    told = {part.run: part.frames for part in published}
    gaps = 0
    for run in {run for run, _ in frames} | told.keys():
        numbers = {number for r, number in frames if r == run}
        if run in told:
            gaps += told[run] - len(numbers)
        else:
            gaps += max(numbers) - min(numbers) + 1 - len(numbers)
    return gaps
