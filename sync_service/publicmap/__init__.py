"""The public map: one page anybody may open, its base map and its words.

The page asks for proposals where every other client does, at the OGC API; this folder holds no data of its own.
Everything the page loads comes from this service: the base map too, which is passed on when it lives elsewhere,
so that no third party ever learns who looks at the map.
"""
