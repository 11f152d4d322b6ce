"""Writing results: ``.npz``, ``.h5``, ``.tif``, ``.png``, each with the recipe inside; and reading recipes back."""

from __future__ import annotations

from ltdesk.engine.export.recipes import read_recipe, read_spectra
from ltdesk.engine.export.save import PICTURES, SUFFIXES, check_suffix, result_paths, save

__all__ = ["PICTURES", "SUFFIXES", "check_suffix", "read_recipe", "read_spectra", "result_paths", "save"]
