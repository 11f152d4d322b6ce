"""The two pictures: how values become pixels on the screen, and what lies over them."""
