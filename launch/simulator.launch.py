"""Segment and score a simulator's camera: `ros2 launch seg_perception simulator.launch.py`."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from seg_perception.large_images import large_image_environment
from seg_perception.resources import config_file

# Name; its topics of images, calibration and truth (empty: there is none); its usual cameras.
SIMULATORS = (
    (
        'carla',
        '/carla/{role_name}/{camera}/image',
        '/carla/{role_name}/{camera}/camera_info',
        '/carla/{role_name}/{truth_camera}/image',
        'rgb_front',
        'semantic_segmentation_front',
    ),
    (
        'awsim',
        '/sensing/camera/{camera}/image_raw',
        '/sensing/camera/{camera}/camera_info',
        '',
        'traffic_light',
        '',
    ),
    (
        'gazebo',
        '/{camera}/image',
        '/{camera}/camera_info',
        '/{truth_camera}/labels_map',
        'camera',
        'segmentation',
    ),
)

# Name, default, description.
ARGUMENTS = (
    ('simulator', 'carla', 'carla, awsim or gazebo.'),
    ('role_name', 'ego_vehicle', 'Of the vehicle in CARLA.'),
    ('camera', '', 'Name of the camera in its topics; empty: the usual one of the simulator.'),
    ('truth_camera', '', 'Name of the semantic camera, likewise.'),
    ('image', '', 'Topic of the images; empty: as the simulator names it.'),
    ('camera_info', '', 'Topic of their calibration, likewise.'),
    ('truth', '', 'Topic of the true labels, likewise.'),
    ('truth_table', '', 'What the truth means (config/truth); empty: as in params_file.'),
    ('truth_pixels', '', 'value or color: what its pixels hold; empty: as in params_file.'),
    ('grouping', '', 'Merges labels before scoring (config/labels); empty: as in params_file.'),
    ('score', 'true', 'Score the labels where there is truth.'),
    ('output', '', 'Folder for score.json and score.html at the end; empty: none.'),
    ('params_file', '', "Parameter file; empty: the simulator's in config/presets."),
    ('namespace', '', 'Namespace of the nodes.'),
    ('model', '', 'Model file; empty: as in params_file.'),
    ('backend', '', 'Inference runtime; empty: as in params_file.'),
)


def generate_launch_description() -> LaunchDescription:
    """Return the segmentation of one camera and, where there is truth, its score."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in ARGUMENTS
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    image, camera_info, truth = _topics(given)
    preset = given['params_file'] or str(config_file(f'presets/{given["simulator"]}.param.yaml'))
    segmentation = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('segmentation.launch.py'))),
        launch_arguments={
            'image': image,
            'camera_info': camera_info,
            'params_file': preset,
            'use_sim_time': 'true',
            **{name: given[name] for name in ('namespace', 'model', 'backend')},
        }.items(),
    )
    if not truth or given['score'].lower() != 'true':
        return [segmentation]
    return [segmentation, _score(given, preset, truth)]


def _topics(given: dict[str, str]) -> tuple[str, ...]:
    known = {name: rest for name, *rest in SIMULATORS}
    if given['simulator'] not in known:
        raise ValueError(
            f'simulator: expected one of {", ".join(known)}, got {given["simulator"]!r}'
        )
    *topics, camera, truth_camera = known[given['simulator']]
    names = {
        'role_name': given['role_name'],
        'camera': given['camera'] or camera,
        'truth_camera': given['truth_camera'] or truth_camera,
    }
    chosen = zip(('image', 'camera_info', 'truth'), topics, strict=True)
    return tuple(given[name] or topic.format(**names) for name, topic in chosen)


def _score(given: dict[str, str], preset: str, truth: str) -> Node:
    named = (('truth', 'truth_table'), ('truth_pixels',) * 2, ('grouping',) * 2, ('output',) * 2)
    return Node(
        package='seg_perception',
        executable='score_node',
        name='score',
        namespace=given['namespace'],
        parameters=[preset, {name: given[source] for name, source in named if given[source]}],
        remappings=[
            ('prediction', 'segmentation/label'),
            ('report', 'segmentation/report'),
            ('truth', truth),
        ],
        additional_env=large_image_environment(),
        output='screen',
        sigterm_timeout='60',  # it writes files at the end
    )
