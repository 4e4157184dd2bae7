"""What all recipes share: the loop, configuration, curves, checkpoints."""
