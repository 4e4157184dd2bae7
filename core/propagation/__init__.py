"""Propagation: the accepted keyframe through the clip, window by window."""
