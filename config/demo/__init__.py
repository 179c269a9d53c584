"""The demo's data: sample proposals for Tolyatti, and outlines, streets and houses drawn roughly by hand for them.

The outlines and places are only as exact as a demo needs. Nobody should measure or navigate by them.
"""
