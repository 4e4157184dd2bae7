"""The video model: conditioning, pipeline, keyframe mode, propagation, adapters."""
