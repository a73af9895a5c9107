"""The tool `scene_dataset`: scene frames and their truth as a Cityscapes-layout folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from seg_perception.core.labels import load_label_set
from seg_perception.sim.scene import Scene

FRAMES_PER_SCENE = 4
"""Every so many frames the street, its light and its camera change."""

_SCENES_PER_SEED = 100_000
_LONGEST_MS = 60_000


class DatasetError(ValueError):
    """The folder cannot be written as asked."""


def write_dataset(
    out: Path,
    *,
    frames: int,
    size: tuple[int, int],
    seed: int = 0,
    split: str = 'train',
    image_format: str = 'png',
) -> None:
    """Write frames of `size` (width, height) below `out`.

    Files are `leftImg8bit/<split>/<scene>/<stem>_leftImg8bit.<image_format>` and
    `gtFine/<split>/<scene>/<stem>_gtFine_labelIds.png` with the labelIds of Cityscapes; a stem is
    `<scene>_<time in ms>_<number>`, a scene `scene<its seed>`.

    :raises DatasetError: when an argument makes no sense, the split is there already or a file
        cannot be written.
    :raises ValueError: when there is no scene of that size.
    """
    if frames < 1:
        raise DatasetError(f'a dataset needs at least 1 frame, got {frames}')
    if seed < 0:
        raise DatasetError(f'a dataset needs a seed of 0 or more, got {seed}')
    if Path(split).name != split:
        raise DatasetError(f'the split must be a plain name, got {split!r}')
    image_folder, label_folder = out / 'leftImg8bit' / split, out / 'gtFine' / split
    for folder in (image_folder, label_folder):
        if folder.exists() and any(folder.iterdir()):
            raise DatasetError(f'{folder} is not empty; give another --out or --split')
    ids = load_label_set().train_id_to_id()
    with tqdm(total=frames, desc=f'scene {split}', unit='frame', disable=None) as progress:
        for first in range(0, frames, FRAMES_PER_SCENE):
            scene_seed = seed * _SCENES_PER_SEED + first // FRAMES_PER_SCENE
            scene, name = Scene(scene_seed, *size), f'scene{scene_seed:07d}'
            times = np.random.default_rng((scene_seed, 9)).choice(
                _LONGEST_MS, FRAMES_PER_SCENE, replace=False
            )
            for number in range(first, min(first + FRAMES_PER_SCENE, frames)):
                time_ms = int(times[number - first])
                frame = scene.frame(time_ms / 1000)
                stem = f'{name}_{time_ms:06d}_{number:06d}'
                _write(image_folder / name / f'{stem}_leftImg8bit.{image_format}', frame.bgr)
                _write(label_folder / name / f'{stem}_gtFine_labelIds.png', ids[frame.label])
                progress.update()


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise DatasetError(f'cannot write {path}; is there room on the disk?')


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(
        description='Render frames of the made-up street with exact truth, in Cityscapes layout.'
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    parser.add_argument('--frames', type=int, default=1000, help='how many (default 1000)')
    parser.add_argument('--width', type=int, default=512, help='pixels (default 512)')
    parser.add_argument('--height', type=int, default=288, help='pixels (default 288)')
    parser.add_argument('--seed', type=int, default=0, help='for other streets (default 0)')
    parser.add_argument('--split', default='train', help='name of the split (default train)')
    parser.add_argument('--format', choices=('png', 'jpg'), default='png', help='of the images')
    options = parser.parse_args(argv)
    try:
        write_dataset(
            options.out,
            frames=options.frames,
            size=(options.width, options.height),
            seed=options.seed,
            split=options.split,
            image_format=options.format,
        )
    except (ValueError, OSError) as error:
        print(f'scene_dataset: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
