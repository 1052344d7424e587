"""The names of the second volume's ``common`` package: a chapter runs where ``common`` is replaced by this package.

Its layers have lists, ``params`` and ``grads``, whose arrays stay the same objects: ``layers``, ``time_layers``; the
rest goes with them: ``functions``, ``optimizer``, ``trainer``, ``base_model``, ``util``, ``np``, ``config``. The
equations are those of ``xpnet.layers``. ``weights`` reads files of the book's weights into networks of xpnet.

On CuPy, ``config.GPU = True`` comes before the other imports, or ``xpnet.set_backend("cupy")`` before all.

Source: Saito, 2018, Deep Learning from Scratch 2, chapters 1 to 8.
"""
