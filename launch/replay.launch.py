"""Play a recording through the live node: `ros2 launch seg_perception replay.launch.py bag:=…`."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from seg_perception.large_images import large_image_environment

# Name, default, description.
ARGUMENTS = (
    ('bag', '', 'The recording: a folder of rosbag2, one of its files, a ROS 1 bag.'),
    ('image', 'image', 'Topic of the images in the recording.'),
    ('camera_info', 'camera_info', 'Topic of their calibration; need not exist.'),
    ('transport', '', 'raw, compressed, or empty: what the recording has.'),
    ('record', '', 'Folder to record outputs in; empty: none.'),
    ('outputs', 'label confidence report', 'Which outputs of the node to record.'),
    ('params_file', '', 'Parameter file of the node; empty: the defaults of the package.'),
    ('model', '', 'Model file; empty: as in params_file.'),
    ('backend', '', 'Inference runtime; empty: as in params_file.'),
)

# Parameters of the player: name, type, default, description.
PLAYER = (
    ('rate', float, '1.0', 'Seconds of the recording in a second.'),
    ('loop', bool, 'false', 'Begin again at the end.'),
    ('start_offset', float, '0.0', 'Begin so many seconds after the beginning.'),
    ('start_paused', bool, 'false', 'Wait for the service /bag_player/resume.'),
    ('topics', str, '', 'Topics to play, with spaces between; empty: all.'),
)


def generate_launch_description() -> LaunchDescription:
    """Return node, player and recorder; all end with the recording."""
    arguments = [*ARGUMENTS, *((name, default, text) for name, _, default, text in PLAYER)]
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in arguments
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    passed = ('image', 'camera_info', 'transport', 'params_file', 'model', 'backend')
    segmentation = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('segmentation.launch.py'))),
        launch_arguments={
            'use_sim_time': 'true',
            **{name: given[name] for name in passed},
        }.items(),
    )
    outputs = given['outputs'].split() if given['record'] else []
    recorded = [f'segmentation/{name}' for name in outputs]
    player = _node(
        'bag_player',
        {
            'bag': given['bag'],
            'wait_for': ' '.join([given['image'], *recorded]),
            **{
                name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                for name, kind, *_ in PLAYER
            },
        },
    )
    if not recorded:
        return [segmentation, player]
    parameters = {'output': given['record'], 'topics': ' '.join(recorded), 'use_sim_time': True}
    return [segmentation, _node('bag_recorder', parameters), player]


def _node(tool: str, parameters: dict[str, object]) -> Node:
    return Node(
        package='seg_perception',
        executable=tool,
        name=tool,
        parameters=[parameters],
        additional_env=large_image_environment(),
        output='screen',
        on_exit=_end_all,
        sigterm_timeout='60',  # the recorder finishes its file
    )


def _end_all(event: ProcessExited, context: LaunchContext) -> list[Shutdown]:
    # A second shutdown on the way down would end with an error of launch_ros.
    return [] if context.is_shutdown else [Shutdown(reason=f'{event.process_name} has ended')]
