"""Faster bodies of layers and optimizer steps, a folder a library, imported when its arrays first arrive.

``xpnet.fast.<library>.names()`` gives the names under which the bodies for its arrays are registered, best first.
"""
