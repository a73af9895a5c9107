"""score_node: labels against the truth of a simulator, live: mIoU, precision and recall."""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.time import Time
from sensor_msgs.msg import Image

from seg_perception.core.encodings import ImageError
from seg_perception.core.labels import LabelError
from seg_perception.msg import FrameReport
from seg_perception.msg import Score as ScoreMessage
from seg_perception.ros import qos
from seg_perception.ros.camera_input import decode
from seg_perception.ros.discovery import Discovery
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, ros_process
from seg_perception.ros.score_status import ScoreState, to_status
from seg_perception.ros.tool_parameters import declare, usage
from seg_perception.scoring.pair_scorer import PairScorer, ScoredPair, ScoreOptions

PARAMETERS: dict[Rule, Value] = {
    Rule('label_set', str, 'Of the predictions: a name in config/labels or a path.'): 'cityscapes',
    Rule('grouping', str, 'Merge labels first: a name in config/labels or a path; empty: no.'): '',
    Rule('truth', str, 'What the truth means: train_ids, a name in config/truth, a path.'): (
        'train_ids'
    ),
    Rule(
        'truth_pixels',
        str,
        "Whether the truth's pixels hold numbers or each number's colour.",
        choices=('value', 'color'),
    ): 'value',
    Rule(
        'wait', int, 'Images of each topic that wait for the other of their stamp.', low=1, high=999
    ): 32,
    Rule('output', str, 'Folder for score.json and score.html at the end; empty: none.'): '',
    Rule('worst', int, 'Worst frames on the page.', low=0, high=100): 6,
    Rule('frames', int, 'End after so many pairs; 0: never.', low=0, high=999_999_999): 0,
}

PREDICTION, TRUTH, REPORT = 'prediction', 'truth', 'report'

_DEPTH = 10
_PERIOD_S = 1.0


class ScoreNode(Node):
    """Subscribes to `prediction`, `truth` and `report`; publishes ~/score for every pair.

    :raises ParameterError, LabelError, OSError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('score')
        values = declare(self, PARAMETERS)
        self._output = Path(values['output']) if values['output'] else None
        self._frames = values['frames']
        if self._output is not None:
            self._output.mkdir(parents=True, exist_ok=True)
        self._scorer = PairScorer(
            ScoreOptions(
                label_set=values['label_set'],
                grouping=values['grouping'],
                truth=values['truth'],
                truth_pixels=values['truth_pixels'],
                wait=values['wait'],
                worst=values['worst'] if self._output is not None else 0,
            )
        )
        self._model = self._backend = ''
        self._newest: dict[str, int] = {}
        self._complaint = ''
        self._told: ScoreState | None = None
        self._status_name = f'{self.get_fully_qualified_name().lstrip("/")}: score'
        self._publisher = self.create_publisher(ScoreMessage, '~/score', qos.RESULT)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self._topics = {name: self.resolve_topic_name(name) for name in (PREDICTION, TRUTH)}
        self._discovery = Discovery(self, self._topics.values(), self._listen, _DEPTH)
        self.create_subscription(FrameReport, REPORT, self._on_report, qos.RESULT)
        # On a steady clock: simulated time may stand still.
        self.create_timer(_PERIOD_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def done(self) -> bool:
        """Whether `frames` pairs were scored."""
        return bool(self._frames) and self._scorer.counts['matched'] >= self._frames

    def close(self) -> None:
        """Tell the last state and write the files.

        :raises OSError: when a file cannot be written.
        """
        self._tell()
        self._scorer.finish()
        score = self._scorer.score()
        counts = ', '.join(f'{name} {count}' for name, count in self._scorer.counts.items())
        self.get_logger().info(f'mIoU {score.miou:.4f} of {score.frames} frames; {counts}')
        if self._output is not None:
            report = self._scorer.report(
                prediction=self._topics[PREDICTION],
                truth=self._topics[TRUTH],
                dataset='live graph',
                command='score_node',
                model=self._model,
                backend=self._backend,
            )
            self._scorer.write(report, self._output / 'score.json', self._output / 'score.html')
            self.get_logger().info(f'score in {self._output / "score.html"}')

    def _listen(self, topic: str, kind: str, profile: QoSProfile) -> None:
        for name in (name for name, known in self._topics.items() if known == topic):
            self.create_subscription(Image, topic, partial(self._on_image, name), profile)

    def _on_report(self, report: FrameReport) -> None:
        self._model, self._backend = report.model, report.backend

    def _on_image(self, name: str, message: Image) -> None:
        add = {PREDICTION: self._scorer.add_prediction, TRUTH: self._scorer.add_truth}[name]
        self._newest[name] = stamp = int(Time.from_msg(message.header.stamp).nanoseconds)
        try:
            pair = add(stamp, decode(message))
        except ImageError as error:
            self._complaint = f'{name}: {error}'
            self.get_logger().error(self._complaint, throttle_duration_sec=10.0)
            return
        if pair is not None:
            self._publish(message, pair)

    def _publish(self, message: Image, pair: ScoredPair) -> None:
        score = self._scorer.score()
        groups = score.groups.values()
        self._publisher.publish(
            ScoreMessage(
                header=message.header,
                frames=score.frames,
                miou=score.miou,
                frame_miou=_number(pair.miou),
                pixel_accuracy=score.pixel_accuracy,
                class_names=list(score.class_iou),
                class_iou=[_number(iou) for iou in score.class_iou.values()],
                group_names=list(score.groups),
                group_precision=[_number(group.precision) for group in groups],
                group_recall=[_number(group.recall) for group in groups],
            )
        )

    def _tell(self) -> None:
        topics = self._topics.items()
        state = ScoreState(
            topics=self._topics,
            publishers={name: self.count_publishers(topic) for name, topic in topics},
            newest=dict(self._newest),
            counts=self._scorer.counts,
            score=self._scorer.score(),
            complaint=self._complaint,
        )
        array = DiagnosticArray(status=[to_status(self._status_name, state, self._told)])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
        self._told = state


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def main(argv: list[str] | None = None) -> int:
    """Score until `frames`, SIGINT or SIGTERM; return 1 on an error or if nothing was scored."""
    if {'-h', '--help'} & set(argv or ()):
        print(usage('score_node', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(argv) as process:
            node = ScoreNode()
            process.executor.add_node(node)
            while not (process.stop.is_set() or node.done):
                process.executor.spin_once(timeout_sec=0.1)
            node.close()
    except (ArgumentsError, ParameterError, LabelError, OSError) as error:
        print(f'score_node: {error}', file=sys.stderr)
        return 1
    return 0
