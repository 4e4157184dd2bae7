"""Pictures of a project: frames, overlays, previews, keyframes to and from other programs."""
