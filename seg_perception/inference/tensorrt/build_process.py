"""The process that builds an engine: `python3 -m seg_perception.inference.tensorrt.build_process`.

Its one argument is a job as JSON; what it tells is of `build_channel`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.build_channel import MODEL_ERROR, RUNNER_ERROR, BuildChannel
from seg_perception.inference.engine_build import python_command
from seg_perception.inference.tensorrt.options import BuildOptions


@dataclass(frozen=True)
class Job:
    """What is to be built; as of `build_engine`."""

    model: Path
    options: BuildOptions
    runtime: str
    timing_cache: Path | None

    def command(self) -> list[str]:
        """Return the command that builds it."""
        values = {
            **asdict(self),
            'model': str(self.model),
            'timing_cache': str(self.timing_cache or ''),
        }
        return python_command(__name__, json.dumps(values))

    @classmethod
    def from_argument(cls, argument: str) -> Job:
        """Return the job that `command` was made of."""
        values: dict[str, Any] = json.loads(argument)
        options = values['options']
        options['compute_capabilities'] = tuple(options['compute_capabilities'])
        return cls(
            model=Path(values['model']),
            options=BuildOptions(**options),
            runtime=values['runtime'],
            timing_cache=Path(values['timing_cache']) if values['timing_cache'] else None,
        )


def main(argument: str) -> int:
    """Build and tell; returns the exit status."""
    channel = BuildChannel()
    # Only now, so that the process can be ended while it loads them.
    from seg_perception.inference.tensorrt.build import build_engine

    try:
        job = Job.from_argument(argument)
        plan = build_engine(
            job.model,
            job.options,
            runtime=job.runtime,
            progress=channel.progress,
            timing_cache=job.timing_cache,
        )
    except ModelError as error:
        channel.fail(MODEL_ERROR, str(error))
        return 1
    except RunnerError as error:
        channel.fail(RUNNER_ERROR, str(error))
        return 1
    except Exception as error:  # noqa: BLE001  (all that anybody hears of it is what is told)
        traceback.print_exc()
        channel.fail(RUNNER_ERROR, f'unexpected {error!r}; please report this')
        return 1
    channel.deliver(plan)
    return 0


if __name__ == '__main__':
    status = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(status)  # some versions crash while they are unloaded
