"""The demo: its processes, what becomes of a run, and the page about it. Knows no ROS."""
