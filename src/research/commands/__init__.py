"""The commands of `research`, one module per verb."""
