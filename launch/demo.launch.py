"""A made-up street, its segmentation and a monitor: `ros2 launch seg_perception demo.launch.py`."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from seg_perception.demo.graph import DemoOptions, Process, demo_processes
from seg_perception.large_images import large_image_environment

# Name (a field of DemoOptions) and description.
ARGUMENTS = (
    ('source', 'scene (a made-up street), a folder of images, or a video file.'),
    ('width', 'Width of the made-up street, pixels.'),
    ('height', 'Height of the made-up street, pixels.'),
    ('rate', 'Frames per second.'),
    ('seed', 'Seed of the made-up street.'),
    ('frames', 'End after so many frames; 0: at Ctrl-C.'),
    ('model', 'Model file; empty: the bundled model.'),
    ('output', 'Folder for summary.json, index.html and pictures; empty: none.'),
)


def generate_launch_description() -> LaunchDescription:
    """Return the same processes that `python3 -m seg_perception demo` starts."""
    defaults = DemoOptions()
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name, default_value=str(getattr(defaults, name)), description=text
                )
                for name, text in ARGUMENTS
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[Node]:
    defaults = DemoOptions()
    given = {
        name: type(getattr(defaults, name))(LaunchConfiguration(name).perform(context))
        for name, _ in ARGUMENTS
    }
    options = DemoOptions(**given, command='ros2 launch seg_perception demo.launch.py')
    return [_action(process) for process in demo_processes(options)]


def _action(process: Process) -> Node:
    kind = LifecycleNode if process.lifecycle else Node
    return kind(
        package='seg_perception',
        executable=process.tool,
        name=process.name,
        namespace=process.namespace,
        parameters=[
            {
                name: ParameterValue(value, value_type=type(value))
                for name, value in process.parameters.items()
            }
        ],
        remappings=list(process.remappings.items()),
        additional_env=large_image_environment(),
        output='screen',
        on_exit=_end_all,
        sigterm_timeout='60',  # the monitor writes pictures at the end
    )


def _end_all(event: ProcessExited, context: LaunchContext) -> list[Shutdown]:
    # A second shutdown on the way down would end with an error of launch_ros.
    return [] if context.is_shutdown else [Shutdown(reason=f'{event.process_name} has ended')]
