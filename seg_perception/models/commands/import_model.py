"""`model import`: a contract file from a published checkpoint or a foreign ONNX file."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seg_perception.core.labels import LabelSet, load_label_set
from seg_perception.files import sha256_of
from seg_perception.models.catalogue.catalogue import Entry, entry_of_sha256, locate
from seg_perception.models.commands.shared import (
    Commands,
    add_cache,
    add_command,
    add_label_stride,
)
from seg_perception.models.dataset import Image

if TYPE_CHECKING:
    from seg_perception.models.checkpoints.source import Credit, Identified, Overrides

_SIZE, _MIN_SIDE = (1024, 512), 16
_STREETS = 3


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'import',
        'turn a published checkpoint or a foreign ONNX file into a contract file',
        'pspnet_r18_d8_512x1024_80k --output r18.onnx --width 1024 --height 512',
    )
    add = parser.add_argument
    add('source', metavar='FILE', help='.pth, .pt, .safetensors, .onnx, or a fetched model by name')
    add('--output', type=Path, required=True, metavar='MODEL.onnx')
    add('--width', type=int, help="of the network's input (1024; of an ONNX file its own)")
    add('--height', type=int, help="of the network's input (512; of an ONNX file its own)")
    add_label_stride(parser)
    add('--label-set', default='cityscapes', help='a name in config/labels or a path (cityscapes)')
    add_cache(parser)
    add('--align-corners', choices=('true', 'false'), help='where the file does not tell')
    words = parser.add_argument_group('what the contract file says of itself')
    words.add_argument('--name', help="default: the output's")
    words.add_argument('--trained-on', help='the data, in words')
    words.add_argument('--weights-license')
    words.add_argument('--data-license')
    words.add_argument('--source-url', help='where the file came from')
    _add_checkpoint(parser.add_argument_group('checkpoints'))
    _add_foreign(parser.add_argument_group('foreign ONNX files'))


def _add_checkpoint(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add('--output-stride', type=int, choices=(8, 32), help='where the file does not tell')
    add('--dilation', choices=('contracted', 'full'), help='where the file does not tell')
    add(
        '--trust',
        action='store_true',
        help='read a pickle with whatever it asks for: THIS RUNS THE PROGRAMS IN IT as you',
    )
    add(
        '--no-fold',
        action='store_true',
        help='keep the network as trained, where an equal one with less work is written by default',
    )
    add(
        '--check-on',
        type=Path,
        metavar='DIR',
        help='pictures to compare torch and the file on (frames of a made-up street, and noise)',
    )
    add('--check-frames', type=int, default=4, help='how many (4)')


def _add_foreign(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    for name in ('mean', 'std'):
        text = f'{name} of values 0 to 255, in the order in which the network takes its channels'
        add(f'--{name}', type=float, nargs=3, metavar='X', help=text)
    add('--channel-order', choices=('rgb', 'bgr'))
    add('--layout', choices=('nchw', 'nhwc'), help='where the file does not tell')
    add('--logits', default='', metavar='TENSOR', help='default: the only output')
    add('--architecture', help='in words')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    path = locate(options.source, options.cache)
    labels = load_label_set(options.label_set)
    if path.suffix.lower() == '.onnx':
        return _import_foreign(options, path, labels)
    return _import_checkpoint(options, path, labels)


def _import_checkpoint(options: argparse.Namespace, path: Path, labels: LabelSet) -> int:
    from seg_perception.models.checkpoints.convert import About, check_labels, convert
    from seg_perception.models.checkpoints.detect import load_network
    from seg_perception.models.checkpoints.source import Credit

    size = (options.width or _SIZE[0], options.height or _SIZE[1])
    if min(size) < _MIN_SIDE:
        raise ValueError(f'expected sides of at least {_MIN_SIDE}, got {size[0]}x{size[1]}')
    images = _images(options, size)
    if options.trust:
        warning = f'warning: --trust runs whatever programs {path} holds, with your rights'
        print(warning, file=sys.stderr)
    digest = sha256_of(path)
    entry = entry_of_sha256(digest)
    network, identified = load_network(path, _overrides(options, entry), trust=options.trust)
    check_labels(path, identified, labels)
    _tell(path, identified)
    known = identified.credit
    if entry:
        known = Credit(entry.source.trained_on, entry.source.license, entry.source.data)
    about = About(
        name=options.name or options.output.stem,
        size=size,
        labels=labels,
        credit=_credit(options, known),
        source_url=options.source_url or (entry.url if entry else ''),
        source_sha256=digest,
        label_stride=options.label_stride,
    )
    print(f'writing {options.output} ({size[0]}x{size[1]})')
    share = convert(network, about, options.output, images, fold=not options.no_fold)
    print(f'torch and {options.output} give the same label on {share:.6%} of {len(images)} frames')
    if entry and entry.miou is not None:
        print(
            f'{entry.name} is published with {entry.miou:.2f} % ({entry.measured_on}); what this '
            'file reaches at its size, `model evaluate --record` measures'
        )
    return 0


def _import_foreign(options: argparse.Namespace, path: Path, labels: LabelSet) -> int:
    from seg_perception.models.checkpoints.source import Credit
    from seg_perception.models.export.foreign import About, Preparation, wrap

    needed = ('mean', 'std', 'channel_order', 'align_corners', 'architecture')
    _require(path, {field: getattr(options, field) for field in needed})
    credit = _credit(options, Credit())
    preparation = Preparation(
        mean=tuple(options.mean),
        std=tuple(options.std),
        channel_order=options.channel_order,
        align_corners=options.align_corners == 'true',
        width=options.width,
        height=options.height,
        layout=options.layout,
        output=options.logits,
    )
    about = About(
        name=options.name or options.output.stem,
        architecture=options.architecture,
        trained_on=credit.trained_on,
        weights_license=credit.weights_license,
        data_license=credit.data_license,
        source_url=options.source_url or '',
        label_stride=options.label_stride,
    )
    contract, proof = wrap(path, options.output, preparation, labels, about)
    print(
        f'{options.output} ({contract.width}x{contract.height}) gives {proof.same_labels:.6%} of '
        f'the pixels the label of {path}; logits differ by {proof.deviation:.1g} of the largest'
    )
    return 0


def _overrides(options: argparse.Namespace, entry: Entry | None) -> Overrides:
    """Return what the user says, and where silent what the catalogue knows of this very file."""
    from seg_perception.models.checkpoints.source import Overrides
    from seg_perception.models.networks.architecture import architecture

    align = None if options.align_corners is None else options.align_corners == 'true'
    said = Overrides(align, options.output_stride, options.dilation)
    if entry is None:
        return said
    published = architecture(entry.architecture)
    return Overrides(
        published.align_corners if align is None else align,
        said.output_stride or published.backbone_stride,
        said.dilation or published.dilation,
    )


def _tell(path: Path, identified: Identified) -> None:
    found = identified.architecture
    order = 'BGR, turned to RGB' if identified.bgr else 'RGB'
    rows = {
        'source': identified.source,
        'architecture': found.name,
        'backbone': found.backbone,
        'stem': '-'.join(map(str, found.stem)) or '-',
        'stride': str(found.backbone_stride),
        'dilation': found.dilation,
        'align_corners': str(found.align_corners).lower(),
        'input': f'{order}, mean {found.mean}, std {found.std}',
        'classes': str(identified.classes),
    }
    if identified.left_out:
        rows['left out'] = f'{len(identified.left_out)} tensors, the first {identified.left_out[0]}'
    print(path)
    for key, text in rows.items():
        print(f'  {key:14} {text}')


def _credit(options: argparse.Namespace, known: Credit) -> Credit:
    """Return what the user says, and where silent what is known."""
    words = {
        field.name: getattr(options, field.name) or getattr(known, field.name)
        for field in fields(known)
    }
    _require(options.source, words)
    return type(known)(**words)


def _require(source: object, words: dict[str, object]) -> None:
    missing = [f'--{name.replace("_", "-")}' for name, value in words.items() if not value]
    if missing:
        raise ValueError(f'{source} does not tell enough of itself; add {", ".join(missing)}')


def _images(options: argparse.Namespace, size: tuple[int, int]) -> list[Image]:
    """Return pictures to compare on, BGR: the user's, else frames of a made-up street and noise."""
    from seg_perception.models.export.calibration import Pictures
    from seg_perception.sim.scene import Scene

    count: int = options.check_frames
    if options.check_on:
        pictures = Pictures(options.check_on, size, 'val', count)
        return [np.ascontiguousarray(rgb[..., ::-1]) for rgb in pictures]
    if count < 1:
        raise ValueError(f'--check-frames: expected 1 or more, got {count}')
    streets = [Scene(seed, *size).frame(0.0).bgr for seed in range(min(_STREETS, count - 1))]
    random = np.random.default_rng(0)
    shape = (size[1], size[0], 3)
    noise = [random.integers(0, 256, shape, np.uint8) for _ in range(count - len(streets))]
    return streets + noise
