"""Writing results: ``.npz``, ``.h5``, ``.tif``, ``.png``, each with the recipe inside; and reading recipes back."""

from __future__ import annotations

from ltdesk.engine.export.recipes import read_recipe
from ltdesk.engine.export.save import SUFFIXES, check_suffix, save

__all__ = ["SUFFIXES", "check_suffix", "read_recipe", "save"]
