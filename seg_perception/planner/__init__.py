"""How good is what a planner gets: against the exact world of made-up streets."""
