"""Damaged inputs of every kind, made from small sound ones by seeded mutation: `python -m fuzz --help`.

The rule under test: a user's mistake gives one message that names the file and says what was expected; never a
traceback, an endless wait, a partial output or a changed original. An input that is still sound may be accepted.
"""
