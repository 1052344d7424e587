"""The array library, device and dtype: one switch for new arrays, one query for existing ones."""

from xpnet.backend.host import to_numpy
from xpnet.backend.libraries import LIBRARIES
from xpnet.backend.library import Library
from xpnet.backend.namespace import (
    OTHER_ARRAYS,
    array_namespace,
    device_of,
    dtype_kind,
    dtype_name,
    is_array,
    library_name,
    library_of,
    library_of_type,
    refuse_subclass,
    size_of,
)
from xpnet.backend.switch import (
    Backend,
    asarray,
    available_backends,
    backend_of,
    get_backend,
    make_backend,
    missing,
    set_backend,
    use_backend,
)
from xpnet.tuning import keep_freed_arrays

keep_freed_arrays()

__all__ = [
    "LIBRARIES",
    "OTHER_ARRAYS",
    "Backend",
    "Library",
    "array_namespace",
    "asarray",
    "available_backends",
    "backend_of",
    "device_of",
    "dtype_kind",
    "dtype_name",
    "get_backend",
    "is_array",
    "library_name",
    "library_of",
    "library_of_type",
    "make_backend",
    "missing",
    "refuse_subclass",
    "set_backend",
    "size_of",
    "to_numpy",
    "use_backend",
]
