"""Fetch the server's file in a process of its own: URL FOLDER [largest file in bytes]."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from seg_perception.models.catalogue.fetch import Options, fetch
from seg_perception.models.catalogue.transfer import FetchError
from test.models.catalogue.conftest import entry_at

if __name__ == '__main__':
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    try:
        print(fetch(entry_at(sys.argv[1]), Path(sys.argv[2]), Options(backoff=0.01)))
    except FetchError as error:
        sys.exit(str(error))
