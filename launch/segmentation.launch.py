"""Segment cameras: `ros2 launch seg_perception segmentation.launch.py image:=/front/image`.

Several by one node: `cameras:=front,rear image:=/{camera}/image_raw camera_info:=/{camera}/info`.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from seg_perception.large_images import large_image_environment

# Name, default, description.
ARGUMENTS = (
    ('namespace', '', 'Namespace of the node.'),
    ('name', 'segmentation', 'Name of the node, and of its output topics.'),
    (
        'cameras',
        '',
        'Names of cameras, such as front,rear; empty: as in params_file, or one without a name.',
    ),
    ('image', '', 'Topic of the images; {camera} in it is a name of `cameras`. Empty: `image`.'),
    ('camera_info', '', 'Topic of their calibration, likewise; need not exist.'),
    ('params_file', '', 'Parameter file; empty: the defaults of the package.'),
    ('use_sim_time', 'false', 'Take the time from /clock.'),
    ('log_level', 'info', 'Least severity that is logged: debug, info, warn, error.'),
)

# Name, type, description; empty (the default) leaves the value to the parameter file.
PARAMETERS = (
    ('model', str, 'Model file.'),
    ('backend', str, 'Inference runtime: auto, tensorrt or onnxruntime, for example.'),
    ('transport', str, 'raw, compressed to use `<image>/compressed`, or auto: what is published.'),
    ('output_size', str, 'Size of the outputs: camera, network (cheaper) or <width>x<height>.'),
    ('geometry', str, "How images fill the network's input: stretch, letterbox or crop."),
    ('base_frame', str, "The vehicle's frame, that what is on the ground is told in."),
    ('mount_height', float, 'Of the camera above the ground, m; 0: its place is taken from tf2.'),
    ('mount_x', float, 'Of the camera in base_frame, m, forward.'),
    ('mount_y', float, 'Of the camera in base_frame, m, to the left.'),
    ('mount_pitch', float, 'Of the camera, rad, downwards.'),
    ('mount_yaw', float, 'Of the camera, rad, to the left.'),
    ('autostart', bool, 'Configure and activate at the start; false: a manager does it.'),
)


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments."""
    arguments = [
        *ARGUMENTS,
        *((name, '', f'{text} Empty: as in params_file.') for name, _, text in PARAMETERS),
    ]
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in arguments
            ),
            OpaqueFunction(function=_segmentation_node),
        ]
    )


def _segmentation_node(context: LaunchContext) -> list[LifecycleNode]:
    given = {
        name: LaunchConfiguration(name).perform(context) for name, *_ in (*ARGUMENTS, *PARAMETERS)
    }
    overrides: dict[str, object] = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in (('use_sim_time', bool), *((name, kind) for name, kind, _ in PARAMETERS))
        if given[name]
    }
    cameras = [name.strip() for name in given['cameras'].split(',')]
    if given['cameras']:
        overrides['cameras'] = cameras
    return [
        LifecycleNode(
            package='seg_perception',
            executable='segmentation_node',
            name=given['name'],
            namespace=given['namespace'],
            parameters=[*filter(None, [given['params_file']]), overrides],
            remappings=[
                (f'{camera}/{topic}'.lstrip('/'), given[topic].replace('{camera}', camera))
                for camera in cameras
                for topic in ('image', 'camera_info')
                if given[topic]
            ],
            ros_arguments=['--log-level', given['log_level']],
            additional_env=large_image_environment(),
            output='screen',
        )
    ]
