"""What is on disk: projects, masks, scene cuts, locks."""
