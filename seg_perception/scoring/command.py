"""score: labels in a recording against the truth in it, as score_node scores them live."""

from __future__ import annotations

import argparse
import heapq
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from seg_perception.core.encodings import ImageError, RawImage, view_image
from seg_perception.core.labels import LabelError
from seg_perception.models.commands.evaluate import print_score
from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.messages import IMAGE, MessageError, deserialize
from seg_perception.replay.storage import BagError, Record
from seg_perception.scoring.pair_scorer import PairScorer, ScoreOptions
from seg_perception.sim.semantic_camera import TRAIN_IDS

_EXAMPLE = """examples:
  seg_perception score drive --truth-table carla
  seg_perception score labels drive --prediction /segmentation/label --html score.html"""


def main(argv: list[str] | None = None) -> int:
    """Run the tool; return 1 on an error, when nothing was scored or `--fail-under` is not met."""
    words = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(words)
    try:
        return _run(options, f'seg_perception score {shlex.join(words)}')
    except (BagError, LabelError, OSError, ValueError) as error:
        print(f'score: {error}', file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    defaults = ScoreOptions()
    parser = argparse.ArgumentParser(
        prog='seg_perception score',
        description=__doc__,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('bags', nargs='+', type=Path, metavar='BAG', help='recordings; topics may be in any')
    add('--prediction', default='', metavar='TOPIC', help='labels (the only topic …/label)')
    add('--truth', default='', metavar='TOPIC', help='truth (the only topic …/truth/label)')
    add('--truth-table', default=TRAIN_IDS, help=f'name in config/truth or path ({TRAIN_IDS})')
    add('--truth-pixels', default='value', choices=('value', 'color'), help='what they hold')
    add('--label-set', default=defaults.label_set, help=f'default: {defaults.label_set}')
    add('--grouping', default='', help='merge labels first: a name in config/labels or a path')
    add('--wait', type=int, default=defaults.wait, help=f'images that may wait ({defaults.wait})')
    results = parser.add_argument_group('results')
    results.add_argument('--json', type=Path, metavar='OUT', help='write the score there')
    results.add_argument('--html', type=Path, metavar='OUT', help='write a page for people there')
    results.add_argument('--worst', type=int, default=defaults.worst, help='frames on the page (6)')
    results.add_argument('--model', default='', metavar='NAME', help='of the model, for the page')
    results.add_argument('--fail-under', type=float, metavar='MIOU', help='end with 1 below it')
    return parser


def _run(options: argparse.Namespace, command: str) -> int:
    for name, least in (('wait', 1), ('worst', 0)):
        if getattr(options, name) < least:
            raise ValueError(f'--{name}: expected {least} or more, got {getattr(options, name)}')
    scorer = PairScorer(
        ScoreOptions(
            label_set=options.label_set,
            grouping=options.grouping,
            truth=options.truth_table,
            truth_pixels=options.truth_pixels,
            wait=options.wait,
            worst=options.worst if options.html else 0,
        )
    )
    bags = [BagReader(path) for path in options.bags]
    prediction, truth = _topics(bags, options.prediction, options.truth)
    _score(scorer, bags, prediction, truth)
    scorer.finish()
    for loss in (loss for bag in bags for loss in bag.losses):
        print(f'score: damaged recording: {loss}', file=sys.stderr)
    counts = scorer.counts
    if not counts['matched']:
        raise ValueError(
            f'expected images of the same stamp on {prediction} and {truth}, got none; '
            + ', '.join(f'{name} {count}' for name, count in counts.items() if count)
        )
    score = scorer.score()
    print_score(score)
    print(', '.join(f'{name} {count}' for name, count in counts.items() if count))
    report = scorer.report(
        prediction=prediction,
        truth=truth,
        dataset=' '.join(str(path) for path in options.bags),
        command=command,
        model=options.model,
    )
    scorer.write(report, options.json, options.html)
    if options.fail_under is not None and not score.miou >= options.fail_under:
        print(f'score: mIoU {score.miou:.4f} is under {options.fail_under:g}', file=sys.stderr)
        return 1
    return 0


def _topics(bags: Sequence[BagReader], prediction: str, truth: str) -> tuple[str, str]:
    """Return the topics that were asked for, or the only ones that look like it."""
    images = sorted({t.name for bag in bags for t in bag.topics if t.type == IMAGE})
    true = [name for name in images if name.endswith('/truth/label')]
    labels = [name for name in images if name.endswith('/label') and name not in true]
    found = []
    for option, given, likely in (('prediction', prediction, labels), ('truth', truth, true)):
        if (given and given not in images) or (not given and len(likely) != 1):
            expected = given or 'one topic that looks like it'
            raise ValueError(
                f'--{option}: expected {expected}, got images on {", ".join(images) or "no topic"}'
            )
        found.append(given or likely[0])
    return found[0], found[1]


def _score(scorer: PairScorer, bags: Sequence[BagReader], prediction: str, truth: str) -> None:
    topics = {prediction, truth}
    total = sum(bag.counts.get(topic, 0) for bag in bags for topic in topics)
    # In the order of recording over all bags, so that few images wait for others.
    records = heapq.merge(*(bag.records(topics) for bag in bags), key=lambda record: record.time)
    for record in tqdm(records, total=total or None, unit='image', desc='scoring', disable=None):
        add = scorer.add_prediction if record.topic.name == prediction else scorer.add_truth
        try:
            add(*_image(record))
        except (ImageError, MessageError) as error:
            tqdm.write(f'score: {record.topic.name}: {error}', file=sys.stderr)


def _image(record: Record) -> tuple[int, RawImage]:
    message = deserialize(record)
    stamp = message.header.stamp
    return stamp.sec * 10**9 + stamp.nanosec, view_image(
        encoding=message.encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
        data=message.data,
    )
