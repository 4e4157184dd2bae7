"""Training recipes: `launch.py train RECIPE [key=value ...]`.

Where only the packages of the trainer are installed: `python3 -m core.training RECIPE ...`.
"""
