"""Ends with 69 and says why where this machine or user cannot make nodes."""

import sys

from elsewhere import nodes

trouble = nodes.obstacle()
if trouble:
    print(f"scripts/bench-network: {trouble} (or measure without a network: --one-node)", file=sys.stderr)
    sys.exit(69)
