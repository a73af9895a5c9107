"""What a build process tells the one that started it: lines of JSON, and at last the engine.

This end is the builder's; `engine_build` is the other. A line is `{"share": …, "phase": …}`,
`{"error": …, "text": …}` with the kind of error, or `{"bytes": n}`, after which come n bytes and
nothing more.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

PARENT_VARIABLE = 'SEG_PERCEPTION_BUILD_PARENT'
MODEL_ERROR, RUNNER_ERROR = 'model', 'runner'

_PR_SET_PDEATHSIG = 1  # of sys/prctl.h
_NICE = 10
_FIRST_FOR_OOM_KILLER = '1000'
_LEAST_STEP = 0.005


class BuildChannel:
    """Made first of all in a build process: from then on it ends with the process that wants it.

    It gives way to others on the CPU, and is the first to be killed when memory is short. What
    anything prints goes to stderr, so that it cannot get into the engine.
    """

    def __init__(self) -> None:
        parent = int(os.environ[PARENT_VARIABLE])
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before it could be watched
            os._exit(1)
        # Ctrl-C must end it within TensorRT, too, where Python has no say.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.nice(_NICE)
        with suppress(OSError):
            Path('/proc/self/oom_score_adj').write_text(_FIRST_FOR_OOM_KILLER, encoding='ascii')
        self._pipe = os.fdopen(os.dup(1), 'wb')
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._told: tuple[float, str] | None = None

    def progress(self, share: float, phase: str) -> None:
        """Tell how far it is, 0 to 1, and what is being done."""
        if self._told and self._told[1] == phase and share - self._told[0] < _LEAST_STEP:
            return
        self._told = (share, phase)
        self._line(share=round(share, 4), phase=phase)

    def deliver(self, plan: bytes) -> None:
        """Hand over the engine; the last that is told."""
        self._line(bytes=len(plan))
        self._pipe.write(plan)
        self._pipe.close()

    def fail(self, kind: str, reason: str) -> None:
        """Tell why there is no engine; the last that is told.

        :param kind: `MODEL_ERROR` or `RUNNER_ERROR`.
        """
        self._line(error=kind, text=reason)
        self._pipe.close()

    def _line(self, **values: object) -> None:
        self._pipe.write(json.dumps(values).encode() + b'\n')
        self._pipe.flush()
