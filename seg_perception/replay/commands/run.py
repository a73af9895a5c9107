"""`replay run`: segment a recording, a folder of images or a video, as the node would."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.core.products import PRODUCTS
from seg_perception.core.view import GEOMETRIES
from seg_perception.inference.choice import BACKENDS
from seg_perception.replay.commands.shared import Commands, add_command, command_text
from seg_perception.replay.outputs import DEFAULT_OUTPUTS, OUTPUTS
from seg_perception.replay.parameters import NAMES, read_parameters

_CHOICES = {'backend': BACKENDS, 'geometry': GEOMETRIES, 'precision': ('model', 'tf32')}


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'run',
        'segment a recording, a folder of images or a video, without a graph',
        'drive.mcap --output run --topic /front/image_raw --model net.onnx',
    )
    add = parser.add_argument
    add('input', type=Path, metavar='INPUT', help='rosbag2 or ROS 1 recording, folder or video')
    add(
        '--output',
        type=Path,
        required=True,
        metavar='RUN',
        help='folder for the outputs, itself a recording; a run that was killed goes on there',
    )
    frames = parser.add_argument_group('frames')
    frames.add_argument(
        '--topic',
        action='append',
        default=[],
        metavar='PATTERN',
        help='of the images (the only one); repeat it, or use * and ?, for several cameras',
    )
    frames.add_argument(
        '--from', type=float, default=0.0, metavar='S', help='after the first frame'
    )
    frames.add_argument('--to', type=float, metavar='S', help='after the first frame')
    frames.add_argument('--every', type=int, default=1, metavar='N', help='each N-th frame (1)')
    frames.add_argument('--rate', type=float, default=10.0, help='of a folder of images, Hz (10)')
    add(
        '--outputs',
        nargs='+',
        choices=OUTPUTS,
        default=list(DEFAULT_OUTPUTS),
        metavar='NAME',
        help=f'of {", ".join(PRODUCTS)}, color/compressed, overlay/compressed '
        f'({" ".join(DEFAULT_OUTPUTS)}); camera_info and report are always there',
    )
    group = parser.add_argument_group(
        'parameters of the node', 'their meanings and defaults: config/segmentation.param.yaml'
    )
    group.add_argument(
        '--params-file', type=Path, help='of the node; what is given here goes first'
    )
    for name in NAMES:
        group.add_argument(f'--{name.replace("_", "-")}', choices=_CHOICES.get(name))


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.replay.run import Selection, run

    given = {name: value for name in NAMES if (value := getattr(options, name)) is not None}
    made = run(
        options.input,
        options.output,
        read_parameters(options.params_file, given),
        Selection(
            tuple(options.topic), getattr(options, 'from'), options.to, options.every, options.rate
        ),
        wanted=options.outputs,
        command=command_text(),
    )
    state = made.about['state']
    for camera, counts in state['counts'].items():
        bad = counts.get('dropped_bad', 0)
        lost = f', {bad} of them could not be used' if bad else ''
        print(f'{camera}: {counts["frames_in"]} frames{lost}')
    for loss in made.about['losses']:
        print(f'lost: {loss}')
    rate = state['taken'] / max(state['seconds'], 1e-9)
    print(f'{made.about["backend"]}, {rate:.1f} frames/s; written to {options.output}')
    return 0
