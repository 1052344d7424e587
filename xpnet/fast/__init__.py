"""Faster bodies of layers and optimizer steps, in a folder per library, imported when its arrays first arrive.

``xpnet.fast.<library>.names()`` gives the names under which the bodies for its arrays are registered, best first.
"""
