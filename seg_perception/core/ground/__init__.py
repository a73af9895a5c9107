"""From labels to metres: free space, obstacles and a grid on the ground, and how far to trust them.

Frames (REP-103, REP-105): vehicle, x forward, y left, z up, with the ground at z = 0; camera
optical, x right, y down, z forward. Metres, radians, seconds; whole pixel coordinates are centres.
"""
