"""A keyframe that shows the source's own thing changed: the change, carried along the thing's own
motion.
"""
