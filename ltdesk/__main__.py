"""``python -m ltdesk``."""

import sys

from ltdesk.cli import main

if __name__ == "__main__":
    sys.exit(main())
