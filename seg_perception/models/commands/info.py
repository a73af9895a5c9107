"""`model info`: what a contract file says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.inference.choice import read_contract
from seg_perception.models.commands.shared import Commands, add_command
from seg_perception.resources import bundled_model


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, 'info', 'print what a model file says of itself', 'MODEL.onnx')
    parser.add_argument('file', nargs='?', type=Path, help='default: the bundled model')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    contract = read_contract(options.file or bundled_model())
    batch = 'N' if contract.batch is None else contract.batch
    logits_width, logits_height = contract.logits_size
    rows = {
        'name': contract.name,
        'architecture': contract.architecture,
        'input': f'image uint8 [{batch}, {contract.height}, {contract.width}, 3] RGB',
        'output': (
            f'logits float [{batch}, {len(contract.labels)}, {logits_height}, {logits_width}], '
            f'stride {contract.stride}, align_corners {str(contract.align_corners).lower()}'
        ),
        'labels at': 'x'.join(map(str, contract.label_size)),
        'label set': f'{contract.label_set}: {", ".join(label.name for label in contract.labels)}',
        'trained on': contract.trained_on,
        'licence': f'weights: {contract.weights_license}; data: {contract.data_license}',
        'precision': contract.precision,
        'source': contract.source_url or '-',
        'source sha256': contract.source_sha256 or '-',
        'date': contract.date,
    }
    for name, value in rows.items():
        print(f'{name:14} {value}')
    for accuracy in contract.accuracy:
        print(f'{"mIoU":14} {accuracy.miou:.4f} on {accuracy.dataset}')
        print(f'{"":14} $ {accuracy.command}')
    for key, value in contract.derived_from.items():
        print(f'{"derived from":14} {key}: {value}')
    return 0
