"""Batches: functions written for one array, computed for many arrays at once.

``batch`` has the array that stands for many, ``ways`` the batching rules, and ``vmap`` the transform.
A row of the table of rules names its batching rule as ``batch=``.
"""
