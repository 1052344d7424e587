# The driver's pools of memory, and memory of other processes. Included by runtime.pyx.
_pools = {}
_numbers_of_pools = _itertools.count(1000)
"""A pool is a number: memory is freed at once."""

cpdef intptr_t deviceGetDefaultMemPool(int device) except? 0:
    _check_device(device)
    return device + 1

cpdef intptr_t deviceGetMemPool(int device) except? 0:
    return _pools.get(device, device + 1)

cpdef deviceSetMemPool(int device, intptr_t pool):
    _pools[device] = pool

cpdef intptr_t memPoolCreate(MemPoolProps props) except? 0:
    return next(_numbers_of_pools)

cpdef memPoolDestroy(intptr_t pool):
    pass

cpdef memPoolTrimTo(intptr_t pool, size_t size):
    pass

_pool_attributes = {}

cpdef memPoolGetAttribute(intptr_t pool, int attr):
    left, total = memGetInfo()
    return total - left if attr > 4 else _pool_attributes.get((pool, attr), 0)  # above 4: bytes held, bytes in use

cpdef memPoolSetAttribute(intptr_t pool, int attr, object value):
    _pool_attributes[pool, attr] = value

def ipcGetMemHandle(intptr_t ptr):
    _absent("memory of another process")

def ipcOpenMemHandle(handle, flags=1):
    _absent("memory of another process")

def ipcCloseMemHandle(intptr_t ptr):
    _absent("memory of another process")

def ipcGetEventHandle(intptr_t event):
    _absent("an event of another process")

def ipcOpenEventHandle(handle):
    _absent("an event of another process")
