"""A builder that needs nothing but time: it delivers a file, telling how far it is.

`python3 -m test.inference.slow_builder JSON` with `file`, `seconds`, and what is to go wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from seg_perception.inference.build_channel import MODEL_ERROR, RUNNER_ERROR, BuildChannel

STEPS = 10


def slow_build(file: Path, seconds: float = 0.0, **wrong: Any) -> list[str]:
    """Return the command; `wrong` may have log, kill (a signal), model, runner, status."""
    from seg_perception.inference.engine_build import python_command  # the process starts faster

    values = {'file': str(file), 'seconds': seconds, **wrong}
    return python_command('test.inference.slow_builder', json.dumps(values))


def main(job: dict[str, Any]) -> int:
    channel = BuildChannel()
    if log := job.get('log'):
        with Path(log).open('a') as lines:
            lines.write(f'{os.getpid()}\n')
    for step in range(STEPS):
        channel.progress(step / STEPS, 'building')
        print('a runtime that prints what it likes')
        time.sleep(job['seconds'] / STEPS)
        if step == STEPS // 2 and (number := job.get('kill')):
            os.kill(os.getpid(), signal.Signals(number))
    for kind in (MODEL_ERROR, RUNNER_ERROR):
        if reason := job.get(kind):
            channel.fail(kind, reason)
            return 1
    if 'status' in job:
        print('the last words', file=sys.stderr)
        return int(job['status'])
    channel.progress(1.0, 'done')
    channel.deliver(Path(job['file']).read_bytes())
    return 0


if __name__ == '__main__':
    sys.exit(main(json.loads(sys.argv[1])))
