"""The pictures of the lessons, one module a topic, and the knobs that change them.

Nothing is imported here: a lesson pays only for the module whose figure it shows.
"""
