"""What the commands that measure the node over DDS have in common."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from seg_perception.benchmark.commands.shared import add_output, at_least, image_size
from seg_perception.benchmark.live import Load
from seg_perception.resources import bundled_model
from seg_perception.ros.load_protocol import ENCODINGS

NULL = 'null'
BUNDLED = 'bundled'


def add_load(parser: argparse.ArgumentParser, load: Load, *, model: str) -> None:
    """Add the options of a node under a load; both given are defaults."""
    add = parser.add_argument
    add(
        '--model',
        default=model,
        help=f'a file, {BUNDLED}, or {NULL}: one that costs next to nothing ({model})',
    )
    add_images(parser, load)
    add('--best-effort', action='store_true', help='cameras offer best effort (reliable)')
    add(
        '-p',
        type=_parameter,
        action='append',
        default=[],
        dest='parameters',
        metavar='NAME:=VALUE',
        help='set a parameter of the node',
    )
    add('--threads', type=at_least(int, 0), default=0, help='of the runtime; 0: one a core (0)')
    add_output(parser)


def add_images(parser: argparse.ArgumentParser, load: Load) -> None:
    """Add the options that tell what a camera sends."""
    add = parser.add_argument
    size = f'{load.width}x{load.height}'
    add(
        '--size', type=image_size, default=(load.width, load.height), help=f'of the images ({size})'
    )
    add('--encoding', choices=ENCODINGS, default=load.encoding, help=f'({load.encoding})')
    add(
        '--rate',
        type=at_least(float, 0.1),
        default=load.rate,
        help=f'Hz of a camera ({load.rate:g})',
    )
    add('--logs', type=Path, metavar='DIR', help='keep the logs of all processes there')


def load_of(options: argparse.Namespace, cameras: int = 1) -> Load:
    """Return the load that was asked for."""
    width, height = options.size
    return Load(
        cameras=cameras,
        width=width,
        height=height,
        encoding=options.encoding,
        rate=options.rate,
        reliable=not getattr(options, 'best_effort', False),
    )


def parameters_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the node that were asked for."""
    return {'threads': options.threads, **dict(options.parameters)}


@contextmanager
def workplace(options: argparse.Namespace) -> Iterator[Path]:
    """Yield a folder for logs and models, which stays if it was asked for."""
    if options.logs:
        options.logs.mkdir(parents=True, exist_ok=True)
        yield options.logs
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def model_file(name: str, folder: Path) -> Path:
    """Return the model file that `--model` names; the null model is written into the folder.

    :raises FileNotFoundError: when there is no such file.
    """
    if name == NULL:
        from seg_perception.benchmark.null_model import write_null_model

        return write_null_model(folder / 'null.onnx')
    path = bundled_model() if name == BUNDLED else Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'--model {name}: no such file; name one, {BUNDLED} or {NULL}')
    return path.absolute()


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition(':=')
    if not (name and separator):
        raise argparse.ArgumentTypeError(f'expected NAME:=VALUE, got {text!r}')
    return name, yaml.safe_load(value)
