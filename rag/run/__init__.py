"""The runtime: performs a planner's actions, and runs a plan as a graph, as parallel as it allows."""
