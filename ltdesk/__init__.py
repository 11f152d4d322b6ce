"""Open a 4D-STEM scan, draw virtual detectors, see the images that they give."""
