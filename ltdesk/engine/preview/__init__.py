"""Images at the rate of the screen while something is dragged: from sums of small squares of camera pixels."""
