"""Where files that can be had again are kept, and what tells one file from another."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CACHE_VARIABLE = 'SEG_PERCEPTION_CACHE'
_BLOCK = 1 << 20


def cache_root(chosen: Path | None = None) -> Path:
    """Return the folder of all caches of the package; it need not exist.

    It is the chosen folder, else `SEG_PERCEPTION_CACHE`, else `seg_perception` of the user's cache
    folder (XDG Base Directory Specification 0.8: `XDG_CACHE_HOME` where that is an absolute path,
    else `~/.cache`).
    """
    variable = os.environ.get(CACHE_VARIABLE)
    if chosen is None and variable:
        chosen = Path(variable)
    if chosen is None:
        home = Path(os.environ.get('XDG_CACHE_HOME', ''))
        chosen = (home if home.is_absolute() else Path('~/.cache')) / 'seg_perception'
    return chosen.expanduser().absolute()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hex digits.

    :raises OSError: when the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
