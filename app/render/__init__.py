"""From a region and keyframes to files: edit, track, export, recipes."""
