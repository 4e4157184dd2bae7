"""`python3 -m core.training RECIPE [key=value ...]`."""

from __future__ import annotations

import sys

from core.errors import StudioError
from core.training.command import main

try:
    sys.exit(main(sys.argv[1:]))
except StudioError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
