"""A stand-in for Colab's own package, of which it has what the course calls, and no more.

The functions take what Colab's documentation shows, and note what they were called with.
"""

calls: list[tuple] = []
