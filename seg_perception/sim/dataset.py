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

    Files are `leftImg8bit/<split>/<scene>/<name>_leftImg8bit.<format>` and
    `gtFine/<split>/<scene>/<name>_gtFine_labelIds.png` with the labelIds of Cityscapes.

    :raises DatasetError: when the split is there already or a file cannot be written.
    """
    folders = [out / kind / split for kind in ('leftImg8bit', 'gtFine')]
    for folder in folders:
        if folder.exists() and any(folder.iterdir()):
            raise DatasetError(
                f'{folder} is not empty; give another --out or --split, or remove it'
            )
    ids = load_label_set().train_id_to_id()
    for number in tqdm(range(frames), desc=f'scene {split}', unit='frame', disable=None):
        index, step = divmod(number, FRAMES_PER_SCENE)
        if step == 0:
            scene_seed = seed * 100_000 + index
            scene = Scene(scene_seed, *size)
            name = f'scene{scene_seed:07d}'
            rng = np.random.default_rng((scene_seed, 9))
        frame = scene.frame(round(float(rng.uniform(0, 60)), 3))
        stem = f'{name}_{step:06d}_000019'
        for folder, suffix, image in (
            (folders[0] / name, f'_leftImg8bit.{image_format}', frame.bgr),
            (folders[1] / name, '_gtFine_labelIds.png', ids[frame.label]),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f'{stem}{suffix}'
            if not cv2.imwrite(str(path), image):
                raise DatasetError(f'cannot write {path}; is there room on the disk?')


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='scene_dataset',
        description='Render frames of the made-up street with exact truth, Cityscapes layout.',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    parser.add_argument('--frames', type=int, default=1000, help='how many (default 1000)')
    parser.add_argument('--width', type=int, default=512, help='pixels (default 512)')
    parser.add_argument('--height', type=int, default=288, help='pixels (default 288)')
    parser.add_argument(
        '--seed', type=int, default=0, help='other seeds give other streets (default 0)'
    )
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
