"""Batches: functions written for one array, computed for many at once.

``batch`` has the array that stands for many, ``ways`` how a function treats it, and ``vmap`` the transform.
A row of the table of rules names its way as ``batch=``.
"""
