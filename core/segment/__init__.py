"""SAM 2: prompts in, masks out, through the clip."""
