"""`python -m spinloom` is `spinloom`."""

import sys

from spinloom.cli import main

sys.exit(main())
