"""Long runs that look for faults: `python -m scripts.campaign NAME --folder F`."""
